#ifndef SCOUTLIGHT_CLIENT_REGISTRY_H_
#define SCOUTLIGHT_CLIENT_REGISTRY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/key.h"
#include "client/connection.h"
#include "client/connection_options.h"
#include "client/store_state.h"
#include "client/transaction.h"

namespace scoutlight {

struct GetOptions {
  Revision revision = 0;  // The state to read; 0: the latest.
  Timeout timeout = std::nullopt;
};
struct GetResult {
  Entry entry;
  StoreState state;
};

struct PutOptions {
  LeaseId lease_id = 0;                                          // The entry goes when it ends; 0: it stays.
  bool if_absent = false;                                        // Only if the key is not there, else kAlreadyExists.
  std::optional<Revision> expected_mod_revision = std::nullopt;  // Only if this is the key's, else kFailedPrecondition; 0: not there.
  bool return_previous = false;
  Timeout timeout = std::nullopt;
};
struct PutResult {
  StoreState state;               // That the put made.
  Revision create_revision = 0;   // Of the entry now.
  int64_t version = 0;            // Of the entry now; 1: the put made it.
  std::optional<Entry> previous;  // If asked for; nullopt: nothing was there.
  bool replayed = false;          // A repetition found that an earlier try had done it.
};

struct PutAllOptions {
  LeaseId lease_id = 0;
  bool if_absent = false;  // If one of the keys is there, nothing is put: kAlreadyExists.
  Timeout timeout = std::nullopt;
};

enum class ListOrder {
  kKey,       // Depth first, siblings by the bytes of their names.
  kCreation,  // The oldest first, after branches without a value; at most 10,000 entries.
};
struct ListOptions {
  Scope scope = Scope::kChildren;  // kSubtree: the key itself too.
  ListOrder order = ListOrder::kKey;
  Revision revision = 0;           // The state to read; 0: the latest.
  int entries_max = 100'000;       // More: kInvalidArgument, Reason::kListTooLarge. Not looked at by ForEach.
  Timeout timeout = std::nullopt;  // Of each page.
};
struct ListResult {
  std::vector<Entry> entries;
  StoreState state;
};

struct DeleteOptions {
  Scope scope = Scope::kKey;                                     // kChildren: the entries at the children, not what is below them.
  std::optional<Revision> expected_mod_revision = std::nullopt;  // With kKey only, as PutOptions.
  bool return_previous = false;
  bool validate_only = false;  // Says what it would do, and does nothing.
  Timeout timeout = std::nullopt;
};
struct DeleteResult {
  int64_t deleted = 0;
  std::vector<Entry> previous;  // If asked for, in key order.
  StoreState state;
  bool replayed = false;
};

struct TransactResult {
  bool succeeded = false;                // Whether the conditions held.
  std::vector<OperationResult> results;  // One for each operation carried out, in order.
  StoreState state;
  bool replayed = false;
};

struct Lease {
  LeaseId id = 0;
  absl::Duration ttl;
  absl::Duration remaining;  // How long it lives without a renewal, at least.
};
struct GrantResult {
  Lease lease;
  StoreState state;
  bool replayed = false;
};
struct RevokeResult {
  int64_t deleted = 0;  // Entries that went with it.
  StoreState state;
  bool replayed = false;
};
struct RenewResult {
  absl::Duration ttl;  // From now.
  StoreState state;
};
struct GetLeaseResult {
  Lease lease;
  std::vector<std::string> keys;  // If asked for: in key order, as many as fit into 3.5 MiB.
  int64_t key_count = 0;          // If asked for: how many entries go with it.
  StoreState state;
};
struct ListLeasesResult {
  std::vector<Lease> leases;
  StoreState state;
};

// The hierarchy of keys and values, and its leases: /cluster/services/Printer/42/hostname and whatever else a program keeps there. Keys are
// absolute paths (base/key.h); the tree /.scoutlight is refused to writes.
//
// Calls block the caller's thread, at most for their timeout. Reads see every write that was answered before. A call that is cut off, or
// finds the server stopping or overloaded, is made again as long as its timeout lasts: writes too, as each carries an id by which the
// server knows a repetition (not after 10 minutes, nor for a revocation that removed nothing before a restart: then kNotFound). A write
// that ends with kUnavailable, kDeadlineExceeded or kUnknown may have been carried out or not.
//
// Errors carry the details of base/error.h: ReasonOf(), and the violated fields of kInvalidArgument. All calls: kUnavailable,
// kDeadlineExceeded, kResourceExhausted, kPermissionDenied; the others stand with the calls.
//
// Copies are the same. Thread-safe; may be called from callbacks of this library, which then wait.
class Registry {
 public:
  explicit Registry(Connection connection);

