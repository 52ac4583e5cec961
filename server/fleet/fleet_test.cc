#include "server/fleet/fleet.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "server/fleet/fleet_fixture.h"

namespace scoutlight::server {
namespace {

using storage::AwaitCondition;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> Named(const DrainOutcome& outcome) {
  std::vector<std::string> named;
  for (const auto& laggard : outcome.laggards) named.push_back(laggard.subscriber_id.empty() ? laggard.peer : laggard.subscriber_id);
  return named;
}

TEST_F(FleetTest, AServersRecordIsThereAsLongAsItIs) {
  std::unique_ptr<FleetMember> a = Join("a:1");
  EXPECT_NE(RecordOf("a:1")->lease_id, 0);
  a->fleet.Stop();
  EXPECT_TRUE(AwaitCondition([this] { return !RecordOf("a:1").has_value(); }));
}

TEST_F(FleetTest, ItStaysUntilItsSubscribersHaveBeenEnded) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const std::unique_ptr<FleetMember> b = Join("b:1");
  a->local.HoldSubscribers();
  const auto drain = Drain(*a);
  a->fleet.Drain(absl::UnavailableError("it stops"));
  // As long as they may be shown something, drains wait for them.
  ASSERT_TRUE(AwaitFollowed(*b));
  AwaitWatched(*a);
  AwaitWatched(*b);
  EXPECT_TRUE(RecordOf("a:1").has_value());
  EXPECT_FALSE(drain->answered());
  EXPECT_EQ(b->local.gone(), 0);
  a->local.EndSubscribers();
  EXPECT_EQ(drain->Await().status.message(), "it stops");
  EXPECT_TRUE(AwaitCondition([&] { return b->local.gone() == 1; }));
  EXPECT_FALSE(RecordOf("a:1").has_value());
}

TEST_F(FleetTest, WhenItsLeaseIsLostItComesBackUnderAnotherId) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const std::optional<std::string> before = IdOf("a:1");
  ASSERT_TRUE(sync_->Revoke(RecordOf("a:1")->lease_id).status.ok());
  // By the watch it need not hear of that, which may have begun after it.
  clock_.Advance(kServerTtl / 3);
  EXPECT_TRUE(AwaitCondition([&] { return IdOf("a:1").has_value() && IdOf("a:1") != before; }));
}

TEST_F(FleetTest, AfterAPutWhoseAnswerWasLostItComesUnderAnotherId) {
  LostAnswer lossy(store_.get());
  FleetMember a(&lossy, &clock_, hub_.get(), 1, "a:1");
  ASSERT_TRUE(AwaitCondition([&] {
    clock_.Advance(kFleetRetry);
    // Others may have seen the one whose answer was lost come and go.
    const std::string lost = lossy.lost();
    const std::optional<std::string> id = IdOf("a:1");
    return !lost.empty() && id.has_value() && *id != lost;
  }));
}

TEST_F(FleetTest, NothingIsShownBeforeTheCatalogIsBehindTheRecord) {
  FleetMember a(store_.get(), &clock_, hub_.get(), 1, "a:1", 0);
  ASSERT_TRUE(AwaitCondition([&] { return a.local.asked() == 1; }));
  EXPECT_TRUE(RecordOf("a:1").has_value());
  clock_.Advance(kFleetRetry);
  ASSERT_TRUE(AwaitCondition([&] { return a.local.asked() == 2; }));
  EXPECT_FALSE(a.local.admitted());
  a.local.SetReached(RecordOf("a:1")->mod_revision);
  clock_.Advance(kFleetRetry);
  EXPECT_TRUE(AwaitCondition([&] { return a.local.admitted(); }));
}

TEST_F(FleetTest, IfItStaysBehindSubscribersAreServedAllTheSame) {
  FleetMember a(store_.get(), &clock_, hub_.get(), 1, "a:1", 0);
  ASSERT_TRUE(AwaitCondition([&] { return a.local.asked() == 1; }));
  clock_.Advance(kAdmittedAfter);
  EXPECT_TRUE(AwaitCondition([&] { return a.local.admitted(); }));
}

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

