#ifndef SCOUTLIGHT_STORAGE_LOCAL_LOCAL_UPKEEP_H_
#define SCOUTLIGHT_STORAGE_LOCAL_LOCAL_UPKEEP_H_

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "base/mutex.h"
#include "storage/local/committer.h"
#include "storage/local/engine.h"
#include "storage/local/entry_cache.h"
#include "storage/local/lease_keeper.h"
#include "storage/local/local_store.h"
#include "storage/local/pinned_views.h"
#include "storage/local/view.h"

namespace scoutlight::storage {

// What a local store does by itself, on two threads. One syncs the high-water mark, moves the compaction mark by age and size, and brings
// the store back after a disk fault: each maintenance_interval. The other does what takes long: it drops compacted history, and scrubs.
// Thread-safe, but Start() and Stop() come from one thread.
class LocalUpkeep {
 public:
  // All outlive it.
  struct Parts {
    const LocalStoreOptions* options = nullptr;
    Engine* engine = nullptr;
    PublishedView* published = nullptr;
    EntryCache* kept = nullptr;
    PinnedViews* pinned = nullptr;
    Committer* committer = nullptr;
    LeaseKeeper* keeper = nullptr;
  };

  explicit LocalUpkeep(Parts parts) : parts_(parts) {}
  ~LocalUpkeep() { Stop(); }

  // Once, when there is a view.
  void Start();
  // Waits for what is being done, which ends soon. Idempotent.
  void Stop();

  // At the very end, when nothing is written any more: keeps what the next life must know of this one.
  void KeepUptime();

  // Remembers that stored data is damaged, which only a restore mends. The first time it is told to the operator.
  void NoteDamage(const absl::Status& status);
  // For people; empty: none is known of.
  std::string damage() const;

 private:
  void MaintenanceLoop();
  void MaintainOnce();
  void CompactByAgeAndSize();
  void Recover();
  // Waits until nobody reads through `snapshot` any more, at most kReadersLeaveWait.
  bool WaitUntilUnused(const std::weak_ptr<const Snapshot>& snapshot);
  absl::Status PublishAndShowRecovered(Revision published);
  void BackgroundLoop();
  void Warn(absl::string_view line) const;

  const Parts parts_;

  // The maintenance thread's own.
  int round_ = 0;
  Revision last_published_ = 0;  // While the engine is closed.
  Revision last_oldest_ = 0;

  mutable Mutex mu_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::string damage_ ABSL_GUARDED_BY(mu_);
  std::thread maintenance_;
  std::thread background_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_LOCAL_UPKEEP_H_
