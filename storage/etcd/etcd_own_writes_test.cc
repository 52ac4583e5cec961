#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/etcd/scripted_etcd_fixture.h"
#include "storage/testing/await.h"
#include "storage/testing/recording_sink.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

using ::testing::ElementsAre;

class EtcdOwnWrites : public ScriptedEtcdTest {};
class EtcdHastyOwnWrites : public HastyScriptedEtcdTest {};

TEST_F(EtcdOwnWrites, AWriteIsShownFromItsAnswerAndNotAgainFromTheWatch) {
  const CommitResult made = sync_->Put(K("/a"), "1");
  ASSERT_TRUE(made.status.ok()) << made.status;
  const CommitResult changed = sync_->Put(K("/a"), "2");
  ASSERT_TRUE(changed.status.ok()) << changed.status;
  EXPECT_EQ(sink_->reached(), changed.revision) << "the watch is silent";
  const std::vector<std::shared_ptr<const Batch>> own = sink_->batches();
  etcd_.ReleaseWatches();
  ASSERT_TRUE(sink_->WaitFor(PutAsAnother("/b", "theirs")));
  EXPECT_THAT(ShownValues(), ElementsAre("1", "2", "theirs"));

  // What another store is shown of these revisions is the same.
  const auto watched = std::make_shared<RecordingSink>(made.revision - 1, *store_);
  store_->Follow(made.revision - 1, watched);
  ASSERT_TRUE(watched->WaitFor(changed.revision));
  ASSERT_EQ(own.size(), 2u);
  EXPECT_EQ(*own[0], *watched->batches()[0]);
  EXPECT_EQ(*own[1], *watched->batches()[1]);
}

TEST_F(EtcdOwnWrites, AWriteBehindAnothersWaitsUntilTheWatchHasBroughtThat) {
  const Revision others = PutAsAnother("/a", "theirs");
  Pending<CommitResult> first = StartPut("/b", "first");
  ASSERT_TRUE(AwaitCondition([&] { return etcd_.revision() == others + 1; }));
  Pending<CommitResult> second = StartPut("/c", "second");
  ASSERT_TRUE(AwaitCondition([&] { return etcd_.revision() == others + 2; }));
  LetAnswersCome();
  EXPECT_FALSE(first.ready() || second.ready());
  EXPECT_THAT(ShownValues(), ElementsAre());
  etcd_.ReleaseWatches();
  EXPECT_TRUE(first.Wait().status.ok());
  EXPECT_TRUE(second.Wait().status.ok());
  ASSERT_TRUE(sink_->WaitFor(PutAsAnother("/d", "last")));
  EXPECT_THAT(ShownValues(), ElementsAre("theirs", "first", "second", "last"));
}

TEST_F(EtcdOwnWrites, WhatAnotherReplacedIsShownToo) {
  PutAsAnother("/a", "1");
  PutAsAnother("/a", "2");
  Pending<CommitResult> own = StartPut("/a", "3");
  etcd_.ReleaseWatches();
  EXPECT_TRUE(own.Wait().status.ok());
  ASSERT_TRUE(sink_->WaitFor(PutAsAnother("/a", "4")));
  const std::vector<std::shared_ptr<const Batch>> batches = sink_->batches();
  ASSERT_EQ(batches.size(), 4u);
  for (int i = 0; i < 4; ++i) {
    const Event& event = batches[i]->events[0];
    EXPECT_EQ(event.entry.value, Text(std::to_string(i + 1)));
    EXPECT_TRUE(event.previous_known);
    EXPECT_EQ(event.previous.value_or(Entry{}).value, Text(i == 0 ? "" : std::to_string(i)));
  }
}

TEST_F(EtcdOwnWrites, WhatTheWatchBringsWhoseAnswerDoesNotComeIsShownAllTheSame) {
  ASSERT_TRUE(sync_->Put(K("/a"), "old").status.ok());
  etcd_.HoldNextAnswers(1);
  const Revision before = etcd_.revision();
  Pending<CommitResult> own = StartPut("/a", "new");
  ASSERT_TRUE(AwaitCondition([&] { return etcd_.revision() == before + 1; }));
  etcd_.ReleaseWatches();
  ASSERT_TRUE(sink_->WaitFor(before + 1));
  EXPECT_FALSE(own.ready());
  EXPECT_EQ(sink_->batches().back()->events[0].previous->value, Text("old"));
  etcd_.ReleaseAnswers();
  EXPECT_TRUE(own.Wait().status.ok());
  ASSERT_TRUE(sink_->WaitFor(PutAsAnother("/b", "last")));
  EXPECT_THAT(ShownValues(), ElementsAre("old", "new", "last"));
}

