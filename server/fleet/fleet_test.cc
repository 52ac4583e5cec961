#include "server/fleet/fleet.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "server/fleet/faulty_stores.h"
#include "server/fleet/fleet_fixture.h"
#include "server/fleet/laggard_names.h"

namespace scoutlight::server {
namespace {

using storage::AwaitCondition;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(FleetTest, AloneADrainIsAsHereAndNothingIsWritten) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const Revision before = sync_->Latest();
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*a));
  a->local.Complete();
  EXPECT_TRUE(drain->Await().complete);
  EXPECT_EQ(sync_->Latest(), before);
}

TEST_F(FleetTest, ItIsCompleteWhenEveryServerSaysSo) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const std::unique_ptr<FleetMember> b = Join("b:1");
  const std::unique_ptr<FleetMember> c = Join("c:1");
  const auto drain = Drain(*a);
  for (const FleetMember* member : {a.get(), b.get(), c.get()}) ASSERT_TRUE(AwaitFollowed(*member));
  EXPECT_EQ(b->local.followed()->name, (discovery::InstanceName{"default", "Printer", "laser"}));
  EXPECT_EQ(b->local.followed()->revision, 5);
  a->local.Complete();
  b->local.Complete();
  ASSERT_TRUE(AwaitCondition([this] { return DrainKeys().size() == 2; }));
  // Somebody has come to b before the last one has told.
  b->local.Tell({});
  ASSERT_TRUE(AwaitCondition([&] { return !StandingOf(*IdOf("b:1")).settled; }));
  c->local.Complete();
  ASSERT_TRUE(AwaitCondition([this] { return DrainKeys().size() == 3; }));
  EXPECT_FALSE(drain->answered());
  b->local.Complete();
  clock_.Advance(kStandingPause);
  const DrainOutcome outcome = drain->Await();
  EXPECT_TRUE(outcome.complete);
  EXPECT_THAT(outcome.laggards, IsEmpty());
  EXPECT_TRUE(AwaitCleared());
  EXPECT_TRUE(AwaitCondition([&] { return !b->local.followed().has_value() && !c->local.followed().has_value(); }));
}

TEST_F(FleetTest, OneThatWasStoppedDoesNotCallCompleteWhatIsSoNoMore) {
  std::unique_ptr<FleetMember> b;
  // The first read is of the servers, when the drain begins; the second of what has been told.
  HeldReads reads(store_.get(), [&](int read) {
    if (read != 2) return absl::OkStatus();
    // Somebody comes to b from here, of which nothing is known here yet.
    b->local.Tell({});
    EXPECT_TRUE(AwaitCondition([&] { return !StandingOf(*IdOf("b:1")).settled; }));
    return absl::OkStatus();
  });
  const std::unique_ptr<FleetMember> a = JoinOver(&reads, "a:1");
  b = Join("b:1");
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*a));
  ASSERT_TRUE(AwaitFollowed(*b));
  b->local.Complete();
  ASSERT_TRUE(AwaitCondition([&] { return StandingOf(*IdOf("b:1")).settled; }));
  AwaitWatched(*a);
  a->local.Complete();
  ASSERT_TRUE(AwaitCondition([&] { return reads.answered() == 3; }));
  AwaitWatched(*a);
  EXPECT_FALSE(drain->answered());
  b->local.Complete();
  clock_.Advance(kFleetRetry);
  EXPECT_TRUE(drain->Await().complete);
  EXPECT_TRUE(AwaitCleared());
}

// A drain of a, which is alone as far as it knows.
class FleetReadBackTest : public FleetTest {
 protected:
  // It is complete there, and while the store is read back something happens for which it is not.
  void ReadBackWhile(std::function<void()> happens) {
    reads_ = std::make_unique<HeldReads>(store_.get(), [happens = std::move(happens)](int read) {
      // The first is of the servers, when the drain begins.
      if (read == 2) happens();
      return absl::OkStatus();
    });
    a_ = JoinOver(reads_.get(), "a:1");
    drain_ = Drain(*a_);
    ASSERT_TRUE(AwaitFollowed(*a_));
    a_->local.Complete();
    ASSERT_TRUE(AwaitCondition([this] { return reads_->answered() == 2; }));
    AwaitWatched(*a_);
    EXPECT_FALSE(drain_->answered());
  }

  std::unique_ptr<HeldReads> reads_;
  std::unique_ptr<FleetMember> a_;
  std::shared_ptr<Waited> drain_;
};

TEST_F(FleetReadBackTest, AServerThatHasComeUnseenIsWaitedFor) {
  std::unique_ptr<FleetMember> c;
  ASSERT_NO_FATAL_FAILURE(ReadBackWhile([&] { c = Join("c:1"); }));
  clock_.Advance(kFleetRetry);
  ASSERT_TRUE(AwaitFollowed(*c));
  EXPECT_FALSE(drain_->answered());
  c->local.Complete();
  EXPECT_TRUE(drain_->Await().complete);
}

