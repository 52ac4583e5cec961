// Cases on leases.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/testing/await.h"
#include "storage/testing/conformance.h"

namespace scoutlight::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The events of one revision in a subtree.
std::vector<Event> EventsAt(const SyncStore& store, Revision revision, Key key) {
  const HistoryPage page = store.History(revision, revision, {std::move(key), Scope::kSubtree}, 1 << 20);
  EXPECT_TRUE(page.status.ok()) << page.status;
  return page.batches.empty() ? std::vector<Event>() : page.batches[0]->events;
}

bool Lists(const LeaseList& list, LeaseId id) {
  return std::any_of(list.leases.begin(), list.leases.end(), [id](const LeaseInfo& lease) { return lease.id == id; });
}

TEST_P(StoreConformance, LeasesGetIdsOfTheirOwn) {
  std::set<LeaseId> ids;
  for (int i = 0; i < 20; ++i) {
    const LeaseResult lease = sync_->Grant(absl::Minutes(1));
    ASSERT_TRUE(lease.status.ok()) << lease.status;
    EXPECT_GT(lease.lease.id, 0);
    EXPECT_EQ(lease.lease.ttl, absl::Minutes(1));
    EXPECT_TRUE(ids.insert(lease.lease.id).second);
  }
  const LeaseList list = sync_->ListLeases();
  ASSERT_TRUE(list.status.ok()) << list.status;
  for (const LeaseId id : ids) EXPECT_TRUE(Lists(list, id));
  for (size_t i = 1; i < list.leases.size(); ++i) EXPECT_LT(list.leases[i - 1].id, list.leases[i].id);
  for (const LeaseInfo& lease : list.leases) EXPECT_THAT(lease.keys, IsEmpty());
  for (const LeaseId id : ids) EXPECT_TRUE(sync_->Revoke(id).status.ok());
}

TEST_P(StoreConformance, LeasesAreCountedOrTheirNumberIsNotKnown) {
  const std::optional<int64_t> before = store().lease_count();
  if (!before.has_value()) return;
  const LeaseId first = sync_->Grant(absl::Minutes(1)).lease.id;
  const LeaseId second = sync_->Grant(absl::Minutes(1)).lease.id;
  EXPECT_EQ(store().lease_count(), *before + 2);
  EXPECT_TRUE(sync_->Revoke(first).status.ok());
  EXPECT_EQ(store().lease_count(), *before + 1);
  EXPECT_TRUE(sync_->Revoke(second).status.ok());
}

TEST_P(StoreConformance, ALeaseMayBeGivenItsIdOnce) {
  const LeaseId drawn = sync_->Grant(absl::Minutes(1)).lease.id;
  ASSERT_TRUE(sync_->Revoke(drawn).status.ok());
  const LeaseResult lease = sync_->Grant(absl::Minutes(2), drawn);
  ASSERT_TRUE(lease.status.ok()) << lease.status;
  EXPECT_EQ(lease.lease.id, drawn);
  const LeaseResult again = sync_->Grant(absl::Minutes(3), drawn);
  EXPECT_EQ(again.status.code(), absl::StatusCode::kAlreadyExists) << again.status;
  EXPECT_EQ(ReasonOf(again.status), Reason::kLeaseExists);
  EXPECT_EQ(sync_->GetLease(drawn).lease.ttl, absl::Minutes(2));
}

TEST_P(StoreConformance, TtlsAreBounded) {
  const Traits& traits = store().traits();
  for (const absl::Duration ttl : {traits.ttl_min, traits.ttl_max}) {
    const LeaseResult lease = sync_->Grant(ttl);
    ASSERT_TRUE(lease.status.ok()) << absl::FormatDuration(ttl) << " " << lease.status;
    EXPECT_EQ(lease.lease.ttl, ttl);
  }
  for (const absl::Duration ttl :
       {traits.ttl_min - absl::Milliseconds(1), traits.ttl_max + absl::Milliseconds(1), absl::ZeroDuration(), -absl::Seconds(1)}) {
    const LeaseResult lease = sync_->Grant(ttl);
    EXPECT_EQ(lease.status.code(), absl::StatusCode::kInvalidArgument) << absl::FormatDuration(ttl);
    EXPECT_EQ(ReasonOf(lease.status), Reason::kInvalidField);
  }
}

