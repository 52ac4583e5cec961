// What a pick of a locator costs: BM_Resolve/<strategy>/<instances> with the look-up by name, BM_Handle the same without, each in one
// thread and in two at a time; BM_Call a call begun and told. Asked for: at most 100 ns from 1,000 instances by round robin on one core, at
// most 250 ns by weight, zone or hash, two threads no slower per pick. No server: what is known is put in.
//
// The column CPU is what a pick takes one thread, and is to be compared between threads:1 and threads:2. The column Time is the time that
// goes by, divided by the picks of all threads: with two, on two free cores, half.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "client/locator/choice.h"
#include "client/locator/service_state.h"
#include "client/locator/thread_views.h"
#include "client/resolve_options.h"
#include "discovery/strategy/strategy_kind.h"

namespace scoutlight::client {
namespace {

// A service as services are: a few weights, three zones.
discovery::SnapshotPtr Instances(int count) {
  discovery::ServiceSnapshot::Changes changes;
  for (int i = 0; i < count; ++i) {
    auto instance = std::make_shared<discovery::Instance>();
    instance->name = {"default", "Printer", absl::StrCat("instance-", 100'000 + i)};
    instance->properties = {
        {"hostname", "h"}, {"port", "80"}, {"weight", absl::StrCat(1 + i % 10)}, {"zone", absl::StrCat("zone-", i % 3)}};
    changes.emplace_back(instance->name.id, std::move(instance));
  }
  return discovery::ServiceSnapshot().With(changes, 1);
}

// What LocatorCore does once a service is known, without the locator.
class Service {
 public:
  Service(int instances, ResolveOptions options) : options_(std::move(options)) {
    auto state = std::make_shared<ServiceState>(discovery::ServiceName{"default", "Printer"}, EjectionOptions(), &Clock::System());
    state->Publish({.snapshot = Instances(instances), .told = true, .usable = true});
    choice_ = *Choice::Make({.locator = kLocator,
                             .service = std::move(state),
                             .options = options_,
                             .strategy = options_.strategy.value_or(discovery::StrategyOptions()),
                             .clock = &Clock::System(),
                             .seed = 1});
  }

  absl::StatusOr<Pick> Resolve(const PickOptions& pick) const {
    const uint64_t key = Choice::KeyOf(kLocator, "Printer", options_);
    return PickFrom(
        key, [this](const Choice& choice) { return choice.Is(kLocator, "Printer", options_); }, pick);
  }
  absl::StatusOr<Pick> PickByHandle(const PickOptions& pick) const {
    return PickFrom(
        choice_->key(), [this](const Choice& choice) { return &choice == choice_.get(); }, pick);
  }

 private:
  static constexpr uint64_t kLocator = 1'000'000;

  template <typename IsIt>
  absl::StatusOr<Pick> PickFrom(uint64_t key, const IsIt& is_it, const PickOptions& pick) const {
    ThreadViews::Slot* slot = ThreadViews::Mine().Find(key, is_it);
    if (slot == nullptr) slot = ThreadViews::Mine().Put(choice_);
    for (;;) {
      if (!slot->view) slot->view = choice_->NewView(ThreadViews::Mine().lane());
      if (std::optional<absl::StatusOr<Pick>> picked = slot->view.TryPick(pick); picked.has_value()) return *std::move(picked);
      slot->view = {};
    }
  }

  const ResolveOptions options_;
  std::shared_ptr<Choice> choice_;
};

void Resolve(benchmark::State& state, const Service& service) {
  int key = 0;
  std::vector<std::string> keys;
  for (int i = 0; i < 1024; ++i) keys.push_back(absl::StrCat("key-", i));
  for (auto _ : state) benchmark::DoNotOptimize(service.Resolve({.affinity_key = keys[++key % 1024]}));
}

void ResolveWithoutKey(benchmark::State& state, const Service& service) {
  for (auto _ : state) benchmark::DoNotOptimize(service.Resolve({}));
}

void Handle(benchmark::State& state, const Service& service) {
  for (auto _ : state) benchmark::DoNotOptimize(service.PickByHandle({}));
}

void BeginAndTell(benchmark::State& state, const Service& service) {
  for (auto _ : state) service.PickByHandle({})->Begin().Succeeded();
}

void Register(const std::string& name, const discovery::StrategyOptions& strategy, bool with_key) {
  for (const int instances : {10, 1000}) {
    // The default needs no options, as calls that name none.
    const bool is_default = strategy.kind == discovery::StrategyKind::kRoundRobin && strategy.zone.empty();
    const auto service = std::make_shared<Service>(instances, is_default ? ResolveOptions() : ResolveOptions{.strategy = strategy});
    for (const int threads : {1, 2}) {
      const std::string of = absl::StrCat(name, "/", instances);
      benchmark::RegisterBenchmark(absl::StrCat("BM_Resolve/", of).c_str(), [service, with_key](benchmark::State& state) {
        with_key ? Resolve(state, *service) : ResolveWithoutKey(state, *service);
      })->Threads(threads);
      benchmark::RegisterBenchmark(absl::StrCat("BM_Handle/", of).c_str(), [service](benchmark::State& state) {
        Handle(state, *service);
      })->Threads(threads);
      benchmark::RegisterBenchmark(absl::StrCat("BM_Call/", of).c_str(), [service](benchmark::State& state) {
        BeginAndTell(state, *service);
      })->Threads(threads);
    }
  }
}

void RegisterAll() {
  for (const discovery::StrategyKind kind : discovery::kAllStrategies) {
    Register(std::string(discovery::StrategyText(kind)), {.kind = kind}, kind == discovery::StrategyKind::kConsistentHash);
  }
  Register("round_robin+zone", {.zone = "zone-1"}, false);
}

}  // namespace
}  // namespace scoutlight::client

int main(int argc, char** argv) {
  scoutlight::client::RegisterAll();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
