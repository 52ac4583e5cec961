#ifndef SCOUTLIGHT_CLI_UNTIL_STOPPED_H_
#define SCOUTLIGHT_CLI_UNTIL_STOPPED_H_

#include <signal.h>

#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace scoutlight::cli {

// The signals to stop, which are SIGINT, SIGTERM, SIGHUP and SIGQUIT without those that the process ignores, are kept from this thread, and
// from those that it starts, until Release or the end of this: then they end the process again.
class StopSignalsBlocked {
 public:
  StopSignalsBlocked();
  ~StopSignalsBlocked();
  StopSignalsBlocked(const StopSignalsBlocked&) = delete;
  StopSignalsBlocked& operator=(const StopSignalsBlocked&) = delete;

  const sigset_t& signals() const { return signals_; }
  void Release();

 private:
  sigset_t signals_;
  sigset_t before_;
};

// What a verb that goes on until it is told to stop waits for: a signal to stop, an end told by another thread, or that whoever reads
// standard output has gone. All other threads have the signals blocked. Made and destroyed in one thread, waited for in one.
class UntilStopped {
 public:
  enum class WhenUnread {
    kStops,
    kGoesOn,  // Though nobody reads standard output any more.
  };
  // kResourceExhausted: the process has as many descriptors as it may.
  static absl::StatusOr<std::unique_ptr<UntilStopped>> Create(WhenUnread when_unread = WhenUnread::kStops);
  ~UntilStopped();
  UntilStopped(const UntilStopped&) = delete;
  UntilStopped& operator=(const UntilStopped&) = delete;

  // The wait is over, with `status`; the first counts. Thread-safe.
  void End(absl::Status status);

  // OK: a signal came, or nobody reads any more. nullopt: nothing within `timeout`. Blocks.
  std::optional<absl::Status> Wait(absl::Duration timeout);

  // Which one came, for the thread that has waited; 0: none.
  int signal() const { return signal_; }

  // From now on the signals end the process, as after the destructor.
  void Release() { blocked_.Release(); }

 private:
  explicit UntilStopped(WhenUnread when_unread);

  StopSignalsBlocked blocked_;
  const WhenUnread when_unread_;
  const int signals_fd_;
  const int ended_fd_;
  int signal_ = 0;
  Mutex mu_;
  std::optional<absl::Status> ended_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_UNTIL_STOPPED_H_
