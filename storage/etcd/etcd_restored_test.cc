// A cluster that was restored under a store from a snapshot of itself: with the same identity, and another history.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/etcd/scripted_etcd_fixture.h"
#include "storage/testing/await.h"

namespace scoutlight::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EtcdRestored : public HastyScriptedEtcdTest {
 protected:
  // So many revisions of another history.
  std::vector<etcdserverpb::TxnRequest> Others(int puts) const {
    std::vector<etcdserverpb::TxnRequest> others;
    for (int i = 0; i < puts; ++i) {
      others.push_back(PutOfAnother("/other", absl::StrCat(i).c_str(), kWrittenByOthers + absl::Microseconds(i + 1)));
    }
    return others;
  }

  void ExpectGivenUp() {
    EXPECT_TRUE(AwaitCondition([&] { return store_->health().state == StoreHealth::State::kUnavailable; }));
    EXPECT_THAT(store_->health().problem, HasSubstr("start the server anew"));
  }
  // For no other reason than that.
  void ExpectOtherHistory() {
    ExpectGivenUp();
    EXPECT_THAT(store_->health().problem, HasSubstr("another history"));
  }
};

TEST_F(EtcdRestored, AWatchThatIsPausedWhenTheClusterIsWipedIsGivenUp) {
  etcd_.HoldLookBacks();
  for (int i = 0; i < 1'500; ++i) PutAsAnother("/a", "theirs");
  etcd_.ReleaseWatches();
  ASSERT_TRUE(AwaitCondition([&] { return etcd_.held_look_backs() > 0; }));
  etcd_.RestoreTo(1);
  etcd_.ReleaseLookBacks();
  EXPECT_TRUE(AwaitCondition([&] { return store_->health().state == StoreHealth::State::kUnavailable; }));
  EXPECT_THAT(store_->health().problem, HasSubstr("start the server anew"));
}

TEST_F(EtcdRestored, AnswersThatARestoredClusterHasLostAreNotShown) {
  const Revision others = PutAsAnother("/a", "theirs");
  // The sink lacks the one before. So many that no fence of a new watch makes up for them.
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(sync_->Put(K("/b"), "lost").status.ok());
  ASSERT_LT(sink_->reached(), others);
  etcd_.RestoreTo(others);
  EXPECT_TRUE(AwaitCondition([&] { return store_->health().state == StoreHealth::State::kUnavailable; }));
  EXPECT_THAT(store_->health().problem, HasSubstr("start the server anew"));
  EXPECT_THAT(ShownValues(), ElementsAre());
}

TEST_F(EtcdRestored, OneThatHasGrownPastWhatWasShownIsNoticed) {
  etcd_.ReleaseWatches();
  const Revision kept = PutAsAnother("/a", "kept");
  ASSERT_TRUE(sink_->WaitFor(PutAsAnother("/a", "lost")));
  etcd_.RestoreTo(kept, Others(20));
  ExpectOtherHistory();
  EXPECT_THAT(ShownValues(), ElementsAre("kept", "lost"));
}

TEST_F(EtcdRestored, SoIsOneThatHasLostWhatWasShownFromItsAnswer) {
  const Revision kept = sync_->Put(K("/a"), "kept").revision;
  const Revision lost = sync_->Put(K("/a"), "lost").revision;
  ASSERT_EQ(sink_->reached(), lost);
  etcd_.RestoreTo(kept, Others(20));
  ExpectOtherHistory();
  EXPECT_THAT(ShownValues(), ElementsAre("kept", "lost"));
}

TEST_F(EtcdRestored, SoIsOneThatHasLostAnEndOfALeaseAndWasWrittenTo) {
  etcd_.ReleaseWatches();
  const std::vector<std::string> keys = PutOnLeaseAsAnother(1);
  const Revision kept = etcd_.revision();
  ASSERT_TRUE(sink_->WaitFor(etcd_.EndLease(keys)));
  etcd_.RestoreTo(kept, Others(1));
  ExpectOtherHistory();
}

TEST_F(EtcdRestored, SoIsOneThatHasLostWhatWasAnsweredAndIsNotShownYet) {
  const Revision others = PutAsAnother("/a", "theirs");
  ASSERT_TRUE(sync_->Put(K("/b"), "lost").status.ok());
  ASSERT_LT(sink_->reached(), others);
  etcd_.RestoreTo(others, Others(20));
  ExpectOtherHistory();
  EXPECT_THAT(ShownValues(), IsEmpty());
}

TEST_F(EtcdRestored, WhatItAnswersHidesNothingOfWhatItHasLost) {
  const Revision others = PutAsAnother("/a", "theirs");
  ASSERT_TRUE(sync_->Put(K("/b"), "lost").status.ok());
  const int watches = etcd_.watches();
  etcd_.RestoreTo(others, Others(20));
  // Before the next watch begins, if it is quick; else that begins no more.
  Pending<CommitResult> own = StartPut("/b", "new");
  ASSERT_TRUE(AwaitCondition([&] { return etcd_.watches() > watches || store_->health().state == StoreHealth::State::kUnavailable; }));
  own.Wait();
  etcd_.ReleaseWatches();
  ExpectOtherHistory();
  for (const std::string& value : ShownValues()) EXPECT_NE(value, "lost");
}

TEST_F(EtcdRestored, OneThatHasLostNothingIsFollowedOn) {
  etcd_.ReleaseWatches();
  for (const bool is_own : {false, true}) {
    SCOPED_TRACE(is_own);
    ASSERT_TRUE(sync_->Put(K("/a"), "own").status.ok());
    const std::vector<std::string> keys = PutOnLeaseAsAnother(1);
    ASSERT_TRUE(sink_->WaitFor(etcd_.EndLease(keys)));
    if (is_own) {
      ASSERT_TRUE(sync_->Put(K("/a"), "last").status.ok());
    }
    const int watches = etcd_.watches();
    etcd_.RestoreTo(etcd_.revision(), Others(2));
    ASSERT_TRUE(sink_->WaitFor(etcd_.revision()));
    EXPECT_GT(etcd_.watches(), watches);
    EXPECT_TRUE(sink_->WaitUntilFresh());
    EXPECT_EQ(ShownValues().back(), "1");
  }
  EXPECT_THAT(sink_->gaps(), IsEmpty());
  EXPECT_EQ(store_->health().state, StoreHealth::State::kServing);
}

}  // namespace
}  // namespace scoutlight::storage
