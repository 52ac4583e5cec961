// What the catalog and watches pay for each event: BM_ClaimKey (whose key is it, with so many schemas and bindings), BM_DecodeInstance,
// BM_Filter (does a filter of so many terms choose an instance), BM_ParseFilter.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "discovery/claims.h"
#include "discovery/filter/filter.h"
#include "discovery/shipped_schemas.h"

namespace scoutlight::discovery {
namespace {

void BM_ClaimKey(benchmark::State& state) {
  const int count = static_cast<int>(state.range(0));
  std::vector<std::shared_ptr<const Schema>> schemas = ShippedSchemas();
  std::vector<Binding> bindings;
  for (int i = 0; i < count; ++i) {
    auto schema = std::make_shared<Schema>(*schemas.front());
    schema->name = absl::StrCat("schema", i);
    bindings.push_back({"cluster", absl::StrCat("service", i), schema->name});
    schemas.push_back(std::move(schema));
  }
  const auto claims = Claims::Create(std::move(schemas), Bindings::Create(std::move(bindings)).value()).value();
  const Key key = Key::Parse(absl::StrCat("/cluster/services/service", count / 2, "/640da76bb2e3/hostname")).value();
  for (auto _ : state) benchmark::DoNotOptimize(claims->Read(key));
}
BENCHMARK(BM_ClaimKey)->Arg(1)->Arg(900);

void BM_DecodeInstance(benchmark::State& state) {
  const Schema& schema = *ShippedSchemas()[state.range(0)];
  const Properties properties = {
      {"hostname", "192.168.1.101"}, {"port", "8001"}, {"protocol", "https"}, {"zone", "a"}, {"version", "1.4.2"}};
  std::vector<Piece> pieces = schema.layout.serializer().Encode(properties);
  for (auto _ : state) benchmark::DoNotOptimize(schema.layout.Decode(pieces));
  state.SetLabel(schema.name);
}
BENCHMARK(BM_DecodeInstance)->DenseRange(0, 2);

std::string FilterOf(int terms) {
  std::string text = "protocol == \"https\"";
  for (int i = 1; i < terms; ++i) absl::StrAppend(&text, i % 2 == 0 ? " and port >= " : " and port != ", i);
  return text;
}

void BM_Filter(benchmark::State& state) {
  const Filter filter = Filter::Parse(FilterOf(static_cast<int>(state.range(0))), AgeTerms::kRefused).value();
  Instance instance;
  instance.properties = {{"hostname", "192.168.1.101"}, {"port", "8001"}, {"protocol", "https"}, {"zone", "a"}};
  for (auto _ : state) benchmark::DoNotOptimize(filter.Matches(instance, absl::UnixEpoch()));
}
BENCHMARK(BM_Filter)->Arg(1)->Arg(3)->Arg(64);

void BM_ParseFilter(benchmark::State& state) {
  const std::string text = FilterOf(static_cast<int>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(Filter::Parse(text, AgeTerms::kRefused));
}
BENCHMARK(BM_ParseFilter)->Arg(1)->Arg(3)->Arg(64);

}  // namespace
}  // namespace scoutlight::discovery

BENCHMARK_MAIN();
