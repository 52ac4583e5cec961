#ifndef SCOUTLIGHT_CLI_LOCK_LINE_H_
#define SCOUTLIGHT_CLI_LOCK_LINE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/mutex.h"
#include "cli/kept_lease.h"
#include "client/connection.h"
#include "client/registry.h"
#include "client/watch.h"

namespace scoutlight::cli {

// A place in the line for a lock. The lock is a folder; whoever wants it puts a key of his own there, named by his lease, which goes with
// the lease. The key that was created first holds the lock, so the line is served in order, and the revision at which a key was created is
// the fence: each holder's is higher than those of all before. Each in line watches the one key ahead alone. The recipe is ZooKeeper's
// ("ZooKeeper: Wait-free Coordination", 2.4, locks without herd effect).
//
// Used in one thread; `wake` is called on others.
class LockLine {
 public:
  struct Options {
    std::string folder;  // Such as /default/locks/nightly.
    std::string value;   // Of the own key: who this is.
    absl::Duration ttl;
    std::function<void()> wake;  // Something that is_news() has come.
  };
  LockLine(Connection connection, Options options);
  ~LockLine();

  // Takes a place at the end. After an error there is none; a key that may be there goes with its lease. Blocks.
  absl::Status Join();
  // Gives it up, and with it the lock. Blocks.
  absl::Status Leave();

  // Who is directly ahead, and watches that key from then on; nullopt: nobody, the lock is this one's, and its own key is watched.
  // kNotFound: the place is lost. Other errors: as those of Registry::Fetch and WatchReader. Blocks.
  absl::StatusOr<std::optional<Entry>> LookAhead();
  // The key that is watched is gone, or may be: LookAhead says what is. Until then it stays so.
  bool is_news() const;

  const KeptLease& lease() const { return *lease_; }
  const std::string& key() const { return key_; }
  Revision fence() const { return fence_; }

 private:
  // Follows `entry` from the state on that it was read from.
  void Follow(const Entry& entry, const StoreState& state);
  void OnEvent(const WatchEvent& event);
  void Tell(absl::Status watch_over = absl::OkStatus());

  const Connection connection_;
  const Registry registry_;
  const Options options_;
  std::unique_ptr<KeptLease> lease_;
  std::string key_;
  Revision fence_ = 0;
  mutable Mutex mu_;
  bool is_news_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status watch_over_ ABSL_GUARDED_BY(mu_);  // Why; OK: it is not.
  std::string followed_;                          // What watch_ is of; empty: nothing.
  std::unique_ptr<Watch> watch_;                  // The last: its callback uses the others.
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_LOCK_LINE_H_