  // kNotFound: nothing is stored at `key`. kOutOfRange: options.revision is compacted away, or in the future.
  absl::StatusOr<GetResult> Get(absl::string_view key, GetOptions options = {}) const;

  // Stores a value over what is there. kAlreadyExists, kFailedPrecondition: see PutOptions. kFailedPrecondition with
  // Reason::kLeaseNotFound.
  absl::StatusOr<PutResult> Put(absl::string_view key, absl::string_view text) const;
  absl::StatusOr<PutResult> Put(absl::string_view key, Value value, PutOptions options = {}) const;
  // kAlreadyExists: the key is there, and stays as it is.
  absl::StatusOr<PutResult> PutIfAbsent(absl::string_view key, Value value, PutOptions options = {}) const;
  // All at one revision, or none; at most 1,024, each key once.
  absl::StatusOr<StoreState> PutAll(const std::vector<std::pair<std::string, Value>>& entries, PutAllOptions options = {}) const;

  // The entries around `parent` without their values, or with them. All pages show one state, also of a list that is cut off and goes on.
  // A parent that does not exist: an empty list.
  absl::StatusOr<ListResult> List(absl::string_view parent, ListOptions options = {}) const;
  absl::StatusOr<ListResult> Fetch(absl::string_view parent, ListOptions options = {}) const;
  // The same with values for lists of any length, page by page: `visit` gets each entry, and returns whether it wants more. After an error
  // it has seen the first ones. Returns the state shown.
  absl::StatusOr<StoreState> ForEach(absl::string_view parent, absl::FunctionRef<bool(Entry)> visit, ListOptions options = {}) const;

  // Removes what a range holds, at one revision; nothing there: 0. kFailedPrecondition: see DeleteOptions.
  absl::StatusOr<DeleteResult> Delete(absl::string_view key, DeleteOptions options = {}) const;

  // kAlreadyExists, kFailedPrecondition: an operation's own condition failed, and nothing was changed. Violated fields are named by path
  // ("on_success[2].put.key").
  absl::StatusOr<TransactResult> Transact(const Transaction& transaction, Timeout timeout = std::nullopt) const;

  // A lease with a ttl of 1 s to 24 h; `lease_id` 0: the server draws one. kAlreadyExists: the id is in use.
  absl::StatusOr<GrantResult> GrantLease(absl::Duration ttl, LeaseId lease_id = 0, Timeout timeout = std::nullopt) const;
  // Ends it; its entries go at one revision. kNotFound.
  absl::StatusOr<RevokeResult> RevokeLease(LeaseId lease_id, Timeout timeout = std::nullopt) const;
  // Once; see LeaseKeeper (client/lease_keeper.h). kNotFound.
  absl::StatusOr<RenewResult> RenewLease(LeaseId lease_id, Timeout timeout = std::nullopt) const;
  enum class LeaseKeys { kShown, kLeftOut };
  absl::StatusOr<GetLeaseResult> GetLease(LeaseId lease_id, LeaseKeys keys = LeaseKeys::kLeftOut, Timeout timeout = std::nullopt) const;
  // By id, all pages; what begins and ends between them may be shown or missed, and `state` is the last one's. More than `leases_max`:
  // kInvalidArgument, Reason::kListTooLarge. `timeout` is of each page.
  absl::StatusOr<ListLeasesResult> ListLeases(int leases_max = 100'000, Timeout timeout = std::nullopt) const;

 private:
  enum class Values { kShown, kLeftOut };

  absl::StatusOr<StoreState> ReadPages(absl::string_view parent, Values values, const ListOptions& options,
                                       absl::FunctionRef<absl::StatusOr<bool>(Entry)> visit) const;
  absl::StatusOr<ListResult> ReadList(absl::string_view parent, Values values, const ListOptions& options) const;

  std::shared_ptr<client::Wire> wire_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_REGISTRY_H_
