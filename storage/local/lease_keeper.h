#ifndef SCOUTLIGHT_STORAGE_LOCAL_LEASE_KEEPER_H_
#define SCOUTLIGHT_STORAGE_LOCAL_LEASE_KEEPER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/entry.h"
#include "base/mutex.h"
#include "storage/local/committer.h"
#include "storage/local/engine.h"
#include "storage/local/lease_table.h"
#include "storage/local/open_state.h"
#include "storage/local/shared_leases.h"
#include "storage/local/view.h"
#include "storage/store.h"

namespace scoutlight::storage {

// Lets the leases' time run, ends those that nobody renewed in time, at most limits::kLeasesExpiredPerSecondMax a second of it, and keeps
// on disk what the store's next life must know of this one (lease_life.h). What it writes goes through the committer. Thread-safe, with a
// thread of its own from Start() on.
class LeaseKeeper {
 public:
  // All outlive it. `tick`: so often it looks, at most LeaseClock::kStepMax; ten times as often while there is more to do.
  struct Parts {
    Clock* clock = nullptr;
    SharedLeases* leases = nullptr;
    const PublishedView* published = nullptr;
    Committer* committer = nullptr;
    absl::Duration tick;
    // Told when what is stored of a lease that ended is damaged, so that it cannot be removed. From any thread, with no lock held.
    std::function<void(const absl::Status&)> note_damage;
  };

  explicit LeaseKeeper(Parts parts) : parts_(std::move(parts)) {}
  ~LeaseKeeper() { Stop(); }

  // At opening, before anything else: takes over the leases of the life before, and puts into `writes` what changes with the new life,
  // its number included.
  void Load(const OpenState& state, const std::function<uint64_t()>& random, WriteSet* writes);
  // After a recovery within a life: the disk decides which leases there are; those known before keep their ends. `publish` makes what the
  // disk holds the published view, in the same moment.
  void Reload(const OpenState& state, absl::FunctionRef<void()> publish);

  // From here on time runs. Idempotent. From one thread, as Stop().
  void Start();
  // It stands still again, until Start(). Idempotent.
  void Pause();
  // The thread ends, for good. Idempotent.
  void Stop();

  // What to put on disk when the store is closed well: how long this life has served. nullopt: it does not matter.
  std::optional<absl::Duration> UptimeToKeep();

  // Each lease begins its ttl anew. A result is good once those in `unnoted`, if there are any, are on disk (QueuedLeaseNote). Those in
  // `ending` are not renewed, with kResourceExhausted: their end is being written, and what came of it is known behind a QueuedLeaseNote
  // that names them. Then they are gone, or there and to be renewed.
  struct Renewed {
    Revision revision = 0;  // The published one of that moment, as below.
    std::vector<RenewResult> results;
    std::vector<LeaseId> unnoted;
    std::vector<LeaseId> ending;
  };
  Renewed Renew(const std::vector<LeaseId>& ids);

  // Leases, their keys left out, and what is published, of one moment.
  struct Found {
    Revision revision = 0;
    std::shared_ptr<const View> view;  // Null while the engine is being reopened.
    std::vector<LeaseInfo> leases;
  };
  // That one, if it is there.
  Found Find(LeaseId id);
  Found List(LeaseId after, int leases_max);
  // Of all leases, taken or not.
  int64_t count() const;

 private:
  void Loop();
  // Does what is due; how long until the next look.
  absl::Duration Look();
  // What came of one end.
  void OnEnded(const absl::Status& status);
  Found FindAmong(const std::vector<Lease>& leases) ABSL_EXCLUSIVE_LOCKS_REQUIRED(parts_.leases->mu);
  LeaseTable::Due TakeDue(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(parts_.leases->mu);
  void NoteUptime(absl::Duration now);

  const Parts parts_;

  std::atomic<int> ending_{0};        // Leases whose end is queued. Orders nothing.
  std::atomic<bool> refused_{false};  // The last end was not carried out. Orders nothing.
  std::atomic<bool> noting_{false};   // An uptime is on its way to the disk. Orders nothing.

  // The thread's own.
  double allowance_ = 0;          // So many leases may end now.
  absl::Duration allowed_until_;  // The allowance counts the time up to here.
  absl::Duration noted_;          // The last uptime sent to the disk.

  Mutex mu_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_LEASE_KEEPER_H_