TEST_F(EtcdOwnWrites, AWatchThatBringsMoreThanIsKeptGoesOnWhenThatIsShown) {
  // Each replaces the one before, so that all of them have to be looked up.
  constexpr int kPuts = 1'500;
  for (int i = 0; i < kPuts; ++i) PutAsAnother("/a", "theirs");
  etcd_.ReleaseWatches();
  ASSERT_TRUE(sink_->WaitFor(etcd_.revision()));
  ASSERT_TRUE(sink_->WaitFor(PutAsAnother("/a", "last")));
  EXPECT_EQ(sink_->batches().size(), static_cast<size_t>(kPuts + 1));
  EXPECT_EQ(ShownValues().back(), "last");
}

TEST_F(EtcdHastyOwnWrites, AWatchThatWaitsForTheStoreIsNotTakenForASilentOne) {
  etcd_.HoldLookBacks();
  for (int i = 0; i < 1'500; ++i) PutAsAnother("/a", "theirs");
  etcd_.ReleaseWatches();
  // From here on the watch has nothing to say until all of that is shown.
  ASSERT_TRUE(AwaitCondition([&] { return etcd_.held_look_backs() > 0; }));
  const int watches = etcd_.watches();
  const absl::Duration before = store_->behind();
  ASSERT_TRUE(AwaitCondition([&] { return store_->behind() >= before + 10 * kStaleAfter; }));
  EXPECT_FALSE(sink_->is_fresh());
  EXPECT_EQ(etcd_.watches(), watches);
  etcd_.ReleaseLookBacks();
  ASSERT_TRUE(sink_->WaitFor(etcd_.revision()));
  EXPECT_EQ(etcd_.watches(), watches);
  ASSERT_TRUE(sink_->WaitFor(PutAsAnother("/a", "last")));
  EXPECT_TRUE(sink_->WaitUntilFresh());
  EXPECT_EQ(sink_->batches().size(), 1'501u);
}

// How many events of a batch of ends lack what was there, or say a wrong cause.
int WrongEnds(const Batch& batch) {
  int wrong = 0;
  for (const Event& event : batch.events) {
    const bool is_known = event.previous_known && event.previous.has_value() && event.previous->key == event.key;
    const EventCause cause = is_known && event.previous->lease_id != 0 ? EventCause::kLeaseExpired : EventCause::kWrite;
    if (!is_known || event.cause != cause) ++wrong;
  }
  return wrong;
}

TEST_F(EtcdOwnWrites, TheEndOfALargeLeaseIsShownWithWhatWasThereAfterFewReads) {
  constexpr int kKeys = 20'000;
  const std::vector<std::string> keys = PutOnLeaseAsAnother(kKeys);
  const Revision end = etcd_.EndLease(keys);
  etcd_.ReleaseWatches();
  ASSERT_TRUE(sink_->WaitFor(end));
  const std::vector<std::shared_ptr<const Batch>> batches = sink_->batches();
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(batches[1]->events.size(), static_cast<size_t>(kKeys));
  EXPECT_EQ(WrongEnds(*batches[1]), 0);
  // 128 at once, once it is seen that nothing lies between them; until then few each, 32 reads at once.
  EXPECT_LT(etcd_.look_backs(), kKeys / 128 + 200);
}

TEST_F(EtcdOwnWrites, TheEndOfALeaseWhoseKeysLieFarApartIsShownWithWhatWasThere) {
  constexpr int kKeys = 4'000;
  const std::vector<std::string> keys = PutOnLeaseAsAnother(kKeys);
  std::vector<std::string> ended;
  for (int i = 0; i < kKeys; ++i) {
    // Alone among many that stay, in threes among few, and a hundred of one kind.
    if (i < 2'000 ? i % 50 == 0 : i < 3'900 ? i % 5 < 3 : true) ended.push_back(keys[i]);
  }
  const Revision end = etcd_.EndLease(ended);
  etcd_.ReleaseWatches();
  ASSERT_TRUE(sink_->WaitFor(end));
  const std::shared_ptr<const Batch> batch = sink_->batches().back();
  EXPECT_EQ(batch->events.size(), ended.size());
  EXPECT_EQ(WrongEnds(*batch), 0);
  EXPECT_LE(etcd_.look_backs(), static_cast<int>(ended.size()));
}

TEST_F(EtcdOwnWrites, AReadThatFailsAmongManyIsMadeAgain) {
  const std::vector<std::string> keys = PutOnLeaseAsAnother(1'000);
  etcd_.RefuseLookBacks(5, absl::InternalError("etcdserver: something went wrong"));
  const Revision end = etcd_.EndLease(keys);
  etcd_.ReleaseWatches();
  ASSERT_TRUE(sink_->WaitFor(end));
  EXPECT_EQ(WrongEnds(*sink_->batches().back()), 0);
}

TEST_F(EtcdOwnWrites, AnOwnWriteDuringALongResponseIsShownInItsPlace) {
  // One response, which takes many turns.
  constexpr int kOthers = 3'000;
  for (int i = 0; i < kOthers; ++i) PutAsAnother(("/k" + std::to_string(i)).c_str(), "theirs");
  std::vector<Pending<CommitResult>> own;
  for (int i = 0; i < 20; ++i) own.push_back(StartPut("/own", std::to_string(i).c_str()));
  etcd_.ReleaseWatches();
  Revision last = 0;
  for (Pending<CommitResult>& one : own) {
    const CommitResult result = one.Wait();
    EXPECT_TRUE(result.status.ok()) << result.status;
    EXPECT_LE(result.revision, sink_->reached());
    last = std::max(last, result.revision);
  }
  ASSERT_TRUE(sink_->WaitFor(last));
  EXPECT_EQ(sink_->batches().size(), static_cast<size_t>(kOthers) + own.size());
}

TEST_F(EtcdOwnWrites, AMemberThatLagsOrFailsTakesNothingOfWhatWasThereAndNoWatch) {
  const struct {
    int reads;
    absl::Status refusal;
  } cases[] = {
      // All that any member may answer: only a read that is linearizable helps.
      {1'000, absl::OutOfRangeError("etcdserver: mvcc: required revision is a future revision")},
      {1, absl::InternalError("etcdserver: something went wrong")},
      {1, absl::ResourceExhaustedError("etcdserver: mvcc: database space exceeded")},
  };
  const int watches = etcd_.watches();
  etcd_.ReleaseWatches();
  PutAsAnother("/a", "0");
  for (size_t i = 0; i < std::size(cases); ++i) {
    etcd_.RefuseLookBacks(cases[i].reads, cases[i].refusal);
    ASSERT_TRUE(sink_->WaitFor(PutAsAnother("/a", std::to_string(i + 1).c_str()))) << cases[i].refusal;
    const Event event = sink_->batches().back()->events[0];
    EXPECT_TRUE(event.previous_known) << cases[i].refusal;
    EXPECT_EQ(event.previous.value_or(Entry{}).value, Text(std::to_string(i))) << cases[i].refusal;
  }
  EXPECT_EQ(etcd_.watches(), watches);
}

TEST_F(EtcdOwnWrites, WhatWasThereIsNotKnownIfItIsCompactedAway) {
  etcd_.ReleaseWatches();
  const std::vector<std::string> keys = PutOnLeaseAsAnother(2);
  etcd_.RefuseLookBacks(1, absl::OutOfRangeError("etcdserver: mvcc: required revision has been compacted"));
  ASSERT_TRUE(sink_->WaitFor(etcd_.EndLease(keys)));
  int known = 0;
  for (const Event& event : sink_->batches().back()->events) {
    if (event.previous_known) ++known;
  }
  EXPECT_EQ(known, 1);
}

TEST_F(EtcdHastyOwnWrites, WhatTheWatchHasBroughtAndTheSinkLacksIsNoticed) {
  etcd_.ReleaseWatches();
  const std::vector<std::string> keys = PutOnLeaseAsAnother(2);
  ASSERT_TRUE(sink_->WaitFor(etcd_.revision()));
  etcd_.HoldLookBacks();
  // It puts no mark that would say so.
  const Revision end = etcd_.EndLease(keys);
  EXPECT_TRUE(AwaitCondition([&] { return !sink_->is_fresh(); }));
  etcd_.ReleaseLookBacks();
  EXPECT_TRUE(sink_->WaitFor(end));
  EXPECT_TRUE(sink_->WaitUntilFresh());
}

TEST_F(EtcdHastyOwnWrites, AnAnswerThatCameBeforeTheSinkWasStaleIsShownAllTheSame) {
  ASSERT_TRUE(sync_->Put(K("/a"), "1").status.ok());
  PutAsAnother("/b", "theirs");
  ASSERT_TRUE(sync_->Put(K("/a"), "2").status.ok());
  EXPECT_FALSE(sink_->is_fresh());
  ASSERT_TRUE(sync_->Put(K("/a"), "3").status.ok()) << "while it is";
  // So that the watch alone cannot say it.
  etcd_.HoldLookBacks();
  etcd_.ReleaseWatches();
  EXPECT_TRUE(sink_->WaitFor(etcd_.revision()));
  etcd_.ReleaseLookBacks();
  EXPECT_THAT(ShownValues(), ElementsAre("1", "theirs", "2", "3"));
}

TEST_F(EtcdOwnWrites, ManyAnswersThatDoNotComeAreWaitedForAtOnce) {
  // As many as are looked at at once.
  constexpr int kPuts = 32;
  ASSERT_TRUE(sync_->Put(K("/a"), "old").status.ok());
  etcd_.HoldNextAnswers(kPuts);
  etcd_.HoldLookBacks();
  const Revision before = etcd_.revision();
  std::vector<Pending<CommitResult>> pending;
  for (int i = 0; i < kPuts; ++i) pending.push_back(StartPut("/a", "new"));
  ASSERT_TRUE(AwaitCondition([&] { return etcd_.revision() == before + kPuts; }));
  etcd_.ReleaseWatches();
  EXPECT_TRUE(AwaitCondition([&] { return etcd_.held_look_backs() == kPuts; })) << "each waits until the one before is shown";
  etcd_.ReleaseLookBacks();
  ASSERT_TRUE(sink_->WaitFor(before + kPuts));
  etcd_.ReleaseAnswers();
  for (Pending<CommitResult>& one : pending) EXPECT_TRUE(one.Wait().status.ok());
}

TEST_F(EtcdOwnWrites, WhatAnotherWritesAmongManyOwnWritesComesInItsPlace) {
  etcd_.ReleaseWatches();
  std::vector<std::string> values;
  for (int i = 0; i < 300; ++i) {
    values.push_back(std::to_string(i));
    if (i % 100 == 99) {
      PutAsAnother("/a", values.back().c_str());
    } else {
      ASSERT_TRUE(sync_->Put(K("/a"), values.back()).status.ok());
    }
  }
  ASSERT_TRUE(sink_->WaitFor(etcd_.revision()));
  EXPECT_EQ(ShownValues(), values);
}

TEST_F(EtcdOwnWrites, AnswersThatComeOutOfOrderAreShownInOrder) {
  etcd_.HoldNextAnswers(1);
  const Revision before = etcd_.revision();
  Pending<CommitResult> first = StartPut("/a", "first");
  ASSERT_TRUE(AwaitCondition([&] { return etcd_.revision() == before + 1; }));
  Pending<CommitResult> second = StartPut("/b", "second");
  ASSERT_TRUE(AwaitCondition([&] { return etcd_.revision() == before + 2; }));
  LetAnswersCome();
  EXPECT_FALSE(second.ready()) << "the sink lacks the one before";
  etcd_.ReleaseAnswers();
  EXPECT_TRUE(first.Wait().status.ok());
  EXPECT_TRUE(second.Wait().status.ok());
  EXPECT_THAT(ShownValues(), ElementsAre("first", "second"));
}

TEST_F(EtcdOwnWrites, AWriteBehindOneWhoseAnswerIsLostWaitsForTheWatch) {
  etcd_.LoseNextAnswer();
  const CommitResult lost = sync_->Put(K("/a"), "lost");
  EXPECT_EQ(lost.status.code(), absl::StatusCode::kUnknown) << lost.status;
  EXPECT_EQ(ReasonOf(lost.status), Reason::kOutcomeUnknown);
  Pending<CommitResult> next = StartPut("/b", "next");
  ASSERT_TRUE(AwaitCondition([&] { return etcd_.revision() == sink_->reached() + 2; }));
  LetAnswersCome();
  EXPECT_FALSE(next.ready());
  etcd_.ReleaseWatches();
  EXPECT_TRUE(next.Wait().status.ok());
  EXPECT_THAT(ShownValues(), ElementsAre("lost", "next"));
}

TEST_F(EtcdOwnWrites, AChangeWhoseAnswerCannotBeReadIsLeftOpen) {
  etcdserverpb::TxnRequest request;
  etcdserverpb::PutRequest* foreign = request.add_success()->mutable_request_put();
  foreign->set_key(mapping_.Encode(K("/a")));
  foreign->set_value("no value of ours");
  etcd_.Put(request);
  PutOperation put = PutOf(K("/a"), "v");
  put.return_previous = true;
  Pending<CommitResult> pending =
      Pending<CommitResult>::Start([&](Done<CommitResult> done) { store_->Commit(TransactionOf({put}), std::move(done)); });
  etcd_.ReleaseWatches();
  const CommitResult result = pending.Wait();
  EXPECT_EQ(result.status.code(), absl::StatusCode::kUnknown) << result.status;
  EXPECT_EQ(ReasonOf(result.status), Reason::kOutcomeUnknown);
  EXPECT_TRUE(AwaitCondition([&] { return store_->health().state == StoreHealth::State::kUnavailable; })) << "the watch shows it too";
}

TEST_F(EtcdOwnWrites, WhatStillWaitsWhenTheStoreEndsIsAnsweredBehindOnStale) {
  const Revision others = PutAsAnother("/a", "theirs");
  bool was_fresh = true;
  CommitResult result;
  store_->Commit(TransactionOf({PutOf(K("/b"), "v")}), [&](CommitResult made) {
    was_fresh = sink_->is_fresh();
    result = std::move(made);
  });
  ASSERT_TRUE(AwaitCondition([&] { return etcd_.revision() == others + 1; }));
  store_.reset();
  EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.revision, others + 1);
  EXPECT_FALSE(was_fresh);
}

TEST_F(EtcdHastyOwnWrites, AStaleSinkIsShownAWriteBeforeItsDoneIfThatCanBe) {
  ASSERT_TRUE(sync_->Put(K("/a"), "old").status.ok());
  etcd_.HoldLookBacks();
  etcd_.HoldNextAnswers(1);
  etcd_.ReleaseWatches();
  Revision reached = 0;
  Pending<CommitResult> own = Pending<CommitResult>::Start([&](Done<CommitResult> done) {
    store_->Commit(TransactionOf({PutOf(K("/a"), "new")}), [&, done = std::move(done)](CommitResult made) mutable {
      reached = sink_->reached();
      std::move(done)(std::move(made));
    });
  });
  // The watch has brought it, and stands while what was there before is looked for.
  ASSERT_TRUE(AwaitCondition([&] { return etcd_.held_look_backs() == 1; }));
  ASSERT_TRUE(sync_->Put(K("/b"), "next").status.ok());
  EXPECT_FALSE(sink_->is_fresh());
  EXPECT_THAT(ShownValues(), ElementsAre("old"));
  etcd_.ReleaseAnswers();
  const CommitResult made = own.Wait();
  ASSERT_TRUE(made.status.ok()) << made.status;
  EXPECT_GE(reached, made.revision);
  etcd_.ReleaseLookBacks();
  EXPECT_TRUE(sink_->WaitFor(etcd_.revision()));
  EXPECT_THAT(ShownValues(), ElementsAre("old", "new", "next"));
}

}  // namespace
}  // namespace scoutlight::storage
