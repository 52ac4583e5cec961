#include "server/fleet/shared_drain.h"

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/fleet/laggard_names.h"

namespace scoutlight::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Duration kStart = absl::Seconds(100);
constexpr absl::Duration kTimeout = absl::Seconds(30);
constexpr Revision kTold = 7;

DrainStanding Complete(int watches = 0) { return {.settled = true, .outcome = {.complete = true, .unconfirmable_watches = watches}}; }
DrainStanding Over(const std::vector<std::string>& laggards) {
  DrainStanding standing{.settled = true, .outcome = {}};
  for (const std::string& id : laggards) standing.outcome.laggards.push_back({.subscriber_id = id});
  return standing;
}
DrainStanding Waits() { return {}; }

SharedDrain DrainOver(absl::btree_map<std::string, std::string> servers, absl::Duration linger = absl::ZeroDuration()) {
  SharedDrain drain({.name = {"c", "s", "i"}, .revision = 5, .timeout = kTimeout, .linger = linger}, kStart);
  drain.SetServers(std::move(servers));
  drain.Asked(kTold);
  return drain;
}

// What the store says of these servers, which are all: that it is complete on them.
SharedDrain::Stored CompleteOn(const std::vector<std::string>& servers) {
  SharedDrain::Stored stored;
  for (const std::string& server : servers) {
    stored.servers[server] = "host-" + server + ":1";
    stored.complete.insert(server);
  }
  return stored;
}
// Here and on b, which are all, it is said to be complete.
SharedDrain CompleteHereAndOnB() {
  SharedDrain drain = DrainOver({{"b", "host-b:1"}});
  drain.TellHere(Complete());
  drain.Tell("b", Complete(), kTold);
  return drain;
}
// The store has not been told so by b.
void DoubtB(SharedDrain* drain) {
  SharedDrain::Stored stored = CompleteOn({"b"});
  stored.complete.clear();
  drain->BeginConfirm();
  EXPECT_FALSE(drain->Confirm(stored, kStart));
}
// The store has, but meanwhile somebody was waited for here.
void ConfirmWhileItWaitsHere(SharedDrain* drain) {
  drain->BeginConfirm();
  drain->TellHere(Waits());
  drain->TellHere(Complete());
  EXPECT_FALSE(drain->Confirm(CompleteOn({"b"}), kStart));
}
// What is decided when the store has said that.
std::optional<DrainOutcome> DecideOver(SharedDrain* drain, const std::vector<std::string>& servers, absl::Duration now = kStart) {
  drain->BeginConfirm();
  const bool confirmed = drain->Confirm(CompleteOn(servers), now);
  EXPECT_EQ(confirmed, drain->Decide(now).has_value());
  return drain->Decide(now);
}

TEST(SharedDrain, AloneItIsAsHere) {
  SharedDrain drain = DrainOver({});
  EXPECT_FALSE(drain.waits_for_others());
  EXPECT_FALSE(drain.is_to_be_confirmed(kStart));
  EXPECT_FALSE(DecideOver(&drain, {}).has_value());
  drain.TellHere(Complete());
  EXPECT_TRUE(drain.is_to_be_confirmed(kStart));
  EXPECT_FALSE(drain.Decide(kStart).has_value()) << "the store has not said so";
  ASSERT_TRUE(DecideOver(&drain, {}).has_value());
  EXPECT_TRUE(drain.Decide(kStart)->complete);
  EXPECT_FALSE(drain.is_to_be_confirmed(kStart));
}

TEST(SharedDrain, WhatTheStoreSaysGoesBeforeWhatTheWatchHasBrought) {
  SharedDrain drain = CompleteHereAndOnB();
  DoubtB(&drain);
  EXPECT_FALSE(drain.Decide(kStart + kTimeout).has_value()) << "it may be asked once more";
  const std::optional<DrainOutcome> over = drain.Decide(kStart + kTimeout + kStandingsWait);
  ASSERT_TRUE(over.has_value());
  EXPECT_FALSE(over->complete);
  EXPECT_THAT(LaggardNames(*over), ElementsAre("host-b:1"));
  EXPECT_TRUE(DecideOver(&drain, {"b"})->complete);
}

TEST(SharedDrain, AServerThatOnlyTheStoreKnowsIsWaitedFor) {
  SharedDrain drain = DrainOver({});
  drain.TellHere(Complete());
  EXPECT_FALSE(DecideOver(&drain, {"c"}).has_value());
  EXPECT_TRUE(drain.waits_for_others());
  drain.Tell("c", Complete(), kTold);
  EXPECT_TRUE(DecideOver(&drain, {"c"})->complete);
}

TEST(SharedDrain, AServerThatTheStoreHasNoMoreIsWaitedForUntilTheWatchHasShownItGo) {
  SharedDrain drain = CompleteHereAndOnB();
  EXPECT_FALSE(DecideOver(&drain, {}).has_value());
  drain.Drop("b", kStart);
  EXPECT_FALSE(DecideOver(&drain, {}).has_value());
  EXPECT_TRUE(DecideOver(&drain, {}, kStart + limits::kSubscriberGrace)->complete);
}