TEST_P(StoreConformance, ALeaseKnowsItsKeysAndTheKeysTheirLease) {
  const LeaseId id = sync_->Grant(absl::Minutes(10)).lease.id;
  for (const char* path : {"/b", "/a", "/a/x"}) sync_->Put(At(path), "v", id);
  sync_->Put(At("/other"), "v");
  EXPECT_EQ(sync_->Get(At("/a"))->lease_id, id);
  EXPECT_EQ(sync_->Get(At("/other"))->lease_id, 0);
  const LeaseResult lease = sync_->GetLease(id);
  ASSERT_TRUE(lease.status.ok()) << lease.status;
  EXPECT_EQ(lease.lease.id, id);
  EXPECT_THAT(lease.lease.keys, ElementsAre(At("/a"), At("/a/x"), At("/b")));
  EXPECT_LE(lease.lease.remaining, absl::Minutes(15));
  EXPECT_GT(lease.lease.remaining, absl::Minutes(5));
}

TEST_P(StoreConformance, APutWithoutTheLeaseOrADeleteDetaches) {
  const LeaseId one = sync_->Grant(absl::Minutes(10)).lease.id;
  const LeaseId two = sync_->Grant(absl::Minutes(10)).lease.id;
  for (const char* path : {"/plain", "/moved", "/deleted", "/kept"}) sync_->Put(At(path), "v", one);
  sync_->Put(At("/plain"), "v");
  sync_->Put(At("/moved"), "v", two);
  sync_->Delete(At("/deleted"));
  sync_->Put(At("/kept"), "again", one);
  EXPECT_THAT(sync_->GetLease(one).lease.keys, ElementsAre(At("/kept")));
  EXPECT_THAT(sync_->GetLease(two).lease.keys, ElementsAre(At("/moved")));
  EXPECT_EQ(sync_->Revoke(one).results[0].deleted, 1);
  EXPECT_THAT(ListNames("", Scope::kSubtree), ElementsAre("/moved", "/plain"));
}

