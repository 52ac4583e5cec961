#ifndef SCOUTLIGHT_CLIENT_REGISTRATION_H_
#define SCOUTLIGHT_CLIENT_REGISTRATION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/limits.h"
#include "discovery/instance.h"
#include "discovery/names.h"

namespace scoutlight {

// What is to be registered.
struct Registration {
  std::string cluster = "default";
  std::string service;
  std::string id;                    // Empty: one is drawn.
  discovery::Properties properties;  // All of them: those of an earlier registration that are not named go.
};

// What becomes of an instance that another session, or another owner, has.
enum class IfOwned {
  kRefuse,    // It stays the other's.
  kTakeOver,  // It is taken from the other, once, now.
};

// How it stands with an instance that a Session wants registered.
enum class RegistrationState {
  kPending,     // Asked for, and not answered yet.
  kRegistered,  // It is registered, with `epoch`.
  kRefused,     // It cannot be registered as it is, for the reason in `status`; tried again by itself. An earlier registration stays.
  kFenced,      // Another session owns it: it is not wanted any more, until Register is called for it again.
  kLost,        // It was gone without the session's doing, or may be, as no server confirms it; it comes back by itself.
  kRemoved,     // It is deregistered, as was asked for.
};

// "PENDING", "REGISTERED", ...
absl::string_view RegistrationStateText(RegistrationState state);

struct RegistrationReport {
  discovery::InstanceName name;
  RegistrationState state = RegistrationState::kPending;
  Revision epoch = 0;   // Of the registration, as far as one is known; 0: none is.
  absl::Status status;  // Why it is not registered, as far as that is known. The fields of violations begin at the Registration.

  friend bool operator==(const RegistrationReport&, const RegistrationReport&) = default;
};

// How long a drain waits. All from 0 s to limits::kDrainTimeoutMax.
struct DrainOptions {
  absl::Duration timeout = limits::kDrainTimeoutDefault;  // For every subscriber to confirm that it sends no more work.
  absl::Duration linger;  // So much longer if somebody may still send work who confirms nothing: a watch, or a caller of Resolve.
};

// Who may still send an instance work after its drain.
struct DrainReport {
  struct Laggard {
    std::string subscriber_id;
    std::string peer;   // The address of its connection, as the server sees it.
    bool gone = false;  // Its stream has ended, and it has neither come back nor said goodbye.

    friend bool operator==(const Laggard&, const Laggard&) = default;
  };

  bool complete = false;          // Everybody who must confirm has.
  std::vector<Laggard> laggards;  // Who has not, at most limits::kLaggardsMax of them.
  int laggards_omitted = 0;
  int unconfirmable_watches = 0;  // Watches that were last shown it at work: they confirm nothing.
  int recent_resolvers = 0;       // Callers that asked Resolve for the service within the last 60 s.
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_REGISTRATION_H_
