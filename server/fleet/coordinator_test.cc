#include "server/fleet/coordinator.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "server/discovery/hub_inbox.h"
#include "server/fleet/faulty_stores.h"
#include "server/fleet/fleet_fixture.h"
#include "server/fleet/fleet_records.h"

namespace scoutlight::server {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;

// Of the drain, among others.
constexpr uint64_t kDrawn = 7;

// A coordinator without a watch: what that would bring, the test tells.
class CoordinatorTest : public FleetTest {
 protected:
  CoordinatorTest() { membership_.Join({.address = "a:1"}); }
  ~CoordinatorTest() override { inbox_->Close(); }

  // Does what is due, until that holds.
  template <typename Holds>
  bool RunUntil(Holds holds) {
    return storage::AwaitCondition([&] {
      std::optional<HubInbox::Round> round = inbox_->Take(absl::ZeroDuration());
      for (HubInbox::Task& task : round->tasks) std::move(task)();
      membership_.Serve(clock_.SinceBoot());
      coordinator_.Serve(clock_.SinceBoot());
      return holds();
    });
  }

  FakeLocal local_{1LL << 40};
  HeldReads reads_{store_.get(), [](int /*reads*/) { return absl::OkStatus(); }};
  const std::shared_ptr<HubInbox> inbox_ = std::make_shared<HubInbox>();
  const FleetPost post_ = [inbox = inbox_](HubInbox::Task task) { inbox->Post(std::move(task)); };
  const FleetParts parts_{.store = &reads_, .clock = &clock_, .random = [] { return kDrawn; }, .local = local_.drains()};
  Membership membership_{
      {.store = parts_.store, .clock = parts_.clock, .random = parts_.random, .post = post_, .on_changed = [](const auto&) {}}};
  Coordinator coordinator_{&parts_, &membership_, post_};
};

TEST_F(CoordinatorTest, WhatStandsOfAnEarlierPutOfTheRecordIsNotToldOfThisOne) {
  const std::string id = absl::StrCat(absl::Hex(kDrawn, absl::kZeroPad16));
  const DrainStanding complete{.settled = true, .outcome = {.complete = true}};
  ASSERT_TRUE(sync_->Put(ServerKey("b"), EncodeServerRecord({.address = "b:1"})).status.ok());
  ASSERT_TRUE(sync_->Put(StandingKey(id, "b"), EncodeStanding(complete)).status.ok());
  ASSERT_TRUE(RunUntil([this] { return membership_.identity().has_value(); }));
  std::optional<DrainOutcome> outcome;
  coordinator_.Await(1, {.name = {"default", "Printer", "laser"}, .revision = 5, .timeout = absl::Seconds(60)},
                     [&outcome](DrainOutcome told) { outcome = std::move(told); });
  local_.Complete();
  ASSERT_TRUE(RunUntil([&] { return sync_->Get(DrainKey(id)).has_value(); }));
  // It was so a moment ago, by the watch; what is in the store goes before that.
  coordinator_.OnStanding(id, "b", complete, sync_->Latest() + 1);
  ASSERT_TRUE(RunUntil([this] { return reads_.answered() == 3; })) << "of the servers, then of both trees";
  clock_.Advance(absl::Seconds(60) + kStandingsWait);
  ASSERT_TRUE(RunUntil([&] { return outcome.has_value(); }));
  EXPECT_FALSE(outcome->complete);
  EXPECT_THAT(outcome->laggards, ElementsAre(Field(&DrainOutcome::Laggard::peer, "b:1")));
}

}  // namespace
}  // namespace scoutlight::server
