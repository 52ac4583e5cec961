#ifndef SCOUTLIGHT_STORAGE_LOCAL_BATCH_WRITER_H_
#define SCOUTLIGHT_STORAGE_LOCAL_BATCH_WRITER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/limits.h"
#include "storage/local/engine.h"
#include "storage/local/evaluator.h"
#include "storage/local/latest_records.h"
#include "storage/local/overlay.h"
#include "storage/local/request_index.h"
#include "storage/local/shared_leases.h"
#include "storage/local/view.h"
#include "storage/local/write_queue.h"

namespace scoutlight::storage {

// Makes one batch: evaluates writes one after the other, each on what those before it left, and gathers what is to be written and what is
// to be done once it is. Nothing outside changes but that leases which end are taken. Used by the leader; not thread-safe.
class BatchWriter {
 public:
  struct Parts {
    Engine* engine = nullptr;
    LatestRecords* known = nullptr;
    SharedLeases* leases = nullptr;
    const RequestIndex* requests = nullptr;
    const std::function<uint64_t()>* random = nullptr;
    absl::Time committed;              // Of every transaction in the batch.
    absl::Duration lease_now;          // lease_clock.h
    std::optional<Engine::Room> room;  // For the batch; nullopt: unbounded.
  };

  BatchWriter(Parts parts, const View& view);

  // Evaluates `write` and sets its result. Not for tasks.
  void Add(QueuedWrite& write);

  // OK when there is nothing to write.
  absl::Status Write();

  // Whether it holds as much as one batch should: what is added goes on changing, but the rest had better wait for the next.
  bool full() const { return writes_->bytes() >= limits::kBatchBytesMax; }

  size_t bytes() const { return writes_->bytes(); }
  Revision revision() const { return revision_; }
  bool changed() const { return !batches_.empty(); }

  // Once written:
  const std::vector<std::shared_ptr<const Batch>>& batches() const { return batches_; }
  std::vector<std::shared_ptr<const Batch>> TakeBatches() { return std::move(batches_); }
  // Makes what was changed known.
  void KeepRecords() &&;
  // Puts granted leases into the table, takes ended ones out, and counts what hangs on them. `publish` makes the batches known, and is
  // called once, with the leases locked if any are changed: whoever finds a lease gone finds its keys gone, whoever finds those gone finds
  // no lease to renew, and whoever reads a lease's key finds the lease.
  void ApplyLeases(absl::FunctionRef<void()> publish);
  // Shows every request that is to be remembered.
  void ForEachRequest(const std::function<void(const Origin& origin, RequestIndex::Request request)>& show) const;

 private:
  struct Remembered {
    // Both live in the leader's batch.
    const Origin* origin = nullptr;
    const CommitResult* result = nullptr;  // Null: of a grant, which is found again by its lease.
    RequestIndex::Request request;
  };

  void AddTransaction(QueuedTransaction& write);
  void AddGrant(QueuedGrant& write);
  // True when `id` is in use; then the result is set.
  bool AnswerInUse(LeaseId id, uint64_t tag, QueuedGrant& write);
  void AddLeaseEnd(QueuedLeaseEnd& write);
  void AddLeaseNote(QueuedLeaseNote& write);
  // The earlier request with the same id; nullptr or nullopt: none. Error: it was another one.
  struct Earlier {
    const Remembered* in_batch = nullptr;
    RequestIndex::Request request;
  };
  absl::StatusOr<std::optional<Earlier>> FindEarlier(const Origin& origin) const;
  void Remember(const Origin& origin, const CommitResult* result, bool changed);
  // True when the request was carried out before, or its id belongs to another one; then the result is set. `again` gives the first answer
  // from history.
  bool Replay(const Origin& origin, CommitResult* result, const std::function<CommitResult(const RequestIndex::Request&)>& again);
  CommitResult ReplayOn(const Transaction& transaction, const RequestIndex::Request& request);
  // The first answer to the revocation that is `request`.
  CommitResult ReplayRevoke(const RequestIndex::Request& request);
  // Whether the room for deletes takes the history of all that hangs on the lease.
  bool HasRoomToEnd(LeaseId id) const;
  void Untake(LeaseId id);
  absl::Status MayUseLease(LeaseId id, LeaseLoad more) const;
  // The keys that hang on a lease now, those of this batch included.
  absl::StatusOr<std::vector<Key>> KeysOfLease(LeaseId id) const;
  // Writes the changes of one transaction.
  void Stage(std::vector<Change> changes, const Origin& origin);
  void StageLeaseKeys(const Change& change);

  const Parts parts_;
  const View& view_;
  const KnownState latest_;
  Overlay overlay_;
  const std::unique_ptr<WriteSet> writes_;
  Rules rules_;
  Revision revision_;
  std::vector<std::shared_ptr<const Batch>> batches_;
  std::vector<Remembered> remembered_;
  absl::flat_hash_map<std::string, size_t> remembered_by_name_;
  absl::flat_hash_map<LeaseId, Lease> granted_;
  std::vector<LeaseId> ended_;
  std::vector<LeaseId> noted_;
  bool notes_uptime_ = false;
  uint64_t life_ = 0;
  absl::flat_hash_map<LeaseId, LeaseLoad> load_delta_;
  absl::flat_hash_map<LeaseId, std::vector<Key>> put_on_lease_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_BATCH_WRITER_H_
