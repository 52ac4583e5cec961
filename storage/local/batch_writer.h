#ifndef SCOUTLIGHT_STORAGE_LOCAL_BATCH_WRITER_H_
#define SCOUTLIGHT_STORAGE_LOCAL_BATCH_WRITER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/limits.h"
#include "storage/local/engine.h"
#include "storage/local/evaluator.h"
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
    SharedLeases* leases = nullptr;
    const RequestIndex* requests = nullptr;
    const std::function<uint64_t()>* random = nullptr;
    absl::Time committed;  // Of every transaction in the batch.
    absl::Duration since_boot;
  };

  BatchWriter(Parts parts, const View& view);

  // Evaluates `write` and sets its result. Not for tasks.
  void Add(QueuedWrite& write);

  // OK when there is nothing to write.
  absl::Status Write();

  // Whether it holds as much as one batch should: what is added goes on changing, but the rest had better wait for the next.
  bool full() const { return writes_->bytes() >= limits::kBatchBytesMax; }

  Revision revision() const { return revision_; }
  bool changed() const { return !batches_.empty(); }

  // Once written:
  std::vector<std::shared_ptr<const Batch>> TakeBatches() { return std::move(batches_); }
  // Puts granted leases into the table, takes ended ones out, and counts their keys.
  void ApplyLeases();
  // Shows every request that is to be remembered.
  void ForEachRequest(const std::function<void(const Origin& origin, RequestIndex::Request request)>& show) const;

 private:
  struct Remembered {
    const QueuedTransaction* write = nullptr;  // Lives in the leader's batch.
    RequestIndex::Request request;
  };

  void AddTransaction(QueuedTransaction& write);
  void AddGrant(QueuedGrant& write);
  void AddLeaseEnd(QueuedLeaseEnd& write);
  // True when the request was carried out before; then the result is set.
  bool Replay(QueuedTransaction& write);
  CommitResult ReplayOn(const Transaction& transaction, const RequestIndex::Request& request);
  void Untake(LeaseId id);
  absl::Status MayUseLease(LeaseId id, int extra) const;
  // The keys that hang on a lease now, those of this batch included.
  absl::StatusOr<std::vector<Key>> KeysOfLease(LeaseId id) const;
  // Writes the changes of one transaction.
  void Stage(std::vector<Change> changes, const Origin& origin);
  void StageLeaseKeys(const Change& change);

  const Parts parts_;
  const View& view_;
  const LatestState latest_;
  Overlay overlay_;
  const std::unique_ptr<WriteSet> writes_;
  Rules rules_;
  const std::optional<Engine::Room> room_;  // Before the batch.
  Revision revision_;
  std::vector<std::shared_ptr<const Batch>> batches_;
  std::vector<Remembered> remembered_;
  absl::flat_hash_map<std::string, size_t> remembered_by_name_;
  absl::flat_hash_map<LeaseId, absl::Duration> granted_;
  std::vector<LeaseId> ended_;
  absl::flat_hash_map<LeaseId, int> lease_key_delta_;
  absl::flat_hash_map<LeaseId, std::vector<Key>> put_on_lease_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_BATCH_WRITER_H_
