#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_HISTORY_FILTER_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_HISTORY_FILTER_H_

#include <atomic>
#include <memory>

#include "base/entry.h"
#include "rocksdb/compaction_filter.h"

namespace scoutlight::storage {

// Up to where history is given up. Only grows. Thread-safe.
class HistoryFloor {
 public:
  Revision get() const { return floor_.load(std::memory_order_relaxed); }
  void Raise(Revision floor) {
    Revision now = get();
    while (now < floor && !floor_.compare_exchange_weak(now, floor, std::memory_order_relaxed)) {
    }
  }

 private:
  // Orders nothing: a filter that reads an older floor keeps more.
  std::atomic<Revision> floor_{0};
};

// Lets compactions of kPast leave out the records at or below `floor`, whatever snapshots see: a reader looks at the oldest readable
// revision again after reading.
std::shared_ptr<rocksdb::CompactionFilterFactory> NewHistoryFilterFactory(std::shared_ptr<const HistoryFloor> floor);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_HISTORY_FILTER_H_
