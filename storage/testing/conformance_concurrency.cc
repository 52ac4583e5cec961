// Cases on idempotency, many threads, and the end of a store.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/testing/await.h"
#include "storage/testing/conformance.h"

namespace scoutlight::storage {
namespace {

using ::testing::ElementsAre;

Transaction WithId(Transaction transaction, std::string caller, std::string request_id, uint64_t hash) {
  transaction.origin.caller = std::move(caller);
  transaction.origin.request_id = std::move(request_id);
  transaction.origin.request_hash = hash;
  return transaction;
}

TEST_P(StoreConformance, ARepeatedRequestGetsTheFirstAnswer) {
  sync_->Put(At("/read"), "then");
  sync_->Put(At("/doomed/x"), "v");
  PutOperation put = PutOf(At("/a"), "mine");
  put.if_absent = true;
  DeleteOperation doomed = DeleteOf(At("/doomed"), Scope::kSubtree);
  doomed.return_previous = true;
  Transaction request = TransactionOf({put, GetOperation{At("/read")}, doomed, ListOf(At(""), Scope::kSubtree)});
  request.conditions = {ExistsIs(At("/a"), false)};
  request.on_failure = {PutOf(At("/wrong"), "branch")};
  request = WithId(request, "alice", At("/id").path(), 1);
  const CommitResult first = sync_->Commit(request);
  ASSERT_TRUE(first.status.ok()) << first.status;
  EXPECT_FALSE(first.replayed);
  sync_->Put(At("/read"), "now");
  sync_->Put(At("/a"), "theirs");
  sync_->Put(At("/new"), "v");
  const Revision before = sync_->Latest();
  for (int i = 0; i < 3; ++i) {
    const CommitResult again = sync_->Commit(request);
    ASSERT_TRUE(again.status.ok()) << again.status;
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.revision, first.revision);
    EXPECT_EQ(again.changed, first.changed);
    EXPECT_EQ(again.succeeded, first.succeeded);
    EXPECT_EQ(again.results, first.results);
  }
  EXPECT_EQ(sync_->Latest(), before);
  EXPECT_EQ(sync_->Get(At("/a"))->value, Text("theirs"));
}

// However the answers of readers and of the writer overtake each other.
TEST_P(StoreConformance, AReadShowsWhatWasAcknowledgedBeforeItBegan) {
  constexpr int kPuts = 150;
  std::atomic<Revision> acknowledged = sync_->Put(At("/a"), "v").revision;
  std::atomic<Revision> below = 0;  // Of the last put that made something below "/a", while it is there.
  std::atomic<bool> over = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      Revision seen = 0;
      do {
        const Revision least = acknowledged.load();
        const Revision child = below.load();
        const std::optional<Entry> entry = sync_->Get(At("/a"));
        ASSERT_TRUE(entry.has_value());
        EXPECT_GE(entry->mod_revision, least);
        EXPECT_GE(entry->mod_revision, seen) << "a state went back";
        seen = entry->mod_revision;
        EXPECT_TRUE(entry->has_children || child == 0 || below.load() != child);
      } while (!over.load());
    });
  }
  for (int i = 0; i < kPuts; ++i) {
    const CommitResult put = sync_->Put(At("/a"), "v");
    EXPECT_TRUE(put.status.ok()) << put.status;
    acknowledged.store(put.revision);
    below.store(sync_->Put(At("/a/b"), "v").revision);
    below.store(0);
    EXPECT_TRUE(sync_->Delete(At("/a/b")).status.ok());
  }
  over.store(true);
  for (std::thread& reader : readers) reader.join();
}

TEST_P(StoreConformance, ARequestIdOfAnotherRequestIsRefused) {
  const std::string id = At("/id").path();
  ASSERT_TRUE(sync_->Commit(WithId(TransactionOf({PutOf(At("/a"), "1")}), "alice", id, 1)).status.ok());
  const Revision before = sync_->Latest();
  const CommitResult other = sync_->Commit(WithId(TransactionOf({PutOf(At("/a"), "2")}), "alice", id, 2));
  EXPECT_EQ(other.status.code(), absl::StatusCode::kInvalidArgument) << other.status;
  EXPECT_EQ(ReasonOf(other.status), Reason::kRequestIdReused);
  EXPECT_EQ(sync_->Latest(), before);
  EXPECT_EQ(sync_->Get(At("/a"))->value, Text("1"));
}

TEST_P(StoreConformance, RequestIdsBelongToTheirCaller) {
  const std::string id = At("/id").path();
  const CommitResult alice = sync_->Commit(WithId(TransactionOf({PutOf(At("/a"), "1")}), "alice", id, 1));
  const CommitResult bob = sync_->Commit(WithId(TransactionOf({PutOf(At("/a"), "2")}), "bob", id, 2));
  ASSERT_TRUE(bob.status.ok()) << bob.status;
  EXPECT_FALSE(bob.replayed);
  EXPECT_GT(bob.revision, alice.revision);
  EXPECT_EQ(sync_->Get(At("/a"))->value, Text("2"));
}

