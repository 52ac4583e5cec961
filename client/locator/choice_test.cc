#include "client/locator/choice.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "client/locator/locator_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

using discovery::StrategyKind;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

ResolveOptions By(StrategyKind kind) { return {.strategy = discovery::StrategyOptions{.kind = kind}}; }
ResolveOptions ByFilter(const std::string& filter) { return {.filter = *discovery::Filter::Parse(filter, discovery::AgeTerms::kAllowed)}; }

TEST(Choice, RoundRobinGoesRoundTheInstancesAtWork) {
  LocatorFixture locator;
  locator.Follow({Up("a"), Up("b"), Draining("c"), Up("d")});
  EXPECT_THAT(locator.Counts(300), UnorderedElementsAre(Pair("a", 100), Pair("b", 100), Pair("d", 100)));
}

TEST(Choice, EveryStrategyPicksWhoIsAtWork) {
  LocatorFixture locator;
  locator.Follow({Up("a"), Up("b"), Draining("c")});
  for (const StrategyKind kind : discovery::kAllStrategies) {
    EXPECT_EQ(locator.Picked(By(kind)), (std::set<std::string>{"a", "b"})) << discovery::StrategyText(kind);
  }
}

TEST(Choice, FilterAndEndpointChoose) {
  LocatorFixture locator;
  locator.Follow({Up("a", {{"version", "1"}}), Up("b", {{"version", "2"}, {"endpoint.admin", "https://b:99"}})});
  EXPECT_EQ(locator.Picked(ByFilter("version == 1")), (std::set<std::string>{"a"}));
  EXPECT_EQ(locator.TryId(ByFilter("version == 3")), "NONE_MATCHES");
  const absl::StatusOr<Pick> admin = locator.Try({.endpoint = "https"});
  ASSERT_TRUE(admin.ok());
  EXPECT_EQ(admin->instance().name.id, "b");
  ASSERT_NE(admin->endpoint(), nullptr);
  EXPECT_EQ(admin->endpoint()->url.port, 99);
  EXPECT_EQ(locator.Try()->endpoint()->url.port, 80);
}

TEST(Choice, ErrorsSayWhyNobodyIsPicked) {
  LocatorFixture locator;
  EXPECT_EQ(locator.TryId(), "CATALOG_LOADING");
  locator.Follow({});
  EXPECT_EQ(locator.TryId(), "SERVICE_NOT_FOUND");
  locator.Deliver(Changes(11, {Draining("a")}));
  EXPECT_EQ(locator.TryId(), "NONE_RESOLVABLE");
  locator.Deliver(Changes(12, {Up("a")}));
  EXPECT_EQ(locator.TryId(), "a");
}

TEST(Choice, HeldOnesComeLastAndAreGuarded) {
  LocatorFixture locator;
  locator.Follow({Lost("a"), Up("b")});
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"b"}));
  EXPECT_TRUE(locator.Try()->guarded());
  locator.Deliver(Changes(11, {Draining("b")}));
  EXPECT_EQ(locator.TryId(), "a");
  locator.Deliver(Changes(12, {Up("b")}, {"a"}));
  EXPECT_FALSE(locator.Try()->guarded());
}

TEST(Choice, InvalidOptionsNameTheField) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  const auto field_of = [&locator](const ResolveOptions& options, const PickOptions& pick = {}) {
    const absl::Status status = locator.Try(options, pick).status();
    return DetailsOf(status).has_value() && !DetailsOf(status)->violations.empty() ? DetailsOf(status)->violations[0].field : "";
  };
  EXPECT_EQ(field_of(ByFilter("age < 1h")), "filter");
  EXPECT_EQ(field_of({.strategy = discovery::StrategyOptions{.subset = -1}}), "strategy.subset");
  const std::string key(limits::kAffinityKeyBytesMax, 'x');
  EXPECT_EQ(field_of({}, {.affinity_key = key}), "");
  EXPECT_EQ(field_of({}, {.affinity_key = key + "x"}), "affinity_key");
  const std::vector<Pick> avoid(limits::kPickAvoidMax, *locator.Try());
  EXPECT_EQ(field_of({}, {.avoid = avoid}), "");
  const std::vector<Pick> too_many(limits::kPickAvoidMax + 1, *locator.Try());
  EXPECT_EQ(field_of({}, {.avoid = too_many}), "avoid");
}

TEST(Choice, AvoidsPicksOfViewsBefore) {
  LocatorFixture locator;
  locator.Follow({Up("a"), Up("b")});
  std::vector<Pick> tried = {*locator.Try()};
  const std::string first = tried[0].instance().name.id;
  locator.Deliver(Changes(11, {Up("0")}));
  for (int i = 0; i < 10; ++i) EXPECT_NE(locator.TryId({}, {.avoid = tried}), first);
  while (tried.size() < 3) tried.push_back(*locator.Try({}, {.avoid = tried}));
  EXPECT_EQ(locator.TryId({}, {.avoid = tried}), "NONE_RESOLVABLE");
}

TEST(Choice, AffinityKeyDecides) {
  LocatorFixture locator;
  locator.Follow({Up("a"), Up("b"), Up("c"), Up("d")});
  std::set<std::string> ids;
  for (int key = 0; key < 100; ++key) {
    const std::string text = absl::StrCat("key-", key);
    const std::string id = locator.TryId(By(StrategyKind::kConsistentHash), {.affinity_key = text});
    EXPECT_EQ(locator.TryId(By(StrategyKind::kConsistentHash), {.affinity_key = text}), id);
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 4);
}

