#ifndef SCOUTLIGHT_STORAGE_STORE_H_
#define SCOUTLIGHT_STORAGE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/key.h"
#include "storage/transaction.h"

namespace scoutlight::storage {

// Takes the outcome of an asynchronous call. It runs exactly once, under no lock, and never inside the call that took it: on the
// caller's thread when its DeferScope closes, or on a thread of the store. It must not block. When the store is destroyed, what is
// still outstanding ends before the destructor returns: with kUnavailable, or kUnknown for a change that may survive. By then no other
// thread has a DeferScope open in which it called the store.
template <typename T>
using Done = absl::AnyInvocable<void(T) &&>;

// What a backend can do.
struct Traits {
  int operations_max = 0;  // In one branch of a transaction.
  int changes_max = 0;     // Keys that one transaction changes.
  size_t bytes_max = 0;    // New and previous entries of one transaction.
  // Of one transaction as a backend elsewhere is sent it: its operations and what they depend on. 0: bounded by bytes_max alone.
  size_t request_bytes_max = 0;
  absl::Duration ttl_min;  // Of a lease.
  absl::Duration ttl_max;
  bool leases_restart = false;        // A lease may get its full ttl anew when the backend fails over: it lives longer, never shorter.
  bool contiguous_revisions = false;  // Every revision is one of our transactions.
  bool compacted_by_others = false;   // States may go though nobody has called Compact.
  enum class ChildrenCost { kPerChild, kPerDescendant } children_cost = ChildrenCost::kPerChild;
};

enum class Order { kKey, kCreation };

// Where a page of a list begins: behind this entry.
struct Position {
  Key key;
  Revision create_revision = 0;  // With Order::kCreation.
};

struct Query {
  KeyRange range;
  Revision revision = 0;      // The state to read; 0: the latest.
  Revision min_revision = 0;  // With `revision` 0: the answer may come from a local state at or after this one instead of the latest.
  bool keys_only = false;     // Entries come without their values.
  bool show_system = false;   // Whether a range above /.scoutlight includes it.
  Order order = Order::kKey;
  int entries_max = 1;   // At least 1.
  size_t bytes_max = 0;  // The page ends before it counts more than this, but has at least one entry.
  std::optional<Position> after;
  bool expect_more_pages = false;  // The state stays at hand for the next page, if the backend can.
};

struct Page {
  absl::Status status;
  Revision revision = 0;         // Of the state shown, or that the error speaks of. Always set.
  Revision oldest_revision = 0;  // The oldest state that can be read, as far as the store knows; exact with kOutOfRange.
  std::vector<Entry> entries;
  bool more = false;  // It was cut; the next page begins after the last entry.
};

// Batches in order, each with the events that lie in the range asked for (batches without one are left out).
struct HistoryPage {
  absl::Status status;
  Revision oldest_revision = 0;
  std::vector<std::shared_ptr<const Batch>> batches;
  Revision next = 0;  // The first revision not looked at: `to` + 1 when all were.
};

// Takes the changes of the store, in order. Called from one thread at a time; must not block, nor call the store back inside.
class Sink {
 public:
  virtual ~Sink() = default;

  // Each batch once, in order, without a gap, and before the done of the Commit that made it runs on this server; where a backend cannot
  // wait for that, it calls OnStale before the done.
  virtual void OnBatch(std::shared_ptr<const Batch> batch) = 0;
  // Nothing happened up to `revision` that OnBatch has not shown.
  virtual void OnProgress(Revision revision) = 0;
  // What came after the last revision shown is compacted away: read the state at `oldest` or later, and expect batches after `oldest`.
  virtual void OnGap(Revision oldest) = 0;
  // The store cannot tell for now whether what it has shown is the latest state; then that it can again. OnFresh comes too when a follower
  // has caught up with history, without an OnStale before.
  virtual void OnStale() = 0;
  virtual void OnFresh() = 0;
};

struct GrantRequest {
  LeaseId id = 0;  // 0: the store draws one, from the origin's caller and request id if it has them.
  absl::Duration ttl;
  Origin origin;  // With a request id, a repetition is answered with the same lease as long as that lives.
};

struct RevokeRequest {
  LeaseId id = 0;
  Origin origin;
};

struct LeaseInfo {
  LeaseId id = 0;
  absl::Duration ttl;
  absl::Duration remaining;
  std::vector<Key> keys;  // Only if asked for; in key order.
};

struct LeaseResult {
  absl::Status status;
  Revision revision = 0;
  LeaseInfo lease;
  bool replayed = false;  // Of a grant: the request was carried out before.
};

struct RenewResult {
  LeaseId id = 0;
  absl::Status status;  // kNotFound: there is no such lease (any more). Another error: the renewal may or may not outlive a crash.
  absl::Duration ttl;
};

struct Renewals {
  Revision revision = 0;             // Of the state looked at.
  std::vector<RenewResult> results;  // One for each id, in order.
};

struct LeaseList {
  absl::Status status;
  Revision revision = 0;
  std::vector<LeaseInfo> leases;  // In order of id, without keys.
  bool more = false;              // There may be others behind the last.
};

struct CompactResult {
  absl::Status status;
  Revision revision = 0;
  Revision oldest_revision = 0;
};

struct StoreHealth {
  enum class State { kServing, kReadOnly, kUnavailable };