TEST_F(FleetReadBackTest, WithoutItsRecordNothingIsComplete) {
  ASSERT_NO_FATAL_FAILURE(ReadBackWhile([this] { EXPECT_TRUE(sync_->Revoke(RecordOf("a:1")->lease_id).status.ok()); }));
  // By the watch or by its renewal it has heard of that, and comes back under another id.
  clock_.Advance(kServerTtl / 3);
  ASSERT_TRUE(AwaitCondition([this] { return RecordOf("a:1").has_value() && a_->local.gone() > 0; }));
  AwaitWatched(*a_);
  clock_.Advance(limits::kSubscriberGrace);
  EXPECT_TRUE(drain_->Await().complete);
}

TEST_F(FleetTest, WhatTheStoreDoesNotConfirmIsAskedOnceASecondAndNotComplete) {
  HeldReads reads(store_.get(), [](int read) { return read == 1 ? absl::OkStatus() : absl::UnavailableError("no leader"); });
  const std::unique_ptr<FleetMember> a = JoinOver(&reads, "a:1");
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*a));
  a->local.Complete();
  for (int read = 2; read < 5; ++read) {
    ASSERT_TRUE(AwaitCondition([&] { return reads.answered() == read; }));
    AwaitWatched(*a);
    EXPECT_EQ(reads.answered(), read);
    clock_.Advance(kFleetRetry);
  }
  EXPECT_FALSE(drain->answered());
  clock_.Advance(absl::Seconds(60));
  EXPECT_EQ(ReasonOf(drain->Await().status), Reason::kBackendUnavailable);
}

TEST_F(FleetTest, LaggardsOfAllAreNamedAndAServerThatIsSilentByItsAddress) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const std::unique_ptr<FleetMember> b = Join("b:1");
  const std::unique_ptr<FleetMember> c = Join("c:1");
  const auto drain = Drain(*a);
  for (const FleetMember* member : {a.get(), b.get(), c.get()}) ASSERT_TRUE(AwaitFollowed(*member));
  DrainStanding over{.settled = true, .outcome = {}};
  over.outcome.laggards = {{.subscriber_id = "slow", .peer = "p"}};
  a->local.Complete();
  b->local.Tell(over);
  ASSERT_TRUE(AwaitCondition([this] { return DrainKeys().size() == 2; }));
  AwaitWatched(*a);
  clock_.Advance(absl::Seconds(60) + kStandingsWait);
  const DrainOutcome outcome = drain->Await();
  EXPECT_FALSE(outcome.complete);
  EXPECT_THAT(LaggardNames(outcome), ElementsAre("c:1", "slow"));
  EXPECT_TRUE(AwaitCleared());
}

TEST_F(FleetTest, AServerThatGoesIsNotWaitedForAfterTheGrace) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  std::unique_ptr<FleetMember> b = Join("b:1");
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*a));
  ASSERT_TRUE(AwaitFollowed(*b));
  a->local.Complete();
  b->fleet.Stop();
  ASSERT_TRUE(AwaitCondition([&] { return a->local.gone() == 1; }));
  AwaitWatched(*a);
  EXPECT_FALSE(drain->answered());
  clock_.Advance(limits::kSubscriberGrace);
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(FleetTest, AServerWhoseRecordComesBackIsWaitedForAgain) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const std::string record = EncodeServerRecord({.address = "b:1"});
  ASSERT_TRUE(sync_->Put(ServerKey("b"), record).status.ok());
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*a));
  ASSERT_TRUE(AwaitCondition([this] { return DrainKeys().size() == 1; }));
  // Not before the watch has shown it may it go: else it is never seen to.
  AwaitWatched(*a);
  ASSERT_TRUE(sync_->Delete(ServerKey("b")).status.ok());
  ASSERT_TRUE(AwaitCondition([&] { return a->local.gone() == 1; }));
  ASSERT_TRUE(sync_->Put(ServerKey("b"), record).status.ok());
  const std::string id = ReadFleetKey(DrainKeys().front())->drain;
  ASSERT_TRUE(sync_->Put(StandingKey(id, "b"), EncodeStanding({.settled = true, .outcome = {.complete = true}})).status.ok());
  a->local.Complete();
  AwaitWatched(*a);
  clock_.Advance(limits::kSubscriberGrace);
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(FleetTest, AServerThatStartsMeanwhileTakesPart) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*a));
  const std::unique_ptr<FleetMember> b = Join("b:1");
  ASSERT_TRUE(AwaitFollowed(*b));
  a->local.Complete();
  const std::unique_ptr<FleetMember> c = Join("c:1");
  ASSERT_TRUE(AwaitFollowed(*c));
  b->local.Complete();
  ASSERT_TRUE(AwaitCondition([this] { return DrainKeys().size() == 2; }));
  EXPECT_FALSE(drain->answered());
  c->local.Complete();
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(FleetTest, WhenTheCoordinatorLosesItsRecordsTheDrainBeginsAnewOnTheOthers) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const std::unique_ptr<FleetMember> b = Join("b:1");
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*b));
  b->local.Complete();
  ASSERT_TRUE(AwaitCondition([this] { return DrainKeys().size() == 2; }));
  ASSERT_TRUE(sync_->Revoke(RecordOf("a:1")->lease_id).status.ok());
  clock_.Advance(kServerTtl / 3);
  ASSERT_TRUE(AwaitCondition([&] { return b->local.begun() == 2; }));
  EXPECT_THAT(DrainKeys(), SizeIs(1));
  ASSERT_TRUE(AwaitFollowed(*a));
  a->local.Complete();
  b->local.Complete();
  ASSERT_TRUE(AwaitCondition([&] { return a->local.gone() > 0; }));
  AwaitWatched(*a);
  clock_.Advance(limits::kSubscriberGrace);
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(FleetTest, ACallerThatGoesEndsIt) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const std::unique_ptr<FleetMember> b = Join("b:1");
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*b));
  a->fleet.EndWait(1);
  EXPECT_TRUE(absl::IsCancelled(drain->Await().status));
  EXPECT_TRUE(AwaitCleared());
  EXPECT_TRUE(AwaitCondition([&] { return !a->local.followed().has_value() && !b->local.followed().has_value(); }));
}

