#include "client/lease/lease_renewals.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "client/events/fake_stream.h"
#include "client/events/manual_loop.h"

namespace scoutlight::client {
namespace {

namespace wire = ::scoutlight::registry::v1;

constexpr absl::Duration kTtl = absl::Seconds(9);
constexpr absl::Duration kInterval = absl::Seconds(3);

class LeaseRenewalsTest : public ::testing::Test {
 protected:
  LeaseRenewalsTest() {
    renewals_ =
        std::make_unique<LeaseRenewals>(LeaseRenewals::Options{.loop = &loop_, .open = calls_.opener(), .unit_random = [] { return 0.5; }});
  }

  LeaseRenewals::Handle Add(LeaseId lease, absl::Duration ttl = kTtl) {
    const auto handle = renewals_->Add(lease, ttl, [this, lease](const absl::Status& status) { told_[lease].push_back(status.code()); });
    loop_.RunUntilIdle();
    return handle;
  }

  // The leases that were asked for since the last time.
  std::vector<LeaseId> Asked() {
    std::vector<LeaseId> leases;
    for (const wire::KeepAliveRequest& request : calls_.newest().TakeSent()) {
      for (const LeaseId lease : request.lease_ids()) leases.push_back(lease);
    }
    return leases;
  }
  void Answer(const std::vector<LeaseId>& leases, wire::RenewResult::Outcome outcome = wire::RenewResult::OUTCOME_RENEWED) {
    wire::KeepAliveResponse answer;
    for (const LeaseId lease : leases) {
      answer.add_results()->set_lease_id(lease);
      answer.mutable_results()->rbegin()->set_outcome(outcome);
    }
    calls_.Deliver(std::move(answer));
  }

  using Codes = std::vector<absl::StatusCode>;