TEST(SharedDrain, OneThatWasNotCompleteHereWhileTheStoreWasReadIsReadAgain) {
  SharedDrain drain = CompleteHereAndOnB();
  ConfirmWhileItWaitsHere(&drain);
  EXPECT_TRUE(DecideOver(&drain, {"b"})->complete);
}

TEST(SharedDrain, AtTheTimeoutWhatTheStoreHasSaidIsAnAnswerThoughNobodyIsNamed) {
  SharedDrain drain = CompleteHereAndOnB();
  ConfirmWhileItWaitsHere(&drain);
  const std::optional<DrainOutcome> outcome = drain.Decide(kStart + kTimeout + kStandingsWait);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->status.ok()) << outcome->status;
  EXPECT_FALSE(outcome->complete);
  EXPECT_THAT(outcome->laggards, IsEmpty());
}

TEST(SharedDrain, WhatTheStoreSaidBeforeItWasCompleteAgainIsNoAnswer) {
  SharedDrain drain = CompleteHereAndOnB();
  DoubtB(&drain);
  drain.TellHere(Waits());
  drain.TellHere(Complete());
  const std::optional<DrainOutcome> outcome = drain.Decide(kStart + kTimeout + kStandingsWait);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(ReasonOf(outcome->status), Reason::kBackendUnavailable);
}

TEST(SharedDrain, WithoutAWordOfTheStoreItIsNotComplete) {
  SharedDrain drain = DrainOver({});
  drain.TellHere(Complete());
  EXPECT_FALSE(drain.Decide(kStart + kTimeout).has_value());
  const std::optional<DrainOutcome> outcome = drain.Decide(kStart + kTimeout + kStandingsWait);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(ReasonOf(outcome->status), Reason::kBackendUnavailable);
}

TEST(SharedDrain, ItIsCompleteWhenItIsSoEverywhereAtOneTime) {
  SharedDrain drain = DrainOver({{"b", "host-b:1"}, {"c", "host-c:1"}});
  drain.TellHere(Complete());
  drain.Tell("b", Complete(), kTold);
  EXPECT_FALSE(drain.is_to_be_confirmed(kStart));
  drain.Tell("b", Waits(), kTold);
  drain.Tell("c", Complete(), kTold);
  EXPECT_FALSE(drain.is_to_be_confirmed(kStart)) << "somebody has come to b";
  drain.Tell("b", Complete(), kTold);
  EXPECT_TRUE(DecideOver(&drain, {"b", "c"})->complete);
}

TEST(SharedDrain, WhoIsNotKnownYetMayTellBefore) {
  SharedDrain drain({.timeout = kTimeout}, kStart);
  drain.TellHere(Complete());
  drain.Tell("b", Complete(), kTold);
  EXPECT_FALSE(drain.is_to_be_confirmed(kStart));
  drain.SetServers({{"b", "host-b:1"}});
  drain.Asked(kTold);
  EXPECT_TRUE(DecideOver(&drain, {"b"})->complete);
}

TEST(SharedDrain, ItIsOverWhenAllHaveSaidSo) {
  SharedDrain drain = DrainOver({{"b", "host-b:1"}});
  drain.TellHere(Over({"x"}));
  EXPECT_EQ(drain.next_due(kStart), kStart + kTimeout);
  EXPECT_FALSE(drain.Decide(kStart + kTimeout).has_value());
  EXPECT_EQ(drain.next_due(kStart + kTimeout), kStart + kTimeout + kStandingsWait);
  drain.Tell("b", Over({"y"}), kTold);
  const std::optional<DrainOutcome> outcome = drain.Decide(kStart + kTimeout);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_FALSE(outcome->complete);
  EXPECT_THAT(LaggardNames(*outcome), ElementsAre("x", "y"));
}

TEST(SharedDrain, AServerThatSaysNothingIsNamed) {
  SharedDrain drain = DrainOver({{"b", "host-b:1"}, {"c", "host-c:1"}});
  drain.TellHere(Complete());
  drain.Tell("c", Waits(), kTold);
  const std::optional<DrainOutcome> outcome = drain.Decide(kStart + kTimeout + kStandingsWait);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_FALSE(outcome->complete);
  EXPECT_THAT(LaggardNames(*outcome), ElementsAre("host-b:1", "host-c:1"));
}

TEST(SharedDrain, WhenAServerHasGoneItIsNotCompleteUntilItsSubscribersCouldComeToOthers) {
  SharedDrain drain = DrainOver({{"b", "host-b:1"}});
  drain.TellHere(Complete());
  drain.Drop("b", kStart);
  EXPECT_FALSE(drain.is_to_be_confirmed(kStart));
  EXPECT_EQ(drain.next_due(kStart), kStart + limits::kSubscriberGrace);
  EXPECT_FALSE(drain.is_to_be_confirmed(kStart + limits::kSubscriberGrace - absl::Milliseconds(1)));
  EXPECT_TRUE(DecideOver(&drain, {}, kStart + limits::kSubscriberGrace)->complete);
}

