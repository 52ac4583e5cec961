// The record by which the others know a server: when it is there, and what is so without it.
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "gmock/gmock.h"
#include "server/fleet/faulty_stores.h"
#include "server/fleet/fleet.h"
#include "server/fleet/fleet_fixture.h"

namespace scoutlight::server {
namespace {

using storage::AwaitCondition;
using ::testing::HasSubstr;

using FleetMembershipTest = FleetTest;

TEST_F(FleetMembershipTest, AServersRecordIsThereAsLongAsItIs) {
  std::unique_ptr<FleetMember> a = Join("a:1");
  EXPECT_NE(RecordOf("a:1")->lease_id, 0);
  a->fleet.Stop();
  EXPECT_TRUE(AwaitCondition([this] { return !RecordOf("a:1").has_value(); }));
}

TEST_F(FleetMembershipTest, ItStaysUntilItsSubscribersHaveBeenEnded) {
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

TEST_F(FleetMembershipTest, WhenItsLeaseIsLostItComesBackUnderAnotherId) {
  const std::unique_ptr<FleetMember> a = Join("a:1");
  const std::optional<std::string> before = IdOf("a:1");
  ASSERT_TRUE(sync_->Revoke(RecordOf("a:1")->lease_id).status.ok());
  // By the watch it need not hear of that, which may have begun after it.
  clock_.Advance(kServerTtl / 3);
  EXPECT_TRUE(AwaitCondition([&] { return IdOf("a:1").has_value() && IdOf("a:1") != before; }));
}

TEST_F(FleetMembershipTest, AfterAPutWhoseAnswerWasLostItComesUnderAnotherId) {
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

TEST_F(FleetMembershipTest, NothingIsShownBeforeTheCatalogIsBehindTheRecord) {
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

TEST_F(FleetMembershipTest, IfItStaysBehindSubscribersAreServedAllTheSame) {
  FleetMember a(store_.get(), &clock_, hub_.get(), 1, "a:1", 0);
  ASSERT_TRUE(AwaitCondition([&] { return a.local.asked() == 1; }));
  clock_.Advance(kAdmittedAfter);
  EXPECT_TRUE(AwaitCondition([&] { return a.local.admitted(); }));
}

TEST_F(FleetMembershipTest, AServerWithoutARecordServesAndBeginsNoDrain) {
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

}  // namespace
}  // namespace scoutlight::server