TEST_F(FleetTest, AServerThatHasComeUnseenIsWaitedFor) {
  std::unique_ptr<FleetMember> c;
  HeldReads reads(store_.get(), [&](int read) {
    if (read == 2) c = Join("c:1");
    return absl::OkStatus();
  });
  const std::unique_ptr<FleetMember> a = JoinOver(&reads, "a:1");
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*a));
  a->local.Complete();
  ASSERT_TRUE(AwaitCondition([&] { return reads.answered() == 2; }));
  AwaitWatched(*a);
  EXPECT_FALSE(drain->answered());
  clock_.Advance(kFleetRetry);
  ASSERT_TRUE(AwaitFollowed(*c));
  EXPECT_FALSE(drain->answered());
  c->local.Complete();
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(FleetTest, WithoutItsRecordNothingIsComplete) {
  HeldReads reads(store_.get(), [&](int read) {
    if (read != 2) return absl::OkStatus();
    EXPECT_TRUE(sync_->Revoke(RecordOf("a:1")->lease_id).status.ok());
    return absl::OkStatus();
  });
  const std::unique_ptr<FleetMember> a = JoinOver(&reads, "a:1");
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*a));
  a->local.Complete();
  ASSERT_TRUE(AwaitCondition([&] { return reads.answered() == 2; }));
  AwaitWatched(*a);
  EXPECT_FALSE(drain->answered());
  // By the watch or by its renewal it has heard of that, and comes back under another id.
  clock_.Advance(kServerTtl / 3);
  ASSERT_TRUE(AwaitCondition([&] { return RecordOf("a:1").has_value() && a->local.gone() > 0; }));
  AwaitWatched(*a);
  clock_.Advance(limits::kSubscriberGrace);
  EXPECT_TRUE(drain->Await().complete);
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

TEST_F(FleetTest, AStandingThatChangesQuicklyIsPutAfterAPauseAndAtOnceThatItWaits) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const std::unique_ptr<FleetMember> b = Join("b:1");
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*a));
  ASSERT_TRUE(AwaitFollowed(*b));
  const std::string id = *IdOf("b:1");
  const auto puts = [&] { return PutsOfStanding(id); };
  b->local.Complete();
  ASSERT_TRUE(AwaitCondition([&] { return puts() == 1; }));
  for (int i = 0; i < 100; ++i) {
    b->local.Tell({});
    b->local.Complete();
  }
  ASSERT_TRUE(AwaitCondition([&] { return !StandingOf(id).settled; }));
  AwaitWatched(*b);
  EXPECT_EQ(puts(), 2);
  // Of the second that a coordinator waits for it after the timeout, most is left.
  clock_.Advance(kStandingsWait / 10);
  ASSERT_TRUE(AwaitCondition([&] { return StandingOf(id).settled; }));
  EXPECT_EQ(puts(), 3);
  a->local.Complete();
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(FleetTest, WhatAServerSaysAtTheTimeoutItSaysWithoutAPause) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const std::unique_ptr<FleetMember> b = Join("b:1");
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*a));
  ASSERT_TRUE(AwaitFollowed(*b));
  const std::string id = *IdOf("b:1");
  clock_.Advance(absl::Seconds(60) - kStandingPause / 2);
  b->local.Complete();
  ASSERT_TRUE(AwaitCondition([&] { return PutsOfStanding(id) == 1; }));
  b->local.Tell({});
  ASSERT_TRUE(AwaitCondition([&] { return PutsOfStanding(id) == 2; }));
  clock_.Advance(kStandingPause / 2);
  DrainStanding over{.settled = true, .outcome = {}};
  over.outcome.laggards = {{.subscriber_id = "slow", .peer = "p"}};
  b->local.Tell(over);
  EXPECT_TRUE(AwaitCondition([&] { return PutsOfStanding(id) == 3; }));
  a->local.Complete();
  EXPECT_THAT(Named(drain->Await()), ElementsAre("slow"));
}