  ManualLoop loop_;
  FakeStreams<wire::KeepAliveRequest, wire::KeepAliveResponse> calls_{&loop_};
  std::map<LeaseId, Codes> told_;
  std::unique_ptr<LeaseRenewals> renewals_;
};

TEST_F(LeaseRenewalsTest, RenewsAtAThirdOfTheTtl) {
  Add(1);
  EXPECT_EQ(Asked(), std::vector<LeaseId>{1});
  Answer({1});
  loop_.Advance(kInterval - absl::Milliseconds(1));
  EXPECT_TRUE(Asked().empty());
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(Asked(), std::vector<LeaseId>{1});
  EXPECT_EQ(told_[1], Codes{absl::StatusCode::kOk});
  EXPECT_EQ(calls_.opened(), 1);
}

TEST_F(LeaseRenewalsTest, RenewsTogetherWhatIsDueAtAboutTheSameTime) {
  Add(1);
  Answer({1});
  loop_.Advance(absl::Milliseconds(500));
  Add(2);
  Asked();
  Answer({2});
  loop_.Advance(kInterval - absl::Milliseconds(500));
  EXPECT_EQ(Asked(), (std::vector<LeaseId>{1, 2}));
}

TEST_F(LeaseRenewalsTest, TellsOnceOfALeaseThatIsGone) {
  Add(1);
  Add(2);
  Answer({1}, wire::RenewResult::OUTCOME_NOT_FOUND);
  Answer({2});
  EXPECT_EQ(told_[1], Codes{absl::StatusCode::kNotFound});
  Asked();
  loop_.Advance(kInterval);
  EXPECT_EQ(Asked(), std::vector<LeaseId>{2});
}

TEST_F(LeaseRenewalsTest, TriesAgainWhatCouldNotBeKept) {
  Add(1);
  Asked();
  Answer({1}, wire::RenewResult::OUTCOME_FAILED);
  EXPECT_EQ(told_[1], Codes{absl::StatusCode::kUnavailable});
  loop_.Advance(absl::Milliseconds(500));
  EXPECT_EQ(Asked(), std::vector<LeaseId>{1});
}

TEST_F(LeaseRenewalsTest, RenewsAtOnceOnTheNextStream) {
  Add(1);
  Add(2);
  Answer({2});
  calls_.End(absl::UnavailableError("down"));
  EXPECT_EQ(told_[1], Codes{absl::StatusCode::kUnavailable});
  loop_.Advance(Backoff::kFirst);
  EXPECT_EQ(calls_.opened(), 2);
  EXPECT_EQ(Asked(), std::vector<LeaseId>{1}) << "the other one is not due yet";
  loop_.Advance(kInterval);
  EXPECT_EQ(Asked(), std::vector<LeaseId>{2}) << "the first one waits for its answer";
}

TEST_F(LeaseRenewalsTest, GivesUpAServerThatDoesNotAnswerWhileThereIsTime) {
  Add(1);
  loop_.Advance(kInterval + Backoff::kFirst);
  EXPECT_EQ(calls_.given_up(), 1);
  EXPECT_EQ(calls_.opened(), 2);
  EXPECT_EQ(Asked(), std::vector<LeaseId>{1});
}

// The long lease could wait for eight hours.
TEST_F(LeaseRenewalsTest, AnAnswerIsDueForTheShortestOfWhatIsAsked) {
  Add(1, absl::Hours(24));
  loop_.Advance(absl::Minutes(1));
  Add(2, absl::Seconds(3));
  loop_.Advance(absl::Seconds(1) - absl::Milliseconds(1));
  EXPECT_EQ(calls_.given_up(), 0);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(calls_.given_up(), 1);
  loop_.Advance(Backoff::kFirst);
  EXPECT_EQ(Asked(), (std::vector<LeaseId>{1, 2}));
}

TEST_F(LeaseRenewalsTest, AnAnswerToOneIsNoneToAnother) {
  Add(1, absl::Hours(24));
  Add(2);
  Add(3, absl::Seconds(3));
  loop_.Advance(absl::Milliseconds(900));
  Answer({1, 3});
  loop_.Advance(absl::Milliseconds(100));
  Answer({3});
  EXPECT_EQ(calls_.given_up(), 0);
  for (int i = 0; i < 2; ++i) {
    loop_.Advance(absl::Seconds(1) - absl::Milliseconds(1));
    EXPECT_EQ(calls_.given_up(), 0);
    Answer({3});
    if (i == 0) loop_.Advance(absl::Milliseconds(1));
  }
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(calls_.given_up(), 1) << "3 s after 2 was asked for";
}

TEST_F(LeaseRenewalsTest, NoAnswerIsDueForWhatWasRemoved) {
  Add(1, absl::Hours(24));
  const auto handle = Add(2, absl::Seconds(3));
  renewals_->Remove(handle);
  loop_.Advance(absl::Hours(8) - absl::Seconds(1));
  EXPECT_EQ(calls_.given_up(), 0);
  loop_.Advance(absl::Seconds(1));
  EXPECT_EQ(calls_.given_up(), 1);
}

TEST_F(LeaseRenewalsTest, SendsNothingMoreWhileTheNetworkTakesNothing) {
  Add(1);
  Asked();
  calls_.newest().set_unsent(LeaseRenewals::kUnsentMax);
  for (int i = 0; i < 1'000; ++i) renewals_->Remove(Add(2));
  Add(3);
  Add(4);
  EXPECT_TRUE(Asked().empty());
  calls_.newest().set_unsent(LeaseRenewals::kUnsentMax - 1);
  loop_.Advance(LeaseRenewals::kUnsentPause);
  EXPECT_EQ(Asked(), (std::vector<LeaseId>{3, 4}));
}

TEST_F(LeaseRenewalsTest, GivesUpAServerThatTakesNothing) {
  const auto handle = Add(1);
  calls_.newest().set_unsent(LeaseRenewals::kUnsentMax);
  Add(2);
  renewals_->Remove(handle);
  loop_.Advance(kInterval - absl::Milliseconds(1));
  EXPECT_EQ(calls_.given_up(), 0);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(calls_.given_up(), 1);
}

TEST_F(LeaseRenewalsTest, AStreamsEndSaysNothingOfALease) {
  Add(1);
  calls_.End(absl::NotFoundError("no such method"));
  EXPECT_EQ(told_[1], Codes{absl::StatusCode::kUnavailable});
  loop_.Advance(Backoff::kFirst);
  EXPECT_EQ(Asked(), std::vector<LeaseId>{1});
}

TEST_F(LeaseRenewalsTest, WaitsNoLongerThanALeaseCan) {
  Add(1, absl::Seconds(1));
  Answer({1});
  Asked();
  loop_.Advance(absl::Milliseconds(300));
  calls_.End(MakeError(absl::StatusCode::kUnavailable, "", {.reason = Reason::kDraining, .retry_after = absl::Seconds(1)}));
  loop_.Advance(absl::Milliseconds(125));
  EXPECT_EQ(calls_.opened(), 2);
  EXPECT_EQ(Asked(), std::vector<LeaseId>{1});
}

TEST_F(LeaseRenewalsTest, WithoutLeasesThereIsNoStream) {
  const auto handle = Add(1);
  renewals_->Remove(handle);
  EXPECT_TRUE(calls_.newest().is_cancelled());
  Add(2);
  Answer({2}, wire::RenewResult::OUTCOME_NOT_FOUND);
  EXPECT_TRUE(calls_.newest().is_cancelled());
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(calls_.opened(), 2);
}

TEST_F(LeaseRenewalsTest, AHolderMayRemoveItselfWhenTold) {
  LeaseRenewals::Handle handle = 0;
  int told = 0;
  handle = renewals_->Add(1, kTtl, [&](const absl::Status&) {
    ++told;
    renewals_->Remove(handle);
  });
  loop_.RunUntilIdle();
  Answer({1});
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(calls_.is_open());
}

TEST_F(LeaseRenewalsTest, TakesAtMostTheServersBoundInOneMessage) {
  for (LeaseId lease = 1; lease <= 10'001; ++lease) renewals_->Add(lease, kTtl, [](const absl::Status&) {});
  loop_.RunUntilIdle();
  const std::vector<wire::KeepAliveRequest> sent = calls_.newest().TakeSent();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].lease_ids_size(), 10'000);
  EXPECT_EQ(sent[1].lease_ids_size(), 1);
}

}  // namespace
}  // namespace scoutlight::client