TEST(Choice, PickKeepsWhatWasKnownThen) {
  auto locator = std::make_unique<LocatorFixture>();
  locator->Follow({Up("a")});
  const absl::StatusOr<Pick> pick = locator->Try();
  locator->Deliver(Changes(11, {}, {"a"}));
  locator = nullptr;
  EXPECT_EQ(pick->instance().name.id, "a");
}

TEST(Choice, CallsInFlightAreTheLoadOfWhoTellsNone) {
  for (const StrategyKind kind : {StrategyKind::kLeastLoaded, StrategyKind::kPowerOfTwo}) {
    LocatorFixture locator;
    locator.Follow({Up("a"), Up("b")});
    std::vector<Call> calls;
    std::map<std::string, int> counts;
    for (int i = 0; i < 10; ++i) {
      calls.push_back(locator.Try(By(kind))->Begin());
      ++counts[calls.back().pick().instance().name.id];
    }
    EXPECT_THAT(counts, ElementsAre(Pair("a", 5), Pair("b", 5))) << discovery::StrategyText(kind);
    // The calls of b are over.
    calls.erase(std::remove_if(calls.begin(), calls.end(), [](const Call& call) { return call.pick().instance().name.id == "b"; }),
                calls.end());
    EXPECT_EQ(locator.Picked(By(kind)), (std::set<std::string>{"b"})) << discovery::StrategyText(kind);
  }
}

TEST(Choice, ToldLoadGoesBeforeCallsInFlight) {
  LocatorFixture locator;
  locator.Follow({Up("a", {{"load", "0.9"}}), Up("b", {{"load", "0.1"}})});
  std::vector<Call> calls;
  for (int i = 0; i < 10; ++i) calls.push_back(locator.Try(By(StrategyKind::kLeastLoaded))->Begin());
  EXPECT_EQ(locator.Picked(By(StrategyKind::kLeastLoaded)), (std::set<std::string>{"b"}));
}

TEST(Choice, EjectedOneIsPickedOnlyIfNoOtherIsLeft) {
  LocatorFixture locator;
  locator.Follow({Up("a"), Up("b")});
  for (int i = 0; i < 20; ++i) {
    Call call = locator.Try()->Begin();
    if (call.pick().instance().name.id == "a") {
      call.Failed();
    } else {
      call.Succeeded();
    }
  }
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"b"}));
  locator.Deliver(Changes(11, {}, {"b"}));
  EXPECT_EQ(locator.TryId(), "a");
  locator.Deliver(Changes(12, {Up("b")}));
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"b"}));
  locator.loop.Advance(absl::Seconds(41));
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a", "b"}));
}

// Always the last by id.
class LastPicker : public discovery::Picker {
 public:
  explicit LastPicker(const discovery::SharedCandidates& candidates) : size_(static_cast<int>(candidates->size())) {}
  int Pick(const discovery::PickRequest&) override { return size_ - 1; }

 private:
  const int size_;
};

std::unique_ptr<discovery::Strategy> MakeLast() { return std::make_unique<discovery::StrategyOf<LastPicker>>(); }

TEST(Choice, StrategyOfOnesOwnPicks) {
  LocatorFixture locator;
  locator.Follow({Up("a"), Up("b"), Up("c", {{"zone", "east"}})});
  EXPECT_EQ(locator.Picked({.own_strategy = MakeLast}), (std::set<std::string>{"c"}));
  // Within what modifies it.
  EXPECT_EQ(locator.Picked({.strategy = discovery::StrategyOptions{.zone = "west"}, .own_strategy = MakeLast}),
            (std::set<std::string>{"c"}));
  locator.Deliver(Changes(11, {}, {"c"}));
  EXPECT_EQ(locator.Picked({.own_strategy = MakeLast}), (std::set<std::string>{"b"}));
}

TEST(Choice, StrategyOfOnesOwnMayBeTheLocators) {
  LocatorFixture locator({.own_strategy = MakeLast});
  locator.Follow({Up("a"), Up("b")});
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"b"}));
  EXPECT_EQ(locator.Picked(By(StrategyKind::kRoundRobin)), (std::set<std::string>{"a", "b"}));
}

class WildPicker : public discovery::Picker {
 public:
  explicit WildPicker(const discovery::SharedCandidates&) {}
  int Pick(const discovery::PickRequest&) override { return 1'000'000; }
};

TEST(Choice, StrategyThatPicksNobodyIsAnError) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  const ResolveOptions wild{
      .own_strategy = []() -> std::unique_ptr<discovery::Strategy> { return std::make_unique<discovery::StrategyOf<WildPicker>>(); }};
  EXPECT_EQ(locator.TryId(wild), "NONE_RESOLVABLE");
}

TEST(Choice, ZoneIsPreferred) {
  LocatorFixture locator({.strategy = {.zone = "east"}});
  locator.Follow({Up("a", {{"zone", "east"}}), Up("b", {{"zone", "west"}})});
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a"}));
  EXPECT_EQ(locator.Picked(By(StrategyKind::kRoundRobin)), (std::set<std::string>{"a", "b"}));
}

TEST(Choice, CriticalOnesAreNotPickedWhateverTheZone) {
  LocatorFixture locator({.strategy = {.zone = "east"}});
  discovery::Instance critical = Up("a", {{"zone", "east"}});
  critical.health = discovery::Health::kCritical;
  locator.Follow({critical, Lost("b")});
  EXPECT_EQ(locator.TryId(), "b");
}

}  // namespace
}  // namespace scoutlight::client