// It changed nothing, so a backend need not remember it; what it may not do is to answer as at first and carry it out.
TEST_P(StoreConformance, ARepeatedFailedRequestGetsTheFirstAnswerOrIsTriedAnew) {
  sync_->Put(At("/a"), "there");
  PutOperation put = PutOf(At("/a"), "mine");
  put.if_absent = true;
  const Transaction request = WithId(TransactionOf({put}), "alice", At("/id").path(), 1);
  EXPECT_EQ(sync_->Commit(request).status.code(), absl::StatusCode::kAlreadyExists);
  sync_->Delete(At("/a"));
  const CommitResult again = sync_->Commit(request);
  if (again.replayed) {
    EXPECT_EQ(again.status.code(), absl::StatusCode::kAlreadyExists) << again.status;
    EXPECT_EQ(sync_->Get(At("/a")), std::nullopt);
  } else {
    EXPECT_TRUE(again.status.ok()) << again.status;
    EXPECT_TRUE(sync_->Commit(request).replayed);
  }
}

// As one who makes another transaction of the same request each time it tries.
Transaction Try(Transaction transaction, std::string request_id, uint64_t hash) {
  transaction = WithId(std::move(transaction), "alice", std::move(request_id), hash);
  transaction.origin.memory = Memory::kChange;
  return transaction;
}

TEST_P(StoreConformance, ARequestRememberedByItsChangeMayFailFirstAndDifferLater) {
  const std::string id = At("/id").path();
  Transaction failing = TransactionOf({PutOf(At("/a"), "1")});
  failing.conditions = {ExistsIs(At("/a"), true)};
  for (int i = 0; i < 2; ++i) {
    const CommitResult failed = sync_->Commit(Try(failing, id, 1));
    ASSERT_TRUE(failed.status.ok()) << failed.status;
    EXPECT_FALSE(failed.succeeded);
    EXPECT_FALSE(failed.replayed);
  }
  const CommitResult first = sync_->Commit(Try(TransactionOf({PutOf(At("/a"), "2")}), id, 1));
  ASSERT_TRUE(first.status.ok()) << first.status;
  EXPECT_FALSE(first.replayed);
  sync_->Put(At("/a"), "theirs");
  const Revision before = sync_->Latest();
  for (const char* value : {"2", "3"}) {
    const CommitResult again = sync_->Commit(Try(TransactionOf({PutOf(At("/a"), value)}), id, 1));
    ASSERT_TRUE(again.status.ok()) << again.status;
    EXPECT_TRUE(again.replayed);
    EXPECT_TRUE(again.changed);
    EXPECT_TRUE(again.succeeded);
    EXPECT_EQ(again.revision, first.revision);
    EXPECT_THAT(again.results, ElementsAre());
  }
  EXPECT_EQ(ReasonOf(sync_->Commit(Try(TransactionOf({PutOf(At("/a"), "4")}), id, 2)).status), Reason::kRequestIdReused);
  EXPECT_EQ(sync_->Latest(), before);
  EXPECT_EQ(sync_->Get(At("/a"))->value, Text("theirs"));
}

TEST_P(StoreConformance, WhetherARequestWasCarriedOutCanBeAsked) {
  const std::string id = At("/id").path();
  Transaction question = Try(Transaction(), id, 1);
  question.validate_only = true;
  for (int i = 0; i < 2; ++i) {
    const CommitResult unknown = sync_->Commit(question);
    ASSERT_TRUE(unknown.status.ok()) << unknown.status;
    EXPECT_FALSE(unknown.replayed);
  }
  const CommitResult first = sync_->Commit(Try(TransactionOf({PutOf(At("/a"), "1")}), id, 1));
  ASSERT_TRUE(first.status.ok()) << first.status;
  EXPECT_FALSE(first.replayed);
  const CommitResult known = sync_->Commit(question);
  ASSERT_TRUE(known.status.ok()) << known.status;
  EXPECT_TRUE(known.replayed);
  EXPECT_EQ(known.revision, first.revision);
  question.origin.request_hash = 2;
  EXPECT_EQ(ReasonOf(sync_->Commit(question).status), Reason::kRequestIdReused);
}

TEST_P(StoreConformance, ConcurrentRepetitionsAreCarriedOutOnce) {
  constexpr int kThreads = 8;
  for (int round = 0; round < 20; ++round) {
    const Key key = At(absl::StrCat("/k", round));
    const Transaction request = WithId(TransactionOf({PutOf(key, "v")}), "alice", absl::StrCat(prefix_, round), 1);
    std::vector<CommitResult> results(kThreads);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] { results[t] = sync_->Commit(request); });
    }
    for (std::thread& thread : threads) thread.join();
    int firsts = 0;
    for (const CommitResult& result : results) {
      ASSERT_TRUE(result.status.ok()) << result.status;
      EXPECT_EQ(result.revision, results[0].revision);
      EXPECT_EQ(result.results, results[0].results);
      firsts += result.replayed ? 0 : 1;
    }
    EXPECT_EQ(firsts, 1);
    EXPECT_EQ(sync_->Get(key)->version, 1);
  }
}

