// A drain's record that is put again because the first answer was lost is another one: what a server has told of the first is not told of
// it, and the first does not come behind it.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "server/fleet/faulty_stores.h"
#include "server/fleet/fleet.h"
#include "server/fleet/fleet_fixture.h"

namespace scoutlight::server {
namespace {

using storage::AwaitCondition;

class DrainPutAgainTest : public FleetTest {
 protected:
  // A server has told that a drain is complete, and the drain's record is there anew.
  void SetUp() override {
    b_ = Join("b:1");
    id_ = *IdOf("b:1");
    PutRecord();
    ASSERT_TRUE(AwaitFollowed(*b_));
    b_->local.Complete();
    ASSERT_TRUE(AwaitCondition([this] { return StandingOf(id_).settled; }));
    PutRecord();
    ASSERT_TRUE(AwaitCondition([this] { return b_->local.begun() == 2; }));
  }

  std::unique_ptr<FleetMember> b_;
  std::string id_;

 private:
  void PutRecord() {
    const DrainRecord record{.name = {"default", "Printer", "laser"}, .revision = 5, .timeout = absl::Seconds(60)};
    ASSERT_TRUE(sync_->Put(DrainKey("again"), EncodeDrainRecord(record)).status.ok());
  }
};

TEST_F(DrainPutAgainTest, AServerThatWaitsTakesBackWhatItHasTold) {
  b_->local.Tell({});
  EXPECT_TRUE(AwaitCondition([this] { return !StandingOf(id_).settled; }));
}

TEST_F(DrainPutAgainTest, AServerThatIsCompleteTellsItAnewAtOnce) {
  // The clock stands: a pause would not end.
  b_->local.Complete();
  EXPECT_TRUE(AwaitCondition([this] { return PutsOfStanding(id_) == 2; }));
  EXPECT_TRUE(StandingOf(id_).settled);
}

// The put of a drain's record is stalled, and its coordinator has heard that its outcome is not known.
class StalledDrainTest : public FleetTest {
 protected:
  void SetUp() override {
    a_ = JoinOver(&stalling_, "a:1");
    b_ = Join("b:1");
    drain_ = Drain(*a_);
    ASSERT_TRUE(AwaitCondition([this] { return stalling_.answered(); }));
    AwaitWatched(*a_);
  }

  StalledPut stalling_{store_.get(), FleetKey::Kind::kDrain};  // Outlives a.
  std::unique_ptr<FleetMember> a_;
  std::unique_ptr<FleetMember> b_;
  std::shared_ptr<Waited> drain_;
};

TEST_F(StalledDrainTest, OneThatComesLateDoesNotTakeThePlaceOfTheNext) {
  clock_.Advance(kFleetRetry);
  ASSERT_TRUE(AwaitFollowed(*b_));
  EXPECT_TRUE(absl::IsFailedPrecondition(sync_->Commit(stalling_.stalled()).status));
  a_->local.Complete();
  b_->local.Complete();
  EXPECT_TRUE(drain_->Await().complete);
  EXPECT_TRUE(AwaitCleared());
}

TEST_F(StalledDrainTest, OneThatCameIsPutAgainAndToldOfAnew) {
  ASSERT_TRUE(sync_->Commit(stalling_.stalled()).status.ok());
  ASSERT_TRUE(AwaitFollowed(*b_));
  const std::string id = *IdOf("b:1");
  b_->local.Complete();
  ASSERT_TRUE(AwaitCondition([&] { return StandingOf(id).settled; }));
  clock_.Advance(kFleetRetry);
  ASSERT_TRUE(AwaitCondition([&] { return b_->local.begun() == 2; }));
  a_->local.Complete();
  b_->local.Complete();
  EXPECT_TRUE(drain_->Await().complete);
  EXPECT_TRUE(AwaitCleared());
}

}  // namespace
}  // namespace scoutlight::server
