#include "client/locator/service_calls.h"

#include <memory>
#include <string>
#include <vector>

#include "client/events/manual_loop.h"
#include "client/locator/locator_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

class ServiceCallsTest : public ::testing::Test {
 protected:
  // As many instances as it takes, and the records of all.
  void SetInstances(int count) {
    discovery::ServiceSnapshot::Changes changes;
    for (int i = 0; i < count; ++i) {
      const std::string id = absl::StrCat("i", 1000 + i);
      changes.emplace_back(id, std::make_shared<const discovery::Instance>(Up(id)));
    }
    snapshot_ = discovery::ServiceSnapshot().With(changes, 1);
    calls_->SetInstances(*snapshot_);
    records_.clear();
    for (const auto& [id, instance] : changes) records_.push_back(calls_->RecordOf(*instance));
  }
  void Fail(int place, int times) {
    for (int i = 0; i < times; ++i) calls_->Failed(records_[place].get());
  }
  void Succeed(int place, int times) {
    for (int i = 0; i < times; ++i) calls_->Succeeded(records_[place].get());
  }
  bool IsEjected(int place) const { return records_[place]->ejected.load(); }
  void EndInterval() {
    loop_.Advance(options_.interval);
    calls_->Sweep();
  }

  ManualLoop loop_;
  LoopClock clock_{&loop_};
  EjectionOptions options_;
  std::shared_ptr<std::atomic<uint64_t>> version_ = std::make_shared<std::atomic<uint64_t>>(1);
  std::unique_ptr<ServiceCalls> calls_ = std::make_unique<ServiceCalls>(options_, &clock_, version_);
  discovery::SnapshotPtr snapshot_;
  std::vector<std::shared_ptr<CallRecord>> records_;
};

TEST_F(ServiceCallsTest, FailuresInARowEject) {
  SetInstances(10);
  Fail(0, 4);
  Succeed(0, 1);
  Fail(0, 4);
  EXPECT_FALSE(IsEjected(0));
  EXPECT_EQ(version_->load(), 1);
  Fail(0, 1);
  EXPECT_TRUE(IsEjected(0));
  EXPECT_EQ(version_->load(), 2);
}

TEST_F(ServiceCallsTest, NoMoreThanTheShareIsEjected) {
  SetInstances(20);
  for (int place = 0; place < 20; ++place) Fail(place, 100);
  // 10 % of 20.
  EXPECT_EQ(calls_->ejected(), 2);
}

TEST_F(ServiceCallsTest, TheLastOneIsNeverEjected) {
  SetInstances(1);
  Fail(0, 100);
  EXPECT_FALSE(IsEjected(0));
  SetInstances(2);
  Fail(0, 100);
  Fail(1, 100);
  EXPECT_EQ(calls_->ejected(), 1);
}

TEST_F(ServiceCallsTest, FailingShareOfAnIntervalEjectsAtItsEnd) {
  SetInstances(10);
  calls_->Sweep();
  for (int place = 0; place < 5; ++place) {
    for (int i = 0; i < 13; ++i) {
      // Never five in a row; of place 0 the share is 6 of 7.
      Fail(place, place == 0 ? 4 : 0);
      Succeed(place, 1);
      Fail(place, place == 0 ? 4 : 0);
      Succeed(place, place == 0 ? 0 : 4);
      if (place == 0) records_[0]->failed_in_row.store(0);
    }
  }
  EXPECT_FALSE(IsEjected(0));
  EndInterval();
  EXPECT_TRUE(IsEjected(0));
  EXPECT_EQ(calls_->ejected(), 1);
}

TEST_F(ServiceCallsTest, ShareOfFewCallsOrFewInstancesSaysNothing) {
  SetInstances(10);
  calls_->Sweep();
  for (int place = 0; place < 4; ++place) Succeed(place, 100);
  for (int i = 0; i < 60; ++i) {
    Fail(0, 1);
    records_[0]->failed_in_row.store(0);
  }
  EndInterval();
  EXPECT_EQ(calls_->ejected(), 0);
}

TEST_F(ServiceCallsTest, EjectionEndsAndTheNextIsLonger) {
  SetInstances(10);
  calls_->Sweep();
  Fail(0, 5);
  EndInterval();
  EndInterval();
  EXPECT_TRUE(IsEjected(0));
  EndInterval();
  EXPECT_FALSE(IsEjected(0));
  Fail(0, 5);
  for (int i = 0; i < 5; ++i) EndInterval();
  EXPECT_TRUE(IsEjected(0));
  EndInterval();
  EXPECT_FALSE(IsEjected(0));
}

TEST_F(ServiceCallsTest, RegistrationAnewBeginsAnew) {
  SetInstances(10);
  Fail(0, 5);
  ASSERT_EQ(calls_->ejected(), 1);
  discovery::Instance again = Up("i1000");
  again.epoch = 99;
  EXPECT_FALSE(calls_->RecordOf(again)->ejected.load());
  EXPECT_EQ(calls_->ejected(), 0);
  // What is told of the one before changes nothing.
  Fail(0, 5);
  EXPECT_EQ(calls_->ejected(), 0);
}

TEST_F(ServiceCallsTest, WithoutEjectionNobodyIs) {
  calls_ = std::make_unique<ServiceCalls>(std::nullopt, &clock_, version_);
  SetInstances(10);
  Fail(0, 100);
  EndInterval();
  EXPECT_EQ(calls_->ejected(), 0);
}

}  // namespace
}  // namespace scoutlight::client
