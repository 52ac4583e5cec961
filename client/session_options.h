#ifndef SCOUTLIGHT_CLIENT_SESSION_OPTIONS_H_
#define SCOUTLIGHT_CLIENT_SESSION_OPTIONS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/registration.h"

namespace scoutlight {

// What the destructor does with instances that were not left.
enum class OnDestroy {
  kDeregister,  // Deregisters them, if the server answers in time; else they go with the lease. A program that ends is gone at once.
  kAbandon,     // Leaves them until the lease ends, for a successor that opens the same session.
};

struct SessionOptions {
  // Names the session, over restarts too if it is always the same; whoever knows it can take it over. At most limits::kSessionIdBytesMax
  // bytes; empty: one is drawn.
  std::string session_id;
  // How long instances outlive this process when it dies or is cut off: limits::kLeaseTtlMin to limits::kLeaseTtlMax.
  absl::Duration ttl = absl::Seconds(10);
  // Told whenever something about an instance changes, of each instance the newest. See Connection for the thread.
  std::function<void(const RegistrationReport&)> on_change;
  OnDestroy on_destroy = OnDestroy::kDeregister;
};

// kInvalidArgument: every violated field of `options`.
absl::Status CheckOptions(const SessionOptions& options);

struct LeaveOptions {
  // nullopt: deregistered at once, whoever may still send work.
  std::optional<DrainOptions> drain = DrainOptions();
  // How long the server has, after that, to deregister all: 0 s to limits::kDrainTimeoutMax.
  absl::Duration deregister_timeout = absl::Seconds(5);
};

absl::Status CheckOptions(const LeaveOptions& options);

struct LeaveReport {
  struct Drained {
    discovery::InstanceName name;
    absl::Status status;  // Why it could not be drained.
    DrainReport drain;    // If it was.
  };

  std::vector<Drained> drained;  // Each instance that was registered, or may have been.
  int fenced = 0;                // Instances that another session owned when all was deregistered, and were left alone.
  // OK: nothing of the session is registered any more. Else why that is not known; what is left goes with its lease.
  absl::Status status;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_SESSION_OPTIONS_H_
