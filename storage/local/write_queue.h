#ifndef SCOUTLIGHT_STORAGE_LOCAL_WRITE_QUEUE_H_
#define SCOUTLIGHT_STORAGE_LOCAL_WRITE_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/store.h"
#include "storage/transaction.h"

namespace scoutlight::storage {

// What waits for its turn to be written.
struct QueuedTransaction {
  Transaction transaction;
  Done<CommitResult> done;
  CommitResult result;
};
struct QueuedGrant {
  GrantRequest request;
  Done<LeaseResult> done;
  LeaseResult result;
};
// Ends a lease with its keys: by request, or because it ended.
struct QueuedLeaseEnd {
  RevokeRequest request;
  EventCause cause = EventCause::kLeaseRevoked;
  Done<CommitResult> done;
  CommitResult result;
};
// What the next life of the store must know of this one's leases: that these were renewed in it (those that are there then), and for how
// long it has been serving.
struct QueuedLeaseNote {
  std::vector<LeaseId> renewed;
  Done<CommitResult> done;
  CommitResult result;
};
// Something for which nothing else may be written meanwhile; it runs alone, with leadership.
struct QueuedTask {
  absl::AnyInvocable<void(absl::Status) &&> run;  // OK, or why it must not do its work.
};

struct QueuedWrite {
  std::variant<QueuedTransaction, QueuedGrant, QueuedLeaseEnd, QueuedLeaseNote, QueuedTask> work;
  uint64_t connection = 0;
  size_t bytes = 0;
};

// The writes that wait, in order, bounded in all and for each connection. Connection 0 is the server itself: without a share, and accepted
// beyond the bound, because its work is bounded where it arises. Not thread-safe.
class WriteQueue {
 public:
  // kResourceExhausted (Reason::kOverloaded): full; `write` is left untouched.
  absl::Status Push(QueuedWrite& write);

  // The next batch: a task alone, else at most limits::kBatchTransactionsMax writes of limits::kBatchBytesMax bytes in all, at least one.
  std::vector<QueuedWrite> TakeBatch();
  // What was taken but not carried out, to the front again, whatever the bounds say.
  void PutBack(std::vector<QueuedWrite> writes);
  // Everything.
  std::deque<QueuedWrite> TakeAll();

  bool empty() const { return queue_.empty(); }

 private:
  struct Share {
    int writes = 0;
    size_t bytes = 0;
  };

  void Count(const QueuedWrite& write);
  void Release(const QueuedWrite& write);

  std::deque<QueuedWrite> queue_;
  size_t bytes_ = 0;
  absl::flat_hash_map<uint64_t, Share> shares_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_WRITE_QUEUE_H_