TEST_P(StoreConformance, RevokeDeletesAllKeysOfALeaseAtOneRevision) {
  const LeaseId id = sync_->Grant(absl::Minutes(10)).lease.id;
  for (const char* path : {"/a", "/a/b", "/c"}) sync_->Put(At(path), "v", id);
  sync_->Put(At("/stays"), "v");
  const Revision before = sync_->Latest();
  const CommitResult revoke = sync_->Revoke(id);
  ASSERT_TRUE(revoke.status.ok()) << revoke.status;
  EXPECT_GT(revoke.revision, before);
  EXPECT_TRUE(revoke.changed);
  ASSERT_EQ(revoke.results.size(), 1u);
  EXPECT_EQ(revoke.results[0].deleted, 3);
  EXPECT_THAT(ListNames("", Scope::kSubtree), ElementsAre("/stays"));
  const std::vector<Event> events = EventsAt(*sync_, revoke.revision, At(""));
  EXPECT_EQ(events.size(), 3u);
  for (const Event& event : events) {
    EXPECT_EQ(event.kind, EventKind::kDelete);
    EXPECT_EQ(event.cause, EventCause::kLeaseRevoked);
  }
  EXPECT_EQ(sync_->GetLease(id).status.code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(Lists(sync_->ListLeases(), id));
}

TEST_P(StoreConformance, RevokeOfALeaseWithoutKeysDeletesNothing) {
  const LeaseId id = sync_->Grant(absl::Minutes(10)).lease.id;
  const Revision before = sync_->Latest();
  const CommitResult revoke = sync_->Revoke(id);
  ASSERT_TRUE(revoke.status.ok()) << revoke.status;
  ASSERT_EQ(revoke.results.size(), 1u);
  EXPECT_EQ(revoke.results[0].deleted, 0);
  EXPECT_FALSE(revoke.changed);
  EXPECT_EQ(sync_->Latest(), before);
  EXPECT_EQ(sync_->GetLease(id).status.code(), absl::StatusCode::kNotFound);
}

TEST_P(StoreConformance, AnUnknownLeaseIsNotFoundAndNotPutOn) {
  const LeaseId id = sync_->Grant(absl::Minutes(10)).lease.id;
  sync_->Put(At("/a"), "old");
  ASSERT_TRUE(sync_->Revoke(id).status.ok());
  const Revision before = sync_->Latest();
  const CommitResult put = sync_->Put(At("/a"), "new", id);
  EXPECT_EQ(put.status.code(), absl::StatusCode::kFailedPrecondition) << put.status;
  EXPECT_EQ(ReasonOf(put.status), Reason::kLeaseNotFound);
  EXPECT_EQ(put.revision, before);
  EXPECT_EQ(sync_->Get(At("/a"))->value, Text("old"));
  for (const absl::Status& status : {sync_->Revoke(id).status, sync_->GetLease(id).status}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(ReasonOf(status), Reason::kLeaseNotFound);
  }
}

TEST_P(StoreConformance, RenewAnswersPerIdInOrder) {
  const LeaseId one = sync_->Grant(absl::Minutes(1)).lease.id;
  const LeaseId gone = sync_->Grant(absl::Minutes(2)).lease.id;
  const LeaseId two = sync_->Grant(absl::Minutes(3)).lease.id;
  ASSERT_TRUE(sync_->Revoke(gone).status.ok());
  const std::vector<RenewResult> results = sync_->Renew({two, gone, one, two});
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(results[0].id, two);
  EXPECT_TRUE(results[0].status.ok()) << results[0].status;
  EXPECT_EQ(results[0].ttl, absl::Minutes(3));
  EXPECT_EQ(results[1].id, gone);
  EXPECT_EQ(results[1].status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(results[2].id, one);
  EXPECT_EQ(results[2].ttl, absl::Minutes(1));
  EXPECT_TRUE(results[3].status.ok());
  EXPECT_THAT(sync_->Renew({}), IsEmpty());
}

TEST_P(StoreConformance, AnExpiredLeaseTakesItsKeysAtOneRevisionAndARenewedOneStays) {
  if (!GetParam().obeys_clock) GTEST_SKIP() << "goes by a clock of its own";
  const absl::Duration ttl = absl::Seconds(10);
  const absl::Duration step = absl::Milliseconds(200);
  const LeaseId dead = sync_->Grant(ttl).lease.id;
  const LeaseId alive = sync_->Grant(ttl).lease.id;
  for (const char* path : {"/dead", "/dead/b"}) sync_->Put(At(path), "v", dead);
  sync_->Put(At("/alive"), "v", alive);
  const Revision before = sync_->Latest();
  for (absl::Duration passed; passed < ttl; passed += step) {
    ASSERT_TRUE(sync_->GetLease(dead).status.ok()) << "ended after " << absl::FormatDuration(passed);
    ASSERT_EQ(sync_->Latest(), before) << "ended after " << absl::FormatDuration(passed);
    EXPECT_TRUE(sync_->Renew({alive})[0].status.ok());
    ASSERT_TRUE(clock_.AdvanceAndWaitUntilSeen(step));
  }
  ASSERT_TRUE(AwaitCondition([&] { return absl::IsNotFound(sync_->GetLease(dead).status); }));
  EXPECT_GT(sync_->Latest(), before);
  EXPECT_THAT(ListNames("", Scope::kSubtree), ElementsAre("/alive"));
  const std::vector<Event> events = EventsAt(*sync_, sync_->Latest(), At(""));
  ASSERT_EQ(events.size(), 2u);
  for (const Event& event : events) {
    EXPECT_EQ(event.kind, EventKind::kDelete);
    EXPECT_EQ(event.cause, EventCause::kLeaseExpired);
  }
  EXPECT_EQ(sync_->Renew({dead})[0].status.code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(Lists(sync_->ListLeases(), alive));
}

TEST_P(StoreConformance, ManyLeasesExpireEachWithItsKeys) {
  if (!GetParam().obeys_clock) GTEST_SKIP() << "goes by a clock of its own";
  for (int i = 0; i < 50; ++i) {
    const LeaseId id = sync_->Grant(absl::Seconds(2)).lease.id;
    sync_->Commit(TransactionOf({PutOf(At(absl::StrCat("/l/", i, "/a")), "v", id), PutOf(At(absl::StrCat("/l/", i, "/b")), "v", id)}));
  }
  const Revision before = sync_->Latest();
  for (int steps = 0; !sync_->List(At(""), Scope::kSubtree).empty(); ++steps) {
    ASSERT_LT(steps, 100);
    ASSERT_TRUE(clock_.AdvanceAndWaitUntilSeen(absl::Milliseconds(200)));
  }
  const HistoryPage page = sync_->History(before + 1, sync_->Latest(), {At(""), Scope::kSubtree}, 1 << 20);
  EXPECT_EQ(page.batches.size(), 50u) << "one revision a lease";
  for (const auto& batch : page.batches) EXPECT_EQ(batch->events.size(), 2u);
}

TEST_P(StoreConformance, LeasesAreListedPageByPage) {
  std::vector<LeaseId> granted;
  for (int i = 0; i < 7; ++i) granted.push_back(sync_->Grant(absl::Minutes(1)).lease.id);
  std::vector<LeaseId> listed;
  for (LeaseList page = sync_->ListLeases(0, 3);; page = sync_->ListLeases(page.leases.back().id, 3)) {
    ASSERT_TRUE(page.status.ok()) << page.status;
    ASSERT_LE(page.leases.size(), 3u);
    for (const LeaseInfo& lease : page.leases) listed.push_back(lease.id);
    if (!page.more) break;
    ASSERT_FALSE(page.leases.empty());
  }
  EXPECT_TRUE(std::is_sorted(listed.begin(), listed.end()));
  EXPECT_EQ(std::set<LeaseId>(listed.begin(), listed.end()).size(), listed.size());
  for (const LeaseId id : granted) EXPECT_EQ(std::count(listed.begin(), listed.end(), id), 1);
  for (const LeaseId id : granted) EXPECT_TRUE(sync_->Revoke(id).status.ok());
}

TEST_P(StoreConformance, ALeaseHoldsSoManyBytes) {
  if (store().traits().bytes_max < limits::kBytesPerLeaseMax) GTEST_SKIP() << "the backend's own bound is lower";
  const LeaseId id = sync_->Grant(absl::Minutes(10)).lease.id;
  const std::string large(limits::kValueBytesMax, 'x');
  const int fit = static_cast<int>(limits::kBytesPerLeaseMax / limits::kValueBytesMax) - 1;
  for (int i = 0; i < fit; ++i) ASSERT_TRUE(sync_->Put(At(absl::StrCat("/k/", i)), large, id).status.ok()) << i;
  const Revision before = sync_->Latest();
  const CommitResult over = sync_->Put(At("/over"), large, id);
  EXPECT_EQ(over.status.code(), absl::StatusCode::kFailedPrecondition) << over.status;
  EXPECT_EQ(ReasonOf(over.status), Reason::kLeaseKeysFull);
  EXPECT_EQ(sync_->Latest(), before);
  // Within one transaction as well.
  EXPECT_EQ(ReasonOf(sync_->Commit(TransactionOf({DeleteOf(At("/k/0")), PutOf(At("/x"), large, id), PutOf(At("/y"), large, id)})).status),
            Reason::kLeaseKeysFull);
  EXPECT_TRUE(sync_->Put(At("/k/1"), "small", id).status.ok());
  EXPECT_TRUE(sync_->Put(At("/over"), large, id).status.ok()) << "room was made";
  EXPECT_EQ(sync_->Revoke(id).results[0].deleted, fit + 1);
}

TEST_P(StoreConformance, ALeaseHoldsSoManyKeys) {
  if (store().traits().changes_max < limits::kKeysPerLeaseMax) GTEST_SKIP() << "the backend's own bound is lower";
  const LeaseId id = sync_->Grant(absl::Minutes(10)).lease.id;
  for (int made = 0; made < limits::kKeysPerLeaseMax;) {
    Transaction puts;
    for (int i = 0; i < 1000; ++i) puts.on_success.push_back(PutOf(At(absl::StrCat("/k/", made++)), "v", id));
    ASSERT_TRUE(sync_->Commit(puts).status.ok());
  }
  const CommitResult over = sync_->Put(At("/over"), "v", id);
  EXPECT_EQ(over.status.code(), absl::StatusCode::kFailedPrecondition) << over.status;
  EXPECT_EQ(ReasonOf(over.status), Reason::kLeaseKeysFull);
  EXPECT_TRUE(sync_->Put(At("/k/7"), "again", id).status.ok()) << "a key it has already";
  EXPECT_TRUE(sync_->Delete(At("/k/7")).status.ok());
  EXPECT_TRUE(sync_->Put(At("/over"), "v", id).status.ok());
  EXPECT_EQ(sync_->Revoke(id).results[0].deleted, limits::kKeysPerLeaseMax);
}

}  // namespace
}  // namespace scoutlight::storage