TEST(SharedDrain, AStateWithoutAServerIsAsItsEnd) {
  SharedDrain drain = DrainOver({{"b", "host-b:1"}, {"c", "host-c:1"}});
  drain.TellHere(Complete());
  drain.Tell("c", Complete(), kTold);
  drain.DropUnless({"a", "b", "c"}, kStart);
  EXPECT_FALSE(drain.is_to_be_confirmed(kStart));
  drain.DropUnless({"a", "c"}, kStart);
  EXPECT_FALSE(drain.is_to_be_confirmed(kStart));
  EXPECT_TRUE(DecideOver(&drain, {"c"}, kStart + limits::kSubscriberGrace)->complete);
}

TEST(SharedDrain, WhatWasToldOfAnEarlierPutOfTheRecordIsNotToldOfThisOne) {
  SharedDrain drain = DrainOver({{"b", "host-b:1"}});
  drain.TellHere(Complete());
  drain.NotAsked();
  drain.Tell("b", Complete(), kTold + 1);
  EXPECT_FALSE(drain.is_to_be_confirmed(kStart));
  drain.Asked(kTold + 2);
  EXPECT_FALSE(drain.is_to_be_confirmed(kStart));
  drain.Tell("b", Complete(), kTold + 3);
  EXPECT_TRUE(DecideOver(&drain, {"b"})->complete);
}

TEST(SharedDrain, AServerThatComesIsWaitedFor) {
  SharedDrain drain = DrainOver({});
  drain.Add("c", "host-c:1");
  drain.TellHere(Complete());
  EXPECT_TRUE(drain.waits_for_others());
  EXPECT_FALSE(drain.is_to_be_confirmed(kStart));
  drain.Tell("c", Complete(), kTold);
  EXPECT_TRUE(DecideOver(&drain, {"c"})->complete);
}

TEST(SharedDrain, ItLingersUntilNobodyIsLeftOnAnyServer) {
  SharedDrain drain = DrainOver({{"b", "host-b:1"}}, absl::Minutes(1));
  drain.TellHere(Complete());
  drain.Tell("b", Complete(2), kTold);
  drain.BeginConfirm();
  EXPECT_TRUE(drain.Confirm(CompleteOn({"b"}), kStart));
  EXPECT_FALSE(drain.Decide(kStart).has_value());
  EXPECT_EQ(drain.next_due(kStart), kStart + absl::Minutes(1));
  drain.Tell("b", Complete(0), kTold);
  const std::optional<DrainOutcome> clear = drain.Decide(kStart + absl::Seconds(3));
  ASSERT_TRUE(clear.has_value());
  EXPECT_EQ(clear->unconfirmable_watches, 0);
}

TEST(SharedDrain, WhenLingerIsOverThoseWhoAreLeftAreCountedTogether) {
  SharedDrain drain = DrainOver({{"b", "host-b:1"}}, absl::Minutes(1));
  drain.TellHere(Complete(1));
  drain.Tell("b", Complete(2), kTold);
  drain.BeginConfirm();
  EXPECT_TRUE(drain.Confirm(CompleteOn({"b"}), kStart));
  EXPECT_FALSE(drain.Decide(kStart).has_value());
  // Who has come since all had confirmed changes nothing.
  drain.Tell("b", Over({"late"}), kTold);
  drain.Tell("b", Complete(2), kTold);
  const std::optional<DrainOutcome> outcome = drain.Decide(kStart + absl::Minutes(1));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->complete);
  EXPECT_EQ(outcome->unconfirmable_watches, 3);
  EXPECT_THAT(outcome->laggards, IsEmpty());
}

TEST(SharedDrain, OverTheMostLaggardsAreCounted) {
  SharedDrain drain = DrainOver({{"b", "host-b:1"}});
  drain.TellHere(Over(std::vector<std::string>(limits::kLaggardsMax - 1, "x")));
  drain.Tell("b", Over({"y", "z"}), kTold);
  const std::optional<DrainOutcome> outcome = drain.Decide(kStart + kTimeout);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->laggards.size(), static_cast<size_t>(limits::kLaggardsMax));
  EXPECT_EQ(outcome->laggards_omitted, 1);
}

TEST(SharedDrain, WithoutTheServersThereIsNoTelling) {
  SharedDrain drain({.timeout = kTimeout}, kStart);
  drain.TellHere(Complete());
  EXPECT_FALSE(drain.Decide(kStart + kTimeout).has_value());
  const std::optional<DrainOutcome> outcome = drain.Decide(kStart + kTimeout + kStandingsWait);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(absl::IsUnavailable(outcome->status));
  EXPECT_EQ(ReasonOf(outcome->status), Reason::kBackendUnavailable);
}

TEST(SharedDrain, WhatWasToldBeforeTheRecordIsNotToldOfItAlsoWhenItComesLater) {
  SharedDrain drain = DrainOver({{"b", "host-b:1"}});
  drain.TellHere(Complete());
  drain.Tell("b", Complete(), kTold - 1);
  EXPECT_FALSE(drain.is_to_be_confirmed(kStart));
  drain.Tell("b", Complete(), kTold + 1);
  EXPECT_TRUE(DecideOver(&drain, {"b"})->complete);
}

}  // namespace
}  // namespace scoutlight::server
