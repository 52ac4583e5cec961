// What a batch that changes one property of one instance costs the catalog, among so many instances in services of a hundred:
// BM_UpdateCatalog, and BM_UpdateCatalogAndFind with the service's snapshot, which is made when it is asked for. BM_FillCatalog is what a
// start pays for so many, their snapshots included.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "discovery/catalog.h"
#include "discovery/shipped_schemas.h"

namespace scoutlight::discovery {
namespace {

constexpr int kInstancesPerService = 100;
// A prime: scatters the changes.
constexpr int64_t kStride = 7919;
// Named, so that a large catalog is not filled again for each guess at a number.
constexpr int64_t kUpdates = 20'000;

std::string ServiceOf(int64_t instance) { return absl::StrCat("service-", 100'000 + instance / kInstancesPerService); }

Entry EntryOf(int64_t instance, absl::string_view property, std::string text, Revision revision) {
  const std::string path = absl::StrCat("/c/services/", ServiceOf(instance), "/i", instance % kInstancesPerService, "/", property);
  return {.key = Key::Parse(path).value(),
          .value = {Value::Form::kText, std::move(text)},
          .create_revision = revision,
          .mod_revision = revision,
          .version = 1,
          .has_value = true};
}

std::unique_ptr<Catalog> Filled(int64_t instances) {
  auto catalog = std::make_unique<Catalog>(Claims::Create(ShippedSchemas(), Bindings()).value());
  for (int64_t i = 0; i < instances; ++i) {
    catalog->Fill(EntryOf(i, "hostname", "192.168.1.101", 2));
    catalog->Fill(EntryOf(i, "port", "8001", 2));
    catalog->Fill(EntryOf(i, "protocol", "https", 2));
    catalog->Fill(EntryOf(i, "zone", "a", 2));
    catalog->Fill(EntryOf(i, "weight", "1", 2));
    catalog->Fill(EntryOf(i, "version", "1.4.2", 2));
  }
  catalog->FillUpTo(2);
  catalog->MakeSnapshots();
  return catalog;
}

// One change of `instance`, at the revision behind the catalog's.
void Change(Catalog* catalog, benchmark::State* state, int64_t instance, Revision revision) {
  state->PauseTiming();
  Batch batch{.revision = revision, .committed = {}, .events = {}};
  Entry entry = EntryOf(instance, "version", absl::StrCat("1.4.", revision), revision);
  batch.events.push_back({.key = entry.key, .kind = EventKind::kPut, .entry = std::move(entry)});
  state->ResumeTiming();
  benchmark::DoNotOptimize(catalog->Apply(batch));
}

void BM_UpdateCatalog(benchmark::State& state) {
  const std::unique_ptr<Catalog> catalog = Filled(state.range(0));
  Revision revision = 2;
  for (auto _ : state) {
    ++revision;
    Change(catalog.get(), &state, revision * kStride % state.range(0), revision);
  }
}
BENCHMARK(BM_UpdateCatalog)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Iterations(kUpdates);

void BM_UpdateCatalogAndFind(benchmark::State& state) {
  const std::unique_ptr<Catalog> catalog = Filled(state.range(0));
  Revision revision = 2;
  for (auto _ : state) {
    const int64_t instance = ++revision * kStride % state.range(0);
    Change(catalog.get(), &state, instance, revision);
    benchmark::DoNotOptimize(catalog->Find("c", ServiceOf(instance)));
  }
}
BENCHMARK(BM_UpdateCatalogAndFind)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Iterations(kUpdates);

void BM_FillCatalog(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Filled(state.range(0)));
}
BENCHMARK(BM_FillCatalog)->Arg(1'000)->Arg(10'000);

}  // namespace
}  // namespace scoutlight::discovery

BENCHMARK_MAIN();
