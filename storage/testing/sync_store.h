#ifndef SCOUTLIGHT_STORAGE_TESTING_SYNC_STORE_H_
#define SCOUTLIGHT_STORAGE_TESTING_SYNC_STORE_H_

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "base/key.h"
#include "base/limits.h"
#include "storage/store.h"
#include "storage/transaction.h"

namespace scoutlight::storage {

// Short forms for tests. A path that is no key fails the test and gives the root.
Key K(absl::string_view path);
Value Text(absl::string_view text);
Value Data(absl::string_view bytes);
PutOperation PutOf(Key key, absl::string_view text, LeaseId lease_id = 0);
DeleteOperation DeleteOf(Key key, Scope scope = Scope::kKey);
ListOperation ListOf(Key key, Scope scope);
Condition ExistsIs(Key key, bool exists, Scope scope = Scope::kKey);
Condition NumberIs(Key key, Condition::Target target, Condition::Comparison comparison, int64_t number);
Condition ValueIs(Key key, Condition::Comparison comparison, Value value);
Transaction TransactionOf(std::vector<Operation> on_success);
// A query for all of a range, in one page as far as it fits.
Query QueryOf(Key key, Scope scope, Revision revision = 0);
std::vector<std::string> Paths(const std::vector<Entry>& entries);

// A Store whose calls wait for their answers (await.h). Thread-safe as the store is.
class SyncStore {
 public:
  explicit SyncStore(Store* store) : store_(*store) {}  // Outlives this.

  Store& store() const { return store_; }

  CommitResult Commit(Transaction transaction) const;
  Page Read(Query query) const;
  HistoryPage History(Revision from, Revision to, KeyRange range, size_t bytes_max) const;
  LeaseResult Grant(absl::Duration ttl, LeaseId id = 0, Origin origin = {}) const;
  CommitResult Revoke(LeaseId id, Origin origin = {}) const;
  std::vector<RenewResult> Renew(std::vector<LeaseId> ids) const;
  LeaseResult GetLease(LeaseId id) const;
  LeaseList ListLeases(LeaseId after = 0, int leases_max = limits::kPageEntriesMax) const;
  CompactResult Compact(Revision oldest) const;

  // Transactions of one operation, without conditions.
  CommitResult Put(Key key, absl::string_view text, LeaseId lease_id = 0) const;
  CommitResult Delete(Key key, Scope scope = Scope::kKey) const;
  // The entry at `key`; nullopt when there is none or the read failed, which fails the test.
  std::optional<Entry> Get(Key key, Revision revision = 0) const;
  // The entries of a range, over as many pages as it takes; a failed read fails the test.
  std::vector<Entry> List(Key key, Scope scope, Revision revision = 0) const;
  // The revision of the latest state.
  Revision Latest() const;

 private:
  Store& store_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_SYNC_STORE_H_
