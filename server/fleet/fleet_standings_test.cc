// What a server tells of a drain that another one was called for.
#include <memory>
#include <string>

#include "base/limits.h"
#include "gmock/gmock.h"
#include "server/fleet/faulty_stores.h"
#include "server/fleet/fleet.h"
#include "server/fleet/fleet_fixture.h"
#include "server/fleet/laggard_names.h"

namespace scoutlight::server {
namespace {

using storage::AwaitCondition;
using ::testing::ElementsAre;

// A drain of a, in which b takes part.
class FleetStandingsTest : public FleetTest {
 protected:
  void SetUp() override { Begin(store_.get()); }

  // `of_b`: what b has for the store.
  void Begin(storage::Store* of_b) {
    a_ = Join("a:1");
    b_ = JoinOver(of_b, "b:1");
    drain_ = Drain(*a_);
    ASSERT_TRUE(AwaitFollowed(*a_));
    ASSERT_TRUE(AwaitFollowed(*b_));
    id_ = *IdOf("b:1");
  }

  // What b has told, and how often.
  bool is_settled() const { return StandingOf(id_).settled; }
  int64_t puts() const { return PutsOfStanding(id_); }
  bool AwaitPuts(int64_t count) const {
    return AwaitCondition([&] { return puts() == count; });
  }
  bool AwaitSettled(bool settled) const {
    return AwaitCondition([&] { return is_settled() == settled; });
  }

  StalledPut stalling_{store_.get(), FleetKey::Kind::kStanding};  // Outlives b.
  std::unique_ptr<FleetMember> a_;
  std::unique_ptr<FleetMember> b_;
  std::shared_ptr<Waited> drain_;
  std::string id_;  // Of b.
};

// Of b the first put stalls.
class StalledStandingTest : public FleetStandingsTest {
 protected:
  void SetUp() override { Begin(&stalling_); }
};

TEST_F(FleetStandingsTest, AStandingThatChangesQuicklyIsPutAfterAPauseAndAtOnceThatItWaits) {
  b_->local.Complete();
  ASSERT_TRUE(AwaitPuts(1));
  for (int i = 0; i < 100; ++i) {
    b_->local.Tell({});
    b_->local.Complete();
  }
  ASSERT_TRUE(AwaitSettled(false));
  AwaitWatched(*b_);
  EXPECT_EQ(puts(), 2);
  // Of the second that a coordinator waits for it after the timeout, most is left.
  clock_.Advance(kStandingsWait / 10);
  ASSERT_TRUE(AwaitSettled(true));
  EXPECT_EQ(puts(), 3);
  a_->local.Complete();
  EXPECT_TRUE(drain_->Await().complete);
}

TEST_F(FleetStandingsTest, WhatAServerSaysAtTheTimeoutItSaysWithoutAPause) {
  clock_.Advance(absl::Seconds(60) - kStandingPause / 2);
  b_->local.Complete();
  ASSERT_TRUE(AwaitPuts(1));
  b_->local.Tell({});
  ASSERT_TRUE(AwaitPuts(2));
  clock_.Advance(kStandingPause / 2);
  DrainStanding over{.settled = true, .outcome = {}};
  over.outcome.laggards = {{.subscriber_id = "slow", .peer = "p"}};
  b_->local.Tell(over);
  EXPECT_TRUE(AwaitPuts(3));
  a_->local.Complete();
  EXPECT_THAT(LaggardNames(drain_->Await()), ElementsAre("slow"));
}

TEST_F(StalledStandingTest, APutWhoseAnswerWasLostDoesNotComeAfterTheNext) {
  b_->local.Complete();
  ASSERT_TRUE(AwaitCondition([this] { return stalling_.read() == 1; }));
  AwaitWatched(*b_);
  b_->local.Tell({});
  AwaitWatched(*b_);
  clock_.Advance(kFleetRetry);
  ASSERT_TRUE(AwaitPuts(1));
  EXPECT_FALSE(is_settled());
  EXPECT_TRUE(absl::IsFailedPrecondition(sync_->Commit(stalling_.stalled()).status));
  EXPECT_FALSE(is_settled());
  a_->local.Complete();
  b_->local.Complete();
  clock_.Advance(kStandingPause);
  EXPECT_TRUE(drain_->Await().complete);
}

TEST_F(StalledStandingTest, APutThatComesAfterItsAnswerWasLostIsTakenBack) {
  b_->local.Complete();
  ASSERT_TRUE(AwaitCondition([this] { return stalling_.read() == 1; }));
  AwaitWatched(*b_);
  EXPECT_TRUE(sync_->Commit(stalling_.stalled()).status.ok());
  ASSERT_TRUE(is_settled());
  b_->local.Tell({});
  AwaitWatched(*b_);
  clock_.Advance(kFleetRetry);
  ASSERT_TRUE(AwaitSettled(false));
  // That it waits is put all the same.
  clock_.Advance(kFleetRetry);
  ASSERT_TRUE(AwaitPuts(1));
  EXPECT_FALSE(is_settled());
  b_->local.Complete();
  clock_.Advance(kStandingPause);
  ASSERT_TRUE(AwaitSettled(true));
  AwaitWatched(*a_);
  a_->local.Complete();
  EXPECT_TRUE(drain_->Await().complete);
}

TEST_F(FleetStandingsTest, OneThatComesBackUnderAnotherIdTellsAgain) {
  b_->local.Complete();
  ASSERT_TRUE(AwaitCondition([this] { return DrainKeys().size() == 2; }));
  ASSERT_TRUE(sync_->Revoke(RecordOf("b:1")->lease_id).status.ok());
  clock_.Advance(kServerTtl / 3);
  ASSERT_TRUE(AwaitCondition([this] { return DrainKeys().size() == 3; })) << "under both ids";
  a_->local.Complete();
  ASSERT_TRUE(AwaitCondition([this] { return a_->local.gone() > 0; }));
  AwaitWatched(*a_);
  clock_.Advance(limits::kSubscriberGrace);
  EXPECT_TRUE(drain_->Await().complete);
  EXPECT_TRUE(AwaitCleared());
}

}  // namespace
}  // namespace scoutlight::server