  State state = State::kServing;
  std::string problem;  // For people; empty when all is well.
};

// Of a backend outside this process.
struct BackendFacts {
  std::vector<std::string> members;  // As they were given. Empty: the backend is within this process, and the rest says nothing.
  std::string member;                // In use.
};

// A revisioned hierarchical store: the seam under which backends differ and over which nothing knows which one it is. Thread-safe.
// Nothing in it blocks.
//
// Error codes, all with details (base/error.h):
//   kInvalidArgument     the request breaks a rule or a limit of its own
//   kOutOfRange          the revision is compacted away or in the future
//   kResourceExhausted   shared capacity: queue full, disk full
//   kUnavailable         closing, read-only after a disk fault, backend not reached
//   kDataLoss            damaged data was met
// After every error nothing has changed, except kUnknown (Reason::kOutcomeUnknown): the change may or may not survive.
class Store {
 public:
  virtual ~Store() = default;

  virtual const Traits& traits() const = 0;
  virtual StoreId store_id() const = 0;

  // From now on clients can reach the store, so the time of leases runs; until then none ends. Nothing happens while it runs. A backend
  // whose leases are another server's (etcd) does not wait for it.
  virtual void BeginServing() = 0;
  // From now on clients are refused, so the time of leases stands still, until the next BeginServing(). Not while that is called.
  virtual void EndServing() = 0;

  // Evaluates and carries out `transaction` (checked by CheckTransaction before). Linearizable; when OK, it survives a power cut.
  // kAlreadyExists, kFailedPrecondition: a put's or delete's own precondition failed, or its lease is not there; with Reason.
  virtual void Commit(Transaction transaction, Done<CommitResult> done) = 0;

  // Reads one state. kOutOfRange: see above; a missing key is an empty page. A state that is kept for the pages of a list can be read
  // after it is compacted, until its time is over.
  virtual void Read(Query query, Done<Page> done) = 0;

  // The batches with revisions in [from, to] in order, filtered by `range`, until they count more than `bytes_max`; at least one.
  virtual void History(Revision from, Revision to, KeyRange range, size_t bytes_max, Done<HistoryPage> done) = 0;

  // Shows `sink` every batch after revision `after`, from history first. There is one sink: a later call takes the place of the one
  // before, whose sink may still be called until the new one is. The store holds `sink` as long as it may call it.
  virtual void Follow(Revision after, std::shared_ptr<Sink> sink) = 0;

  // Sees to it that the sink is shown, by OnProgress at least, all up to `revision`, which exists: for who waits for it and nobody writes.
  // Only where revisions may be of others has it anything to do.
  virtual void ShowUpTo(Revision /*revision*/) {}

  // Leases. A key put with a lease goes when the lease ends, all keys of a lease at one revision.
  // Grant: kInvalidArgument: ttl outside traits; another request had this request id. kAlreadyExists: the id is in use.
  // kResourceExhausted: too many leases.
  virtual void GrantLease(GrantRequest request, Done<LeaseResult> done) = 0;
  // kNotFound: there is no such lease. The result's `results[0].deleted` counts its keys.
  virtual void RevokeLease(RevokeRequest request, Done<CommitResult> done) = 0;
  // Each lease then ends a full ttl from now, also when the server is restarted meanwhile. `connection` as Origin::connection.
  virtual void RenewLeases(std::vector<LeaseId> ids, uint64_t connection, Done<Renewals> done) = 0;
  // kNotFound: there is no such lease.
  virtual void GetLease(LeaseId id, Done<LeaseResult> done) = 0;
  // At most `leases_max` (at least 1) with an id greater than `after`.
  virtual void ListLeases(LeaseId after, int leases_max, Done<LeaseList> done) = 0;
  // How many leases there are, as far as this process knows without asking anybody: of a local store all of them, those counted whose end
  // is being written, also while its state cannot be read. nullopt: not known, as over etcd, which does not count them.
  virtual std::optional<int64_t> lease_count() const { return std::nullopt; }

  // Gives up the states before `oldest`; `oldest` itself stays readable. Idempotent: a revision at or before the oldest changes
  // nothing. kOutOfRange: in the future.
  virtual void Compact(Revision oldest, Done<CompactResult> done) = 0;

  virtual StoreHealth health() const = 0;
  virtual BackendFacts backend() const { return {}; }
  // For how long the sink of Follow may have lacked something that others see; zero: it has what there is, as always of a store within
  // this process. Cheap: asked for each answer from the catalog.
  virtual absl::Duration behind() const { return absl::ZeroDuration(); }
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_STORE_H_
