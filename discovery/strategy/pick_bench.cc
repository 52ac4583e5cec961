// What a pick costs, and what the tables of a new snapshot cost: BM_Pick/<strategy>/<candidates>, BM_NewPicker/<strategy>/<candidates>.
// A client asks for at most 100 ns a pick by round robin from 1,000 candidates, and 250 ns by weight, zone or hash, on one core.
#include <benchmark/benchmark.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "discovery/strategy/make_strategy.h"

namespace scoutlight::discovery {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// Candidates as services have them: a few weights, three zones, loads of their own.
SharedCandidates Candidates(int count) {
  Random random(1);
  auto candidates = std::make_shared<CandidateList>(count);
  for (int i = 0; i < count; ++i) {
    Candidate& candidate = (*candidates)[i];
    candidate.id = HashName(absl::StrCat("instance-", i));
    candidate.zone = HashName(absl::StrCat("zone-", i % 3));
    candidate.weight = static_cast<double>(1 + i % 10);
    candidate.load = random.Unit();
    candidate.reliability = random.Unit();
    if (i % 4 == 0) candidate.registered_at = kNow - absl::Seconds(static_cast<double>(random.Below(60)));
  }
  return candidates;
}

void Pick(benchmark::State& state, const StrategyOptions& options) {
  const auto strategy = MakeStrategy(options).value();
  const auto picker = strategy->NewPicker(Candidates(static_cast<int>(state.range(0))));
  Random random(1);
  uint64_t key = 0;
  for (auto _ : state) benchmark::DoNotOptimize(picker->Pick({.now = kNow, .random = &random, .affinity = ++key}));
}

void NewPicker(benchmark::State& state, const StrategyOptions& options) {
  const auto strategy = MakeStrategy(options).value();
  const SharedCandidates candidates = Candidates(static_cast<int>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(strategy->NewPicker(candidates));
}

void Register(const std::string& name, const StrategyOptions& options) {
  benchmark::RegisterBenchmark(absl::StrCat("BM_Pick/", name).c_str(), [options](benchmark::State& state) { Pick(state, options); })
      ->Arg(10)
      ->Arg(1000)
      ->Arg(10'000);
  benchmark::RegisterBenchmark(absl::StrCat("BM_NewPicker/", name).c_str(),
                               [options](benchmark::State& state) { NewPicker(state, options); })
      ->Arg(1000)
      ->Arg(10'000);
}

void RegisterAll() {
  for (const StrategyKind kind : kAllStrategies) {
    const std::string name(StrategyText(kind));
    Register(name, {.kind = kind});
    Register(name + "+zone", {.kind = kind, .zone = "zone-1"});
    Register(name + "+slow_start", {.kind = kind, .slow_start = absl::Minutes(1)});
    Register(name + "+subset", {.kind = kind, .subset = 20, .subset_caller = "me"});
  }
}

}  // namespace
}  // namespace scoutlight::discovery

int main(int argc, char** argv) {
  scoutlight::discovery::RegisterAll();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
