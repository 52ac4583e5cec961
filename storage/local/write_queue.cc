#include "storage/local/write_queue.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {

absl::Status WriteQueue::Push(QueuedWrite& write) {
  if (write.connection != 0) {
    if (queue_.size() >= static_cast<size_t>(limits::kQueuedTransactionsMax)) {
      return Overloaded(absl::StrCat("the write queue is full: ", limits::kQueuedTransactionsMax, " transactions wait"));
    }
    if (bytes_ + write.bytes > limits::kQueuedBytesMax) {
      return Overloaded(absl::StrCat("the write queue is full: ", bytes_, " of ", limits::kQueuedBytesMax, " bytes wait"));
    }
    const auto share = shares_.find(write.connection);
    if (share != shares_.end()) {
      if (share->second.writes >= limits::kQueuedTransactionsPerConnectionMax) {
        return Overloaded(absl::StrCat("this connection's share of the write queue is full: ", share->second.writes, " transactions wait"));
      }
      if (share->second.bytes + write.bytes > limits::kQueuedBytesPerConnectionMax) {
        return Overloaded(absl::StrCat("this connection's share of the write queue is full: ", share->second.bytes, " of ",
                                       limits::kQueuedBytesPerConnectionMax, " bytes wait"));
      }
    }
  }
  Count(write);
  queue_.push_back(std::move(write));
  return absl::OkStatus();
}

std::vector<QueuedWrite> WriteQueue::TakeBatch() {
  std::vector<QueuedWrite> batch;
  size_t bytes = 0;
  while (!queue_.empty() && batch.size() < static_cast<size_t>(limits::kBatchTransactionsMax)) {
    QueuedWrite& next = queue_.front();
    const bool is_task = std::holds_alternative<QueuedTask>(next.work);
    if (!batch.empty() && (is_task || bytes + next.bytes > limits::kBatchBytesMax)) break;
    bytes += next.bytes;
    Release(next);
    batch.push_back(std::move(next));
    queue_.pop_front();
    if (is_task) break;
  }
  return batch;
}

std::deque<QueuedWrite> WriteQueue::TakeAll() {
  bytes_ = 0;
  shares_.clear();
  return std::exchange(queue_, {});
}

void WriteQueue::PutBack(std::vector<QueuedWrite> writes) {
  for (auto write = writes.rbegin(); write != writes.rend(); ++write) {
    Count(*write);
    queue_.push_front(std::move(*write));
  }
}

void WriteQueue::Count(const QueuedWrite& write) {
  bytes_ += write.bytes;
  if (write.connection == 0) return;
  Share& share = shares_[write.connection];
  ++share.writes;
  share.bytes += write.bytes;
}

void WriteQueue::Release(const QueuedWrite& write) {
  bytes_ -= write.bytes;
  const auto share = shares_.find(write.connection);
  if (share == shares_.end()) return;
  share->second.bytes -= write.bytes;
  if (--share->second.writes == 0) shares_.erase(share);
}

}  // namespace scoutlight::storage