TEST_F(FleetTest, APutWhoseAnswerWasLostDoesNotComeAfterTheNext) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  StalledStanding stalling(store_.get());
  const std::unique_ptr<FleetMember> b = JoinOver(&stalling, "b:1");
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*a));
  ASSERT_TRUE(AwaitFollowed(*b));
  const std::string id = *IdOf("b:1");
  b->local.Complete();
  ASSERT_TRUE(AwaitCondition([&] { return stalling.read() == 1; }));
  AwaitWatched(*b);
  b->local.Tell({});
  AwaitWatched(*b);
  clock_.Advance(kFleetRetry);
  ASSERT_TRUE(AwaitCondition([&] { return PutsOfStanding(id) == 1; }));
  EXPECT_FALSE(StandingOf(id).settled);
  EXPECT_TRUE(absl::IsFailedPrecondition(sync_->Commit(stalling.stalled()).status));
  EXPECT_FALSE(StandingOf(id).settled);
  a->local.Complete();
  b->local.Complete();
  clock_.Advance(kStandingPause);
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(FleetTest, APutThatComesAfterItsAnswerWasLostIsTakenBack) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  StalledStanding stalling(store_.get());
  const std::unique_ptr<FleetMember> b = JoinOver(&stalling, "b:1");
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*a));
  ASSERT_TRUE(AwaitFollowed(*b));
  const std::string id = *IdOf("b:1");
  b->local.Complete();
  ASSERT_TRUE(AwaitCondition([&] { return stalling.read() == 1; }));
  AwaitWatched(*b);
  EXPECT_TRUE(sync_->Commit(stalling.stalled()).status.ok());
  ASSERT_TRUE(StandingOf(id).settled);
  b->local.Tell({});
  AwaitWatched(*b);
  clock_.Advance(kFleetRetry);
  ASSERT_TRUE(AwaitCondition([&] { return !StandingOf(id).settled; }));
  // That it waits is put all the same.
  clock_.Advance(kFleetRetry);
  ASSERT_TRUE(AwaitCondition([&] { return PutsOfStanding(id) == 1; }));
  EXPECT_FALSE(StandingOf(id).settled);
  b->local.Complete();
  clock_.Advance(kStandingPause);
  ASSERT_TRUE(AwaitCondition([&] { return StandingOf(id).settled; }));
  AwaitWatched(*a);
  a->local.Complete();
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(FleetTest, AServerWithoutARecordServesAndBeginsNoDrain) {
  RefusedRecords full(store_.get());
  FleetMember a(&full, &clock_, hub_.get(), 1, "a:1");
  ASSERT_TRUE(AwaitCondition([&] { return full.refused() > 0; }));
  EXPECT_EQ(a.fleet.problem(), "");
  EXPECT_TRUE(a.fleet.TakeDrainPlace().ok()) << "it may be there in a moment";
  clock_.Advance(kAdmittedAfter);
  ASSERT_TRUE(AwaitCondition([&] { return a.local.admitted() && !a.fleet.problem().empty(); }));
  EXPECT_THAT(a.fleet.problem(), HasSubstr("etcd is full"));
  const absl::Status refused = a.fleet.TakeDrainPlace().status();
  EXPECT_EQ(ReasonOf(refused), Reason::kBackendUnavailable);
  EXPECT_EQ(refused.message(), a.fleet.problem());
  full.Accept();
  // One that was refused just before is tried again a second after that.
  EXPECT_TRUE(AwaitCondition([&] {
    clock_.Advance(kFleetRetry);
    return a.fleet.problem().empty();
  }));
  EXPECT_TRUE(a.fleet.TakeDrainPlace().ok());
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
  EXPECT_THAT(Named(outcome), ElementsAre("c:1", "slow"));
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

TEST_F(FleetTest, OneThatComesBackUnderAnotherIdTellsAgain) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const std::unique_ptr<FleetMember> b = Join("b:1");
  const auto drain = Drain(*a);
  ASSERT_TRUE(AwaitFollowed(*a));
  ASSERT_TRUE(AwaitFollowed(*b));
  b->local.Complete();
  ASSERT_TRUE(AwaitCondition([this] { return DrainKeys().size() == 2; }));
  ASSERT_TRUE(sync_->Revoke(RecordOf("b:1")->lease_id).status.ok());
  clock_.Advance(kServerTtl / 3);
  ASSERT_TRUE(AwaitCondition([this] { return DrainKeys().size() == 3; })) << "under both ids";
  a->local.Complete();
  ASSERT_TRUE(AwaitCondition([&] { return a->local.gone() > 0; }));
  AwaitWatched(*a);
  clock_.Advance(limits::kSubscriberGrace);
  EXPECT_TRUE(drain->Await().complete);
  EXPECT_TRUE(AwaitCleared());
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