TEST_P(StoreConformance, ConditionalIncrementsFromManyThreadsLoseNothing) {
  constexpr int kThreads = 8;
  constexpr int kIncrements = 25;
  sync_->Put(At("/counter"), "0");
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int done = 0; done < kIncrements;) {
        const std::optional<Entry> entry = sync_->Get(At("/counter"));
        ASSERT_TRUE(entry.has_value());
        PutOperation put = PutOf(At("/counter"), absl::StrCat(std::stoi(entry->value.bytes) + 1));
        put.expected_mod_revision = entry->mod_revision;
        const CommitResult result = sync_->Commit(TransactionOf({put}));
        if (result.status.ok()) {
          ++done;
        } else {
          ASSERT_EQ(result.status.code(), absl::StatusCode::kFailedPrecondition) << result.status;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::optional<Entry> entry = sync_->Get(At("/counter"));
  EXPECT_EQ(entry->value, Text(absl::StrCat(kThreads * kIncrements)));
  EXPECT_EQ(entry->version, kThreads * kIncrements + 1);
}

TEST_P(StoreConformance, AReadAfterAnAnswerSeesTheWrite) {
  constexpr int kThreads = 4;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const Key key = At(absl::StrCat("/", t));
      for (int i = 0; i < 50; ++i) {
        const CommitResult put = sync_->Put(key, absl::StrCat(i));
        ASSERT_TRUE(put.status.ok()) << put.status;
        const Page page = sync_->Read(QueryOf(key, Scope::kKey));
        ASSERT_EQ(page.entries.size(), 1u);
        EXPECT_GE(page.revision, put.revision);
        EXPECT_EQ(page.entries[0].mod_revision, put.revision);
        EXPECT_EQ(page.entries[0].value, Text(absl::StrCat(i)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(StoreConformance, AListNeverShowsHalfATransaction) {
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) {
      const std::string value = absl::StrCat(i);
      sync_->Commit(TransactionOf({PutOf(At("/p/a"), value), PutOf(At("/p/b"), value), PutOf(At("/p/c"), value)}));
    }
    stop = true;
  });
  while (!stop) {
    const Page page = sync_->Read(QueryOf(At("/p"), Scope::kChildren));
    ASSERT_TRUE(page.status.ok()) << page.status;
    ASSERT_TRUE(page.entries.empty() || page.entries.size() == 3);
    for (const Entry& entry : page.entries) EXPECT_EQ(entry.value, page.entries[0].value);
  }
  writer.join();
}

TEST_P(StoreConformance, DestroyingTheStoreEndsEveryOutstandingCall) {
  for (int i = 0; i < 200; ++i) sync_->Put(At(absl::StrCat("/p/", i)), "v");
  const Revision past = sync_->Latest();
  sync_->Put(At("/p/0"), "w");
  std::vector<Pending<CommitResult>> commits;
  std::vector<Pending<Page>> reads;
  std::vector<Pending<HistoryPage>> histories;
  std::vector<Pending<LeaseResult>> grants;
  for (int i = 0; i < 300; ++i) {
    commits.push_back(Pending<CommitResult>::Start(
        [&](Done<CommitResult> done) { store().Commit(TransactionOf({PutOf(At("/a"), absl::StrCat(i))}), std::move(done)); }));
    if (i % 10 != 0) continue;
    reads.push_back(Pending<Page>::Start(
        [&](Done<Page> done) { store().Read(QueryOf(At("/p"), Scope::kSubtree, i % 20 == 0 ? past : 0), std::move(done)); }));
    histories.push_back(Pending<HistoryPage>::Start([&](Done<HistoryPage> done) {
      store().History(past, past + 1, {At(""), Scope::kSubtree}, 1000, std::move(done));
    }));
    grants.push_back(
        Pending<LeaseResult>::Start([&](Done<LeaseResult> done) { store().GrantLease({.ttl = absl::Minutes(1)}, std::move(done)); }));
  }
  Destroy();
  const auto ended = [](const auto& pending) { EXPECT_TRUE(pending.ready()) << "the destructor returned before the answer"; };
  const auto fair = [](const absl::Status& status) { EXPECT_TRUE(status.ok() || absl::IsUnavailable(status)) << status; };
  for (auto& pending : commits) ended(pending), fair(pending.Wait().status);
  for (auto& pending : reads) ended(pending), fair(pending.Wait().status);
  for (auto& pending : histories) ended(pending), fair(pending.Wait().status);
  for (auto& pending : grants) ended(pending), fair(pending.Wait().status);
}

TEST_P(StoreConformance, AHealthyStoreSaysSo) {
  EXPECT_EQ(store().health().state, StoreHealth::State::kServing);
  // It may lie on a disk of which little is left.
  EXPECT_THAT(store().health().problem, ::testing::AnyOf("", ::testing::HasSubstr("left for puts")));
  EXPECT_FALSE(store().store_id().empty());
}

}  // namespace
}  // namespace scoutlight::storage