TEST_F(FleetTest, AServerThatStopsAnswersItsDrainsAndLeavesNothing) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const std::unique_ptr<FleetMember> b = Join("b:1");
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*b));
  b->local.Complete();
  ASSERT_TRUE(AwaitCondition([this] { return DrainKeys().size() == 2; }));
  a->fleet.Drain(absl::UnavailableError("it stops"));
  EXPECT_EQ(drain->Await().status.message(), "it stops");
  EXPECT_TRUE(AwaitCleared());
  EXPECT_FALSE(RecordOf("a:1").has_value());
  EXPECT_EQ(Drain(*a, 2)->Await().status.message(), "it stops");
}

TEST_F(FleetTest, ADrainThatNoRecordEndsIsGivenUp) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const DrainRecord record{.name = {"c", "s", "i"}, .revision = 5, .timeout = absl::Seconds(30), .linger = absl::Seconds(30)};
  ASSERT_TRUE(sync_->Put(DrainKey("forgotten"), EncodeDrainRecord(record)).status.ok());
  ASSERT_TRUE(AwaitFollowed(*a));
  clock_.Advance(absl::Minutes(2));
  EXPECT_TRUE(AwaitCondition([&] { return !a->local.followed().has_value(); }));
}

TEST_F(FleetTest, MoreServersThanCanWaitForADrainRefuseIt) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const auto put = [this](int i) {
    ASSERT_TRUE(sync_->Put(ServerKey(absl::StrCat("other", i)), EncodeServerRecord({.address = "o:1"})).status.ok());
  };
  for (int i = 0; i < kOtherServersMax; ++i) put(i);
  // The watch of a server that comes behind them shows them all; so has this one's.
  Join("b:1")->fleet.Stop();
  ASSERT_TRUE(AwaitCondition([&] { return a->local.gone() > 0; }));
  EXPECT_TRUE(a->fleet.TakeDrainPlace().ok());
  put(kOtherServersMax);
  EXPECT_TRUE(AwaitCondition([&] { return ReasonOf(a->fleet.TakeDrainPlace().status()) == Reason::kOverloaded; }));
}

TEST_F(FleetTest, WhenOthersHaveSoManyDrainsItBeginsNone) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  // They wait for the catalog.
  a->local.SetReached(0);
  const std::string record = EncodeDrainRecord({.name = {"c", "s", "i"}, .revision = 5, .timeout = absl::Seconds(30)});
  for (int i = 1; i < limits::kDrainsMax; ++i) ASSERT_TRUE(sync_->Put(DrainKey(absl::StrCat("drain", i)), record).status.ok());
  ASSERT_TRUE(AwaitCondition([&] { return a->local.asked() >= limits::kDrainsMax; }));
  EXPECT_TRUE(a->fleet.TakeDrainPlace().ok());
  ASSERT_TRUE(sync_->Put(DrainKey("last"), record).status.ok());
  EXPECT_TRUE(AwaitCondition([&] { return ReasonOf(a->fleet.TakeDrainPlace().status()) == Reason::kOverloaded; }));
  ASSERT_TRUE(sync_->Delete(DrainKey("last")).status.ok());
  EXPECT_TRUE(AwaitCondition([&] { return a->fleet.TakeDrainPlace().ok(); }));
}

}  // namespace
}  // namespace scoutlight::server
