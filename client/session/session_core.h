#ifndef SCOUTLIGHT_CLIENT_SESSION_SESSION_CORE_H_
#define SCOUTLIGHT_CLIENT_SESSION_SESSION_CORE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "client/events/callback_gate.h"
#include "client/registration.h"
#include "client/session/change_queue.h"
#include "client/session/session_logic.h"
#include "client/session_options.h"
#include "client/wire/wire.h"

namespace scoutlight::client {

// Instances that a session knows of: those that are wanted, and those that are still to go, fenced, or to be told to the program.
inline constexpr size_t kKnownMax = 2 * limits::kSessionInstancesMax;
// Registrations and removals that the loop has not taken in yet.
inline constexpr int kAskedMax = 4 * limits::kSessionInstancesMax;
// How long the destructor waits for the server to deregister all.
inline constexpr absl::Duration kGoodbyeMax = absl::Milliseconds(500);

// What a Session is: checks what the program asks, hands it to the logic on the connection's loop, and keeps a copy of how it stands. See
// Session for the contract of each call. Thread-safe; Close() is the last call.
class SessionCore {
 public:
  // `options` are valid.
  SessionCore(std::shared_ptr<Wire> wire, SessionOptions options);
  ~SessionCore();

  absl::StatusOr<std::vector<discovery::InstanceName>> Register(std::vector<Registration> registrations, IfOwned if_owned);
  absl::Status Unregister(const discovery::InstanceName& name);
  absl::Status SetSoftValues(const discovery::InstanceName& name, discovery::SoftValues soft);
  std::optional<RegistrationReport> StateOf(const discovery::InstanceName& name) const;
  absl::Status WaitUntilRegistered(absl::Duration timeout) const;
  absl::StatusOr<LeaveReport> Leave(const LeaveOptions& options);
  void Close();
  const std::string& session_id() const { return session_id_; }

 private:
  // What the program knows of an instance.
  struct Known {
    RegistrationReport report;
    bool wanted = true;
    int asked = 0;     // Registrations that the logic has not taken in yet: no report answers them.
    size_t bytes = 0;  // Of its properties.
  };

  absl::Status CheckRoomFor(const std::vector<SessionLogic::Wanted>& wanted) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnReport(const RegistrationReport& report);
  void OnTaken(const std::vector<discovery::InstanceName>& names);
  void HandOverSoftValues(const discovery::InstanceName& name);
  // The outcome, as far as it is known: nullopt, one may still be registered.
  std::optional<absl::Status> Outcome() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<RegistrationReport> Registered() const;
  // Drains what is registered, then what of `unsure` turns out to be.
  std::vector<LeaveReport::Drained> Drain(std::vector<discovery::InstanceName> unsure, const DrainOptions& options);
  // Until it is known how it stands with all of them, or `end`.
  void AwaitAnswers(const std::vector<discovery::InstanceName>& names, absl::Duration end) const;
  // Deregisters all. The error if that was not answered until `timeout` was over.
  absl::StatusOr<int> Deregister(absl::Duration timeout);

  const std::shared_ptr<Wire> wire_;
  const std::string session_id_;
  const std::string own_id_;  // Of instances whose id is not given.
  const OnDestroy on_destroy_;
  const std::shared_ptr<ChangeQueue> changes_;  // Null: nobody is told.
  CallbackGate gate_;
  std::unique_ptr<SessionLogic> logic_;  // On the loop alone.
  mutable Mutex mu_;
  mutable CondVar changed_;
  absl::btree_map<discovery::InstanceName, Known> known_ ABSL_GUARDED_BY(mu_);
  int asked_ ABSL_GUARDED_BY(mu_) = 0;
  absl::btree_map<discovery::InstanceName, discovery::SoftValues> soft_ ABSL_GUARDED_BY(mu_);  // On their way to the loop, the newest.
  bool leaving_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_SESSION_SESSION_CORE_H_
