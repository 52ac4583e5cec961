// What a caller pays who resolves first after one instance of a service of so many has changed: BM_ResolveAfterChange/<what>/<instances>.
// Strategies that look at nothing but the number of candidates cost the same from 64 instances on; the others make tables anew, which the
// server leaves to its readers. BM_SnapshotAfterChange is what the snapshot alone costs, and what a watcher is shown.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "discovery/service_snapshot.h"
#include "server/discovery/resolver.h"

namespace scoutlight::server {
namespace {

using discovery::InstancePtr;
using discovery::SnapshotPtr;
using discovery::StrategyKind;

InstancePtr InstanceOf(int number, int port) {
  discovery::Instance instance;
  instance.name = {"c", "s", absl::StrCat("instance-", 100'000 + number)};
  instance.properties = {{"hostname", "192.168.1.101"}, {"port", absl::StrCat(port)}, {"protocol", "https"}, {"zone", "a"}};
  return std::make_shared<const discovery::Instance>(std::move(instance));
}

SnapshotPtr SnapshotOf(int instances) {
  std::vector<std::pair<std::string, InstancePtr>> changes;
  for (int i = 0; i < instances; ++i) changes.emplace_back(absl::StrCat("instance-", 100'000 + i), InstanceOf(i, 80));
  return discovery::ServiceSnapshot().With(changes, 1);
}

// The snapshot after the next change.
SnapshotPtr Next(const SnapshotPtr& snapshot, int change) {
  const int number = static_cast<int>((static_cast<size_t>(change) * 7919) % snapshot->size());
  InstancePtr instance = InstanceOf(number, 1000 + change % 50'000);
  std::string id = instance->name.id;
  return snapshot->With({{std::move(id), std::move(instance)}}, change + 1);
}

void BM_SnapshotAfterChange(benchmark::State& state) {
  SnapshotPtr snapshot = SnapshotOf(static_cast<int>(state.range(0)));
  int change = 0;
  for (auto _ : state) {
    const SnapshotPtr next = Next(snapshot, ++change);
    int shown = 0;
    discovery::ForEachDifference(snapshot.get(), next.get(), [&](const InstancePtr&, const InstancePtr&) { ++shown; });
    benchmark::DoNotOptimize(shown);
    snapshot = next;
  }
}
BENCHMARK(BM_SnapshotAfterChange)->Arg(10)->Arg(64)->Arg(1'000)->Arg(10'000)->Arg(100'000);

void ResolveAfterChange(benchmark::State& state, const PickSpec& spec) {
  Resolver resolver(1);
  SnapshotPtr snapshot = SnapshotOf(static_cast<int>(state.range(0)));
  if (!resolver.Resolve(spec, snapshot, absl::UnixEpoch()).ok()) return state.SkipWithError("nobody");
  int change = 0;
  for (auto _ : state) {
    state.PauseTiming();
    snapshot = Next(snapshot, ++change);
    state.ResumeTiming();
    benchmark::DoNotOptimize(resolver.Resolve(spec, snapshot, absl::UnixEpoch()));
  }
}

void Register(const std::string& name, const PickSpec& spec) {
  auto* const registered = benchmark::RegisterBenchmark(absl::StrCat("BM_ResolveAfterChange/", name).c_str(),
                                                        [spec](benchmark::State& state) { ResolveAfterChange(state, spec); });
  for (const int instances : {10, 64, 1'000, 10'000}) registered->Arg(instances);
}

void RegisterAll() {
  for (const StrategyKind kind : discovery::kAllStrategies) {
    Register(std::string(discovery::StrategyText(kind)), {.service = {"c", "s"}, .strategy = kind});
  }
  Register("round_robin+filter",
           {.service = {"c", "s"}, .filter = discovery::Filter::Parse("zone == \"a\"", discovery::AgeTerms::kAllowed).value()});
}

}  // namespace
}  // namespace scoutlight::server

int main(int argc, char** argv) {
  scoutlight::server::RegisterAll();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
