#include "server/discovery/resolver.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
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

std::string IdOf(const absl::StatusOr<std::vector<Pick>>& picks) {
  return picks.ok() ? picks->front().instance->name.id : std::string(picks.status().message());
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

TEST(Resolver, ANewerSnapshotTakesTheOldOnesPlaceAndAnOlderOneDoesNot) {
  Resolver resolver(1);
  const SnapshotPtr old = SnapshotOf({Named("a")}, 1);
  const SnapshotPtr now = SnapshotOf({Named("b")}, 2);
  EXPECT_EQ(IdOf(resolver.Resolve(Spec(), old, absl::UnixEpoch())), "a");
  EXPECT_EQ(IdOf(resolver.Resolve(Spec(), now, absl::UnixEpoch())), "b");
  EXPECT_EQ(IdOf(resolver.Resolve(Spec(), old, absl::UnixEpoch())), "b") << "the call was slower than the one before";
}

TEST(Resolver, NobodyIsToldByReason) {
  Resolver resolver(1);
  Instance out = *Named("a");
  out.override = discovery::Override{};
  const SnapshotPtr none = SnapshotOf({std::make_shared<const Instance>(out)});
  absl::Status status = resolver.Resolve(Spec(), none, absl::UnixEpoch()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), Reason::kNoneResolvable);
  status = resolver.Resolve(Spec("zone == \"x\""), SnapshotOf({Named("a")}, 2), absl::UnixEpoch()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), Reason::kNoneMatches);
}

TEST(Resolver, WhatAgeChoosesChangesWithTime) {
  Resolver resolver(1);
  Instance young = *Named("a");
  young.registered_at = absl::UnixEpoch();
  const SnapshotPtr snapshot = SnapshotOf({std::make_shared<const Instance>(young)});
  EXPECT_EQ(IdOf(resolver.Resolve(Spec("age < 1m"), snapshot, absl::UnixEpoch() + absl::Seconds(30))), "a");
  EXPECT_FALSE(resolver.Resolve(Spec("age < 1m"), snapshot, absl::UnixEpoch() + absl::Seconds(90)).ok());
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
    for (const Pick& pick : *picks) ++picked[pick.instance->name.id];
    EXPECT_EQ(picked.size(), static_cast<size_t>(limits::kPicksMax)) << static_cast<int>(kind);
  }
}

TEST(Resolver, StatesAreBoundedByWhatTheyHold) {
  Resolver resolver(1);
  std::vector<InstancePtr> instances;
  for (int i = 0; i < 10'000; ++i) instances.push_back(Named(absl::StrCat("p", 100'000 + i)));
  const SnapshotPtr snapshot = SnapshotOf(instances);
  const int fit = limits::kResolverCandidatesMax / 10'000;
  for (int i = 0; i < fit + 20; ++i) {
    ASSERT_TRUE(resolver.Resolve(Spec(absl::StrCat("port != ", i)), snapshot, absl::UnixEpoch()).ok());
  }
  EXPECT_EQ(resolver.states(), static_cast<size_t>(fit));
}

}  // namespace
}  // namespace scoutlight::server
