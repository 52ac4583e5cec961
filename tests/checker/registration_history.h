#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_HISTORY_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_HISTORY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "discovery/instance.h"
#include "discovery/names.h"
#include "tests/checker/history.h"

// What clients of discovery did and were shown, as registration_check.h judges it. Plain values, free of gRPC. A test against a real server
// does not fill them in itself: registration_recorder.h makes them of the messages that it sends and receives.
//
// Requirements: services have the default schema, at all times. Instances are written through RegistrationService alone; they may be
// deleted by hand (CallKind::kHandDelete). The log of each store is there, from its first revision on. Times are of one steady clock
// (MonotonicNow() in recorder.h).
namespace scoutlight::checker {

// An instance as an answer or a frame shows it.
struct ShownInstance {
  std::string id;
  std::string properties;  // PropertiesText().
  discovery::Status status = discovery::Status::kUp;
  bool held = false;  // It has a `held_until`.
  bool overridden = false;
  bool resolvable = true;
  LeaseId lease_id = 0;
  Revision epoch = 0;
  Revision mod_revision = 0;

  friend bool operator==(const ShownInstance&, const ShownInstance&) = default;
};
// In one line, by name.
std::string PropertiesText(const discovery::Properties& properties);

enum class CallKind : uint8_t { kRegister, kUpdate, kDeregister, kDrain, kPutOverride, kDeleteOverride, kConfirmLoss, kHandDelete };

// One call that changes something. kHandDelete: a delete or a revocation, by RegistryService or LeaseService, that takes the instance.
struct RegistrationCall {
  CallKind kind = CallKind::kRegister;
  int client = 0;
  Nanos called = 0;
  Nanos returned = 0;  // With kUnknown: when the client gave it up; it may have effect later.
  Outcome outcome = Outcome::kUnknown;
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string reason;  // Of the ErrorInfo.

  discovery::InstanceName name;
  std::string session;  // Of kRegister.
  bool take_over = false;
  absl::Duration ttl;  // Of kRegister; zero: permanent, or on a lease of the client's.
  Revision epoch = 0;  // Named by the caller; 0: none.

  // With kOk, and of a failure that speaks of a state the first two.
  StoreId store;
  Revision revision = 0;
  ShownInstance instance;  // Of kRegister and kUpdate.
  bool found = false;      // Of kDeregister.
  bool unchanged = false;  // Of kRegister.
  bool replayed = false;
  bool complete = false;  // Of kDrain.
};

// One stream of a session, from its call to its end.
struct SessionStream {
  enum class State : uint8_t { kRegistered = 1, kRefused, kFenced, kLost, kRemoved };  // As InstanceState.State.

  struct Declaration {
    Nanos sent = 0;
    std::vector<discovery::InstanceName> set;
    std::vector<discovery::InstanceName> remove;
    bool replace = false;
    bool take_over = false;
  };
  struct Beat {
    Nanos sent = 0;
    Nanos answered = kNever;  // kNever: it was not.
    LeaseId lease_id = 0;
  };
  struct Told {
    Nanos received = 0;
    discovery::InstanceName name;
    State state = State::kRegistered;
    Revision epoch = 0;
    Revision revision = 0;
  };

  std::string session;
  absl::Duration ttl;
  Nanos called = 0;       // When Open was sent.
  Nanos opened = kNever;  // When it was answered; kNever: it was not, and the fields up to `resumed` say nothing.
  StoreId store;
  LeaseId lease_id = 0;
  bool resumed = false;
  std::vector<Declaration> declarations;
  std::vector<Beat> beats;  // In the order sent; answers come in that order.
  std::vector<Told> told;
  Nanos left = kNever;   // When Leave was sent.
  Nanos ended = kNever;  // When the client ended it, or met its end.
};

// GetInstance, one ListInstances, Resolve.
struct DiscoveryRead {
  enum class Kind : uint8_t { kGet, kList, kResolve };

  Kind kind = Kind::kGet;
  int client = 0;
  Nanos called = 0;
  Nanos returned = 0;
  Outcome outcome = Outcome::kUnknown;  // Of kGet, NOT_FOUND is kOk with nothing shown.
  discovery::ServiceName service;
  std::string id;      // Of kGet.
  bool whole = false;  // Of kList: no filter and no further page, so that who is not shown is not there.
  StoreId store;
  Revision revision = 0;
  std::vector<ShownInstance> shown;
  bool guarded = false;
};

// A message of a Watch or Subscribe stream.
struct InstanceFrame {
  enum class Kind : uint8_t { kStarted, kSnapshot, kSnapshotEnd, kChanges, kProgress };  // kStarted: a subscriber's first message.

  Kind kind = Kind::kStarted;
  Nanos received = 0;
  discovery::ServiceName service;  // Empty in kStarted and in a subscriber's kProgress, which speaks of all.
  std::vector<ShownInstance> changed;
  std::vector<std::string> removed;
  Revision revision = 0;
  StoreId store;
  bool fragment = false;
};

// One stream of a watcher (without a filter) or a subscriber, from its call to its end.
struct ObserverStream {
  struct Sent {
    Nanos sent = 0;
    std::vector<discovery::ServiceName> remove;
    std::vector<discovery::ServiceName> add;
    int64_t confirmed = 0;  // Frames.
  };

  std::string observer;  // The subscriber_id; of a watcher what the test calls it, the same for streams of which one goes on for another.
  bool subscriber = false;
  Nanos called = 0;
  std::vector<Sent> sent;  // A watcher's: one, with what it watches.
  std::vector<InstanceFrame> frames;
  Nanos goodbye = kNever;
  Nanos ended = kNever;  // When the client ended it, or met its end.
};

// A time in which the server was stopped (SIGSTOP) by the test.
struct ServerPause {
  Nanos stopped = 0;  // It ran until here at least: when the signal was sent.
  Nanos halted = 0;   // From here on it surely did not run.
  Nanos resumed = 0;  // Until here it surely did not run: when SIGCONT was sent.
  Nanos running = 0;  // From here on it surely did.
};

// A server process, from its start to its end.
struct ServerLife {
  Nanos spawned = 0;
  Nanos serving = 0;
  Nanos stopping = kNever;  // When it was sent the signal to end, or killed; kNever: it serves at the history's end.
  Nanos ended = kNever;
  std::vector<ServerPause> pauses;
};

// What a store committed, from revision 2 on. `received` may be any later time.
struct StoreLog {
  StoreId store;
  std::vector<LoggedBatch> log;
};

struct RegistrationHistory {
  std::vector<ServerLife> lives;  // In order of time, at least one.
  std::vector<StoreLog> stores;   // In order of time: more than one where the data was wiped.
  std::vector<RegistrationCall> calls;
  std::vector<SessionStream> sessions;
  std::vector<DiscoveryRead> reads;
  std::vector<ObserverStream> observers;  // Those of one observer in order of time.
  bool overflowed = false;                // The recorder was full: nothing can be told.
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_HISTORY_H_
