#include "storage/testing/sync_store.h"

#include <utility>

#include "base/limits.h"
#include "gtest/gtest.h"
#include "storage/testing/await.h"

namespace scoutlight::storage {

Key K(absl::string_view path) {
  absl::StatusOr<Key> key = Key::Parse(path);
  EXPECT_TRUE(key.ok()) << key.status();
  return key.ok() ? *std::move(key) : Key();
}

Value Text(absl::string_view text) { return {Value::Form::kText, std::string(text)}; }

Value Data(absl::string_view bytes) { return {Value::Form::kData, std::string(bytes)}; }

PutOperation PutOf(Key key, absl::string_view text, LeaseId lease_id) {
  PutOperation put;
  put.key = std::move(key);
  put.value = Text(text);
  put.lease_id = lease_id;
  return put;
}

DeleteOperation DeleteOf(Key key, Scope scope) {
  DeleteOperation operation;
  operation.range = {std::move(key), scope};
  return operation;
}

ListOperation ListOf(Key key, Scope scope) {
  ListOperation list;
  list.range = {std::move(key), scope};
  list.entries_max = limits::kPageEntriesMax;
  return list;
}

Condition ExistsIs(Key key, bool exists, Scope scope) {
  Condition condition;
  condition.key = std::move(key);
  condition.scope = scope;
  condition.exists = exists;
  return condition;
}

Condition NumberIs(Key key, Condition::Target target, Condition::Comparison comparison, int64_t number) {
  Condition condition;
  condition.key = std::move(key);
  condition.target = target;
  condition.comparison = comparison;
  condition.number = number;
  return condition;
}

Condition ValueIs(Key key, Condition::Comparison comparison, Value value) {
  Condition condition;
  condition.key = std::move(key);
  condition.target = Condition::Target::kValue;
  condition.comparison = comparison;
  condition.value = std::move(value);
  return condition;
}

Transaction TransactionOf(std::vector<Operation> on_success) {
  Transaction transaction;
  transaction.on_success = std::move(on_success);
  return transaction;
}

Query QueryOf(Key key, Scope scope, Revision revision) {
  Query query;
  query.range = {std::move(key), scope};
  query.revision = revision;
  query.entries_max = limits::kPageEntriesMax;
  query.bytes_max = limits::kAnswerBytesMax;
  return query;
}

std::vector<std::string> Paths(const std::vector<Entry>& entries) {
  std::vector<std::string> paths;
  for (const Entry& entry : entries) paths.push_back(entry.key.path());
  return paths;
}

CommitResult SyncStore::Commit(Transaction transaction) const {
  return Await<CommitResult>([&](Done<CommitResult> done) { store_.Commit(std::move(transaction), std::move(done)); });
}

Page SyncStore::Read(Query query) const {
  return Await<Page>([&](Done<Page> done) { store_.Read(std::move(query), std::move(done)); });
}

HistoryPage SyncStore::History(Revision from, Revision to, KeyRange range, size_t bytes_max) const {
  return Await<HistoryPage>([&](Done<HistoryPage> done) { store_.History(from, to, std::move(range), bytes_max, std::move(done)); });
}

LeaseResult SyncStore::Grant(absl::Duration ttl, LeaseId id, Origin origin) const {
  return Await<LeaseResult>(
      [&](Done<LeaseResult> done) { store_.GrantLease({.id = id, .ttl = ttl, .origin = std::move(origin)}, std::move(done)); });
}

CommitResult SyncStore::Revoke(LeaseId id, Origin origin) const {
  return Await<CommitResult>(
      [&](Done<CommitResult> done) { store_.RevokeLease({.id = id, .origin = std::move(origin)}, std::move(done)); });
}

std::vector<RenewResult> SyncStore::Renew(std::vector<LeaseId> ids) const {
  return Await<Renewals>([&](Done<Renewals> done) { store_.RenewLeases(std::move(ids), 0, std::move(done)); }).results;
}

LeaseResult SyncStore::GetLease(LeaseId id) const {
  return Await<LeaseResult>([&](Done<LeaseResult> done) { store_.GetLease(id, std::move(done)); });
}

LeaseList SyncStore::ListLeases(LeaseId after, int leases_max) const {
  return Await<LeaseList>([&](Done<LeaseList> done) { store_.ListLeases(after, leases_max, std::move(done)); });
}

CompactResult SyncStore::Compact(Revision oldest) const {
  return Await<CompactResult>([&](Done<CompactResult> done) { store_.Compact(oldest, std::move(done)); });
}

CommitResult SyncStore::Put(Key key, absl::string_view text, LeaseId lease_id) const {
  return Commit(TransactionOf({PutOf(std::move(key), text, lease_id)}));
}

CommitResult SyncStore::Delete(Key key, Scope scope) const { return Commit(TransactionOf({DeleteOf(std::move(key), scope)})); }

std::optional<Entry> SyncStore::Get(Key key, Revision revision) const {
  Page page = Read(QueryOf(std::move(key), Scope::kKey, revision));
  EXPECT_TRUE(page.status.ok()) << page.status;
  EXPECT_LE(page.entries.size(), 1u);
  if (page.entries.empty()) return std::nullopt;
  return std::move(page.entries.front());
}

std::vector<Entry> SyncStore::List(Key key, Scope scope, Revision revision) const {
  Query query = QueryOf(std::move(key), scope, revision);
  std::vector<Entry> all;
  for (;;) {
    Page page = Read(query);
    EXPECT_TRUE(page.status.ok()) << page.status;
    all.insert(all.end(), page.entries.begin(), page.entries.end());
    if (!page.status.ok() || !page.more || page.entries.empty()) return all;
    query.revision = page.revision;
    query.after = Position{all.back().key, all.back().create_revision};
  }
}

Revision SyncStore::Latest() const {
  const Page page = Read(QueryOf(K("/no-such-key"), Scope::kKey));
  EXPECT_TRUE(page.status.ok()) << page.status;
  return page.revision;
}

}  // namespace scoutlight::storage
