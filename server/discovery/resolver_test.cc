#include "server/discovery/resolver.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/regex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::server {
namespace {

using discovery::Instance;
using discovery::InstancePtr;
using discovery::SnapshotPtr;
using discovery::StrategyKind;

const discovery::ServiceName kPrinter{"default", "Printer"};

InstancePtr Named(const std::string& id, const discovery::Properties& properties = {}) {
  Instance instance;
  instance.name = {kPrinter.cluster, kPrinter.service, id};
  instance.properties = properties;
  return std::make_shared<const Instance>(std::move(instance));
}

SnapshotPtr SnapshotOf(const std::vector<InstancePtr>& instances, Revision revision = 1) {
  std::vector<std::pair<std::string, InstancePtr>> changes;
  for (const InstancePtr& instance : instances) changes.emplace_back(instance->name.id, instance);
  return discovery::ServiceSnapshot().With(changes, revision);
}

PickSpec Spec(const std::string& filter = "") {
  return {.service = kPrinter, .filter = *discovery::Filter::Parse(filter, discovery::AgeTerms::kAllowed)};
}

std::string IdOf(const absl::StatusOr<std::vector<discovery::InstancePtr>>& picks) {
  return picks.ok() ? picks->front()->name.id : std::string(picks.status().message());
}

TEST(Resolver, CallersShareTheTurnsOfOneStateAndFiltersHaveTheirOwn) {
  Resolver resolver(1);
  const SnapshotPtr snapshot = SnapshotOf({Named("a", {{"zone", "x"}}), Named("b", {{"zone", "x"}}), Named("c", {{"zone", "y"}})});
  std::map<std::string, int> picked;
  for (int i = 0; i < 30; ++i) ++picked[IdOf(resolver.Resolve(Spec(), snapshot, absl::UnixEpoch()))];
  EXPECT_EQ(picked, (std::map<std::string, int>{{"a", 10}, {"b", 10}, {"c", 10}}));
  EXPECT_EQ(IdOf(resolver.Resolve(Spec("zone == \"y\""), snapshot, absl::UnixEpoch())), "c");
  // The same filter in other words is the same state.
  EXPECT_EQ(IdOf(resolver.Resolve(Spec("( zone=='y' )"), snapshot, absl::UnixEpoch())), "c");
  EXPECT_EQ(resolver.states(), 2u);
}

InstancePtr Held(const std::string& id, const discovery::Properties& properties = {}) {
  Instance instance = *Named(id, properties);
  instance.status = discovery::Status::kOwnerLost;
  return std::make_shared<const Instance>(std::move(instance));
}

TEST(Resolver, WhoIsHeldIsPickedOnlyWhenNobodyElseMatches) {
  Resolver resolver(1);
  Instance overridden = *Held("d", {{"zone", "x"}});
  overridden.override = discovery::Override{.reason = "jam"};
  const SnapshotPtr snapshot =
      SnapshotOf({Held("a", {{"zone", "x"}}), Named("b", {{"zone", "y"}}), Held("c"), std::make_shared<const Instance>(overridden)});
  EXPECT_EQ(snapshot->held(), 3u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(IdOf(resolver.Resolve(Spec(), snapshot, absl::UnixEpoch())), "b");
  PickSpec many = Spec();
  many.count = 4;
  EXPECT_EQ(resolver.Resolve(many, snapshot, absl::UnixEpoch())->size(), 1u);
  EXPECT_EQ(IdOf(resolver.Resolve(Spec("zone == \"x\""), snapshot, absl::UnixEpoch())), "a");
  EXPECT_EQ(ReasonOf(resolver.Resolve(Spec("zone == \"z\""), snapshot, absl::UnixEpoch()).status()), Reason::kNoneMatches);

  const SnapshotPtr none_left = snapshot->With({{"b", nullptr}}, 2);
  std::set<std::string> picked;
  for (int i = 0; i < 10; ++i) picked.insert(IdOf(resolver.TryResolve(Spec(), none_left, absl::UnixEpoch()).value()));
  EXPECT_EQ(picked, (std::set<std::string>{"a", "c"}));
  // They are back: nobody else is picked any more.
  const SnapshotPtr back = none_left->With({{"c", Named("c")}}, 3);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(IdOf(resolver.Resolve(Spec(), back, absl::UnixEpoch())), "c");
}

TEST(Resolver, ANewerSnapshotOfTheSameRevisionTakesTheOldOnesPlaceToo) {
  Resolver resolver(1);
  const SnapshotPtr before = SnapshotOf({Named("a")}, 1);
  const SnapshotPtr after = before->With({{"a", nullptr}, {"b", Named("b")}}, 1);
  EXPECT_EQ(IdOf(resolver.Resolve(Spec(), after, absl::UnixEpoch())), "b");
  EXPECT_EQ(IdOf(resolver.Resolve(Spec(), before, absl::UnixEpoch())), "b") << "the call was slower than the one before";
}

TEST(Resolver, ANewerSnapshotTakesTheOldOnesPlaceAndAnOlderOneDoesNot) {
  Resolver resolver(1);
  const SnapshotPtr old = SnapshotOf({Named("a")}, 1);
  const SnapshotPtr now = SnapshotOf({Named("b")}, 2);
  EXPECT_EQ(IdOf(resolver.Resolve(Spec(), old, absl::UnixEpoch())), "a");
  EXPECT_EQ(IdOf(resolver.Resolve(Spec(), now, absl::UnixEpoch())), "b");
  EXPECT_EQ(IdOf(resolver.Resolve(Spec(), old, absl::UnixEpoch())), "b") << "the call was slower than the one before";
}

TEST(Resolver, ANewerCatalogTakesTheOldOnesPlaceWhateverItsRevision) {
  Resolver resolver(1);
  // The old one was read after the new one was, as a change came in while schemas were being changed.
  const SnapshotPtr old = discovery::ServiceSnapshot(1).With({{"a", Named("a")}}, 92);
  const SnapshotPtr now = discovery::ServiceSnapshot(2).With({{"b", Named("b")}}, 91);
  EXPECT_EQ(IdOf(resolver.Resolve(Spec(), old, absl::UnixEpoch())), "a");
  EXPECT_EQ(IdOf(resolver.Resolve(Spec(), now, absl::UnixEpoch())), "b");
  EXPECT_EQ(IdOf(resolver.Resolve(Spec(), old, absl::UnixEpoch())), "b");
}

TEST(Resolver, NobodyIsToldByReason) {
  Resolver resolver(1);
  Instance out = *Named("a");
  out.override = discovery::Override{};
  const SnapshotPtr none = SnapshotOf({std::make_shared<const Instance>(out)});
  Instance out_too = *Named("b");
  out_too.override = discovery::Override{};
  const SnapshotPtr none_of_two = SnapshotOf({std::make_shared<const Instance>(out), std::make_shared<const Instance>(out_too)}, 2);
  const struct {
    const char* filter;
    SnapshotPtr snapshot;
    absl::StatusCode code;
    Reason reason;
    const char* message;
  } cases[] = {
      {"", none, absl::StatusCode::kUnavailable, Reason::kNoneResolvable, "the only instance of service Printer takes no work"},
      {"", none_of_two, absl::StatusCode::kUnavailable, Reason::kNoneResolvable, "none of the 2 instances of service Printer takes work"},
      {"zone == \"x\"", SnapshotOf({Named("a")}, 3), absl::StatusCode::kFailedPrecondition, Reason::kNoneMatches,
       "filter or endpoint exclude all that take work, 1 instance of service Printer"},
      {"zone == \"x\"", SnapshotOf({Named("a"), Named("b")}, 4), absl::StatusCode::kFailedPrecondition, Reason::kNoneMatches,
       "filter or endpoint exclude all that take work, 2 instances of service Printer"},
  };
  for (const auto& one : cases) {
    const absl::Status status = resolver.Resolve(Spec(one.filter), one.snapshot, absl::UnixEpoch()).status();
    EXPECT_EQ(status.code(), one.code) << one.message;
    EXPECT_EQ(ReasonOf(status), one.reason) << one.message;
    EXPECT_EQ(status.message(), one.message);
  }
}

TEST(Resolver, WhatAgeChoosesChangesWithTime) {
  Resolver resolver(1);
  Instance young = *Named("a");
  young.registered_at = absl::UnixEpoch();
  const SnapshotPtr snapshot = SnapshotOf({std::make_shared<const Instance>(young)});
  EXPECT_EQ(IdOf(resolver.Resolve(Spec("age < 1m"), snapshot, absl::UnixEpoch() + absl::Seconds(30))), "a");
  EXPECT_FALSE(resolver.Resolve(Spec("age < 1m"), snapshot, absl::UnixEpoch() + absl::Seconds(90)).ok());
  EXPECT_EQ(IdOf(resolver.Resolve(Spec("age < 1m"), snapshot, absl::UnixEpoch() + absl::Seconds(30))), "a") << "the clock was set back";
}

TEST(Resolver, SeveralPicksAreDifferentOnes) {
  Resolver resolver(1);
  std::vector<InstancePtr> instances;
  for (int i = 0; i < 20; ++i) instances.push_back(Named(absl::StrCat("p", i)));
  const SnapshotPtr snapshot = SnapshotOf([&] {
    std::vector<InstancePtr> sorted = instances;
    std::sort(sorted.begin(), sorted.end(), [](const InstancePtr& a, const InstancePtr& b) { return a->name.id < b->name.id; });
    return sorted;
  }());
  for (const StrategyKind kind : discovery::kAllStrategies) {
    PickSpec spec = Spec();
    spec.strategy = kind;
    spec.count = limits::kPicksMax;
    const auto picks = resolver.Resolve(spec, snapshot, absl::UnixEpoch());
    ASSERT_TRUE(picks.ok()) << picks.status();
    std::map<std::string, int> picked;
    for (const discovery::InstancePtr& pick : *picks) ++picked[pick->name.id];
    EXPECT_EQ(picked.size(), static_cast<size_t>(limits::kPicksMax)) << static_cast<int>(kind);
  }
}

TEST(Resolver, SlowStartGivesAYoungInstanceItsShareOnlyWhereItIsAskedFor) {
  Resolver resolver(1);
  constexpr int kCalls = 2000;
  Instance old = *Named("old"), young = *Named("young");
  old.registered_at = absl::UnixEpoch();
  young.registered_at = absl::UnixEpoch() + absl::Hours(1);
  const SnapshotPtr snapshot = SnapshotOf({std::make_shared<const Instance>(old), std::make_shared<const Instance>(young)});
  const auto share_of_young = [&](absl::Duration slow_start, absl::Duration age) {
    PickSpec spec = Spec();
    spec.strategy = StrategyKind::kRandom;
    spec.slow_start = slow_start;
    int picked = 0;
    for (int i = 0; i < kCalls; ++i) picked += IdOf(resolver.Resolve(spec, snapshot, young.registered_at + age)) == "young" ? 1 : 0;
    return static_cast<double>(picked) / kCalls;
  };
  // Within four standard deviations.
  EXPECT_NEAR(share_of_young(absl::ZeroDuration(), absl::Seconds(1)), 0.5, 0.045);
  EXPECT_NEAR(share_of_young(absl::Minutes(2), absl::Minutes(1)), 0.25, 0.039) << "half of its turns at half of the window";
  EXPECT_NEAR(share_of_young(absl::Minutes(2), absl::Minutes(2)), 0.5, 0.045);
  EXPECT_EQ(resolver.states(), 2u);
}

TEST(Resolver, ASubsetIsTheCallersOwnAndStaysWhileOthersComeAndGo) {
  Resolver resolver(1);
  std::vector<InstancePtr> instances;
  for (int i = 10; i < 60; ++i) instances.push_back(Named(absl::StrCat("p", i)));
  const SnapshotPtr all = SnapshotOf(instances);
  const auto subset_of = [&](const std::string& caller, const SnapshotPtr& snapshot) {
    PickSpec spec = Spec();
    spec.subset = 3;
    spec.subset_caller = caller;
    std::set<std::string> picked;
    for (int i = 0; i < 30; ++i) picked.insert(IdOf(resolver.Resolve(spec, snapshot, absl::UnixEpoch())));
    return picked;
  };
  const std::set<std::string> alices = subset_of("alice", all);
  EXPECT_EQ(alices.size(), 3u);
  EXPECT_NE(subset_of("bob", all), alices);
  // One that was in nobody's way goes.
  const auto gone =
      std::find_if(instances.begin(), instances.end(), [&](const InstancePtr& one) { return !alices.contains(one->name.id); });
  EXPECT_EQ(subset_of("alice", all->With({{(*gone)->name.id, nullptr}}, 2)), alices);
}

// So many instances, in order of id.
std::vector<InstancePtr> Many(int count) {
  std::vector<InstancePtr> instances;
  for (int i = 0; i < count; ++i) instances.push_back(Named(absl::StrCat("p", 100'000 + i)));
  return instances;
}

PickSpec SpecOf(StrategyKind kind) {
  PickSpec spec = Spec();
  spec.strategy = kind;
  return spec;
}

// With one instance more or changed.
SnapshotPtr With(const SnapshotPtr& snapshot, const InstancePtr& instance) {
  return snapshot->With({{instance->name.id, instance}}, snapshot->revision() + 1);
}

TEST(Resolver, WhatIsLittleWorkIsDoneAtOnceAndMoreIsNot) {
  for (const StrategyKind kind : discovery::kAllStrategies) {
    const std::string name(discovery::StrategyText(kind));
    const SnapshotPtr few = SnapshotOf(Many(limits::kInlineEntriesMax));
    const SnapshotPtr many = SnapshotOf(Many(limits::kInlineEntriesMax + 1));
    Resolver resolver(1);
    EXPECT_TRUE(resolver.TryResolve(SpecOf(kind), few, absl::UnixEpoch()).has_value()) << name;
    EXPECT_TRUE(resolver.TryResolve(SpecOf(kind), With(few, Named("p100000")), absl::UnixEpoch()).has_value()) << name;
    Resolver other(1);
    EXPECT_FALSE(other.TryResolve(SpecOf(kind), many, absl::UnixEpoch()).has_value()) << name;
    EXPECT_TRUE(other.Resolve(SpecOf(kind), many, absl::UnixEpoch()).ok()) << name;
    EXPECT_TRUE(other.TryResolve(SpecOf(kind), many, absl::UnixEpoch()).has_value()) << name << ": it is there by now";
  }
}

TEST(Resolver, MuchWorkOfRegularExpressionsIsNotDoneAtOnce) {
  const std::string regex = "[a-z]*x[a-z]{90}";
  const int instructions = discovery::Regex::Parse(regex)->instructions();
  const size_t bytes_max = static_cast<size_t>(limits::kInlineRegexWorkMax / instructions);
  const auto tagged = [](const std::string& id, size_t bytes) { return Named(id, {{"tags", std::string(bytes, 'x')}}); };
  const SnapshotPtr fits = SnapshotOf({tagged("a", bytes_max - 1'000), tagged("b", 1'000)});
  const SnapshotPtr over = SnapshotOf({tagged("a", bytes_max - 1'000), tagged("b", 1'001)});
  const PickSpec matching = Spec(absl::StrCat("tags matches '", regex, "'"));
  Resolver resolver(1);
  EXPECT_TRUE(resolver.TryResolve(matching, fits, absl::UnixEpoch()).has_value());
  Resolver other(1);
  EXPECT_FALSE(other.TryResolve(matching, over, absl::UnixEpoch()).has_value());
  EXPECT_TRUE(other.TryResolve(Spec("tags != 'x'"), over, absl::UnixEpoch()).has_value());
  EXPECT_TRUE(other.Resolve(matching, over, absl::UnixEpoch()).ok());
  EXPECT_TRUE(other.TryResolve(matching, over, absl::UnixEpoch()).has_value()) << "it is there by now";
}

TEST(Resolver, OneChangeAmongManyIsLittleWorkButForTablesOfAll) {
  const SnapshotPtr many = SnapshotOf(Many(10'000));
  Instance changed = *Named("p105000", {{"port", "1"}});
  changed.status = discovery::Status::kDraining;
  const SnapshotPtr next = With(many, std::make_shared<const Instance>(changed));
  for (const StrategyKind kind : discovery::kAllStrategies) {
    Resolver resolver(1);
    ASSERT_TRUE(resolver.Resolve(SpecOf(kind), many, absl::UnixEpoch()).ok());
    const bool by_number = kind == StrategyKind::kRoundRobin || kind == StrategyKind::kRandom;
    EXPECT_EQ(resolver.TryResolve(SpecOf(kind), next, absl::UnixEpoch()).has_value(), by_number) << discovery::StrategyText(kind);
  }
}

TEST(Resolver, AfterAChangeTheTurnsGoOnWithoutWhoLeft) {
  Resolver resolver(1);
  SnapshotPtr snapshot = SnapshotOf(Many(1'000));
  ASSERT_TRUE(resolver.Resolve(Spec(), snapshot, absl::UnixEpoch()).ok());
  snapshot = snapshot->With({{"p100500", nullptr}}, snapshot->revision() + 1);
  std::map<std::string, int> picked;
  for (int i = 0; i < 999; ++i) ++picked[IdOf(*resolver.TryResolve(Spec(), snapshot, absl::UnixEpoch()))];
  EXPECT_EQ(picked.size(), 999u);
  EXPECT_EQ(picked.count("p100500"), 0u);
}

TEST(Resolver, StatesOfNobodyAreBoundedByTheirPieces) {
  Resolver resolver(1);
  // One instance is left in each chunk.
  SnapshotPtr snapshot = SnapshotOf(Many(64'000));
  discovery::ServiceSnapshot::Changes gone;
  for (int i = 0; i < 64'000; ++i) {
    if (i % 64 != 0) gone.emplace_back(absl::StrCat("p", 100'000 + i), nullptr);
  }
  snapshot = snapshot->With(gone, 2);
  const int pieces = static_cast<int>(snapshot->chunks().size());
  const int fit = limits::kResolverCandidatesMax / pieces;
  ASSERT_LT(fit, limits::kResolverStatesMax);
  for (int i = 0; i < fit + 10; ++i) resolver.Resolve(Spec(absl::StrCat("port == ", i)), snapshot, absl::UnixEpoch()).IgnoreError();
  EXPECT_EQ(resolver.states(), static_cast<size_t>(fit));
}

TEST(Resolver, RegularExpressionsOfStatesAreBounded) {
  Resolver resolver(1);
  const SnapshotPtr snapshot = SnapshotOf({Named("a", {{"zone", "x"}})});
  const auto resolve = [&](int state) {
    std::string filter = "zone == 'x'";
    for (int i = 0; i < limits::kFilterRegexesMax; ++i) absl::StrAppend(&filter, " or tags matches '", state, "-", i, "'");
    EXPECT_EQ(IdOf(resolver.Resolve(Spec(filter), snapshot, absl::UnixEpoch())), "a");
  };
  constexpr int kStates = limits::kResolverRegexesMax / limits::kFilterRegexesMax;
  for (int i = 0; i < kStates; ++i) resolve(i);
  EXPECT_EQ(resolver.states(), static_cast<size_t>(kStates));
  for (int i = kStates; i < kStates + 10; ++i) resolve(i);
  EXPECT_EQ(resolver.states(), static_cast<size_t>(kStates));
}

TEST(Resolver, StatesThatNobodyFillsAreBoundedToo) {
  Resolver resolver(1);
  const SnapshotPtr many = SnapshotOf(Many(limits::kInlineEntriesMax + 1));
  for (int i = 0; i < limits::kResolverStatesMax + 10; ++i) {
    ASSERT_FALSE(resolver.TryResolve(Spec(absl::StrCat("port != ", i)), many, absl::UnixEpoch()).has_value());
  }
  EXPECT_EQ(resolver.states(), static_cast<size_t>(limits::kResolverStatesMax));
}

TEST(Resolver, TheOneThatIsUsedStays) {
  Resolver resolver(1);
  // Round robin tells whether its turn is remembered.
  const SnapshotPtr snapshot = SnapshotOf({Named("a"), Named("b"), Named("c")});
  std::string last = IdOf(resolver.Resolve(Spec("zone != 'used'"), snapshot, absl::UnixEpoch()));
  for (int i = 0; i < 3 * limits::kResolverStatesMax; ++i) {
    resolver.Resolve(Spec(absl::StrCat("port != ", i)), snapshot, absl::UnixEpoch()).IgnoreError();
    if (i % 1'000 != 0) continue;
    const std::string now = IdOf(resolver.Resolve(Spec("zone != 'used'"), snapshot, absl::UnixEpoch()));
    ASSERT_NE(now, last) << i;
    last = now;
  }
  EXPECT_EQ(resolver.states(), static_cast<size_t>(limits::kResolverStatesMax));
}

TEST(Resolver, CallersAtATimeAreShownTheirSnapshotOrANewerOne) {
  constexpr int kSnapshots = 300;
  // In each one another instance is gone, which is out of work from then on.
  std::vector<SnapshotPtr> snapshots = {SnapshotOf(Many(kSnapshots + 1), 1)};
  for (int i = 0; i < kSnapshots; ++i) {
    snapshots.push_back(snapshots.back()->With({{absl::StrCat("p", 100'000 + i), nullptr}}, i + 2));
  }
  Resolver resolver(1);
  std::atomic<int> newest = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (const StrategyKind kind : {StrategyKind::kRoundRobin, StrategyKind::kLeastUsed}) {
    for (int caller = 0; caller < 3; ++caller) {
      callers.emplace_back([&, kind, caller] {
        for (int i = 0; i < kSnapshots; ++i) {
          if (caller == 0) newest = std::max(newest.load(), i);
          const int at = newest;
          const SnapshotPtr& snapshot = snapshots[static_cast<size_t>(at)];
          auto picks = caller == 2 ? resolver.TryResolve(SpecOf(kind), snapshot, absl::UnixEpoch())
                                   : resolver.Resolve(SpecOf(kind), snapshot, absl::UnixEpoch());
          if (picks.has_value() && (!picks->ok() || IdOf(*picks) < absl::StrCat("p", 100'000 + at))) ++wrong;
        }
      });
    }
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Resolver, StatesAreBoundedByWhatTheyHold) {
  Resolver resolver(1);
  std::vector<InstancePtr> instances;
  for (int i = 0; i < 10'000; ++i) instances.push_back(Named(absl::StrCat("p", 100'000 + i)));
  const SnapshotPtr snapshot = SnapshotOf(instances);
  const int fit = limits::kResolverCandidatesMax / static_cast<int>(10'000 + snapshot->chunks().size());
  for (int i = 0; i < fit + 20; ++i) {
    ASSERT_TRUE(resolver.Resolve(Spec(absl::StrCat("port != ", i)), snapshot, absl::UnixEpoch()).ok());
  }
  EXPECT_EQ(resolver.states(), static_cast<size_t>(fit));
}

}  // namespace
}  // namespace scoutlight::server
