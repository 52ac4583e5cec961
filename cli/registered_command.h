#ifndef SCOUTLIGHT_CLI_REGISTERED_COMMAND_H_
#define SCOUTLIGHT_CLI_REGISTERED_COMMAND_H_

#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "cli/guarded_command.h"
#include "cli/network_places.h"
#include "cli/printer.h"
#include "client/connection.h"
#include "client/registration.h"
#include "client/session.h"
#include "client/session_options.h"

namespace scoutlight::cli {

struct RegisteredCommandOptions {
  Registration registration;
  IfOwned if_owned = IfOwned::kRefuse;
  absl::Duration ttl = SessionOptions().ttl;
  DrainOptions drain;
  struct Port {
    PortProbe probe;
    absl::Duration wait;
  };
  std::optional<Port> port;  // nullopt: registered without looking.
};

// A command that runs, and an instance that is registered as long as it does: from when its port accepts connections until it is to end or
// has ended. A server that is away is waited for, and the command runs on. What happens is told as notes: standard output is the command's.
// Used in one thread.
class RegisteredCommand {
 public:
  // `command` has been started; it and `printer` outlive this.
  RegisteredCommand(Connection connection, RegisteredCommandOptions options, GuardedCommand* command, Printer* printer);
  // Waits for what is under way: at most the times of a drain and some seconds.
  ~RegisteredCommand();

  // Until the command has ended and the instance is gone. PassedOn: the command's code. Else the command was ended, because:
  // kDeadlineExceeded, its port did not accept connections in time; kAborted, another session took the instance over; the error of the
  // registration that was refused for what it is. Blocks.
  absl::Status Run();

 private:
  void OnSignal(const GuardedCommand::Happening::Signal& signal);
  void OnEnded(const GuardedCommand::Happening::Ended& ended);
  void LookAtPort();
  void Register();
  void TakeReport();
  void OnFenced(const RegistrationReport& report);
  // Begins to deregister it, and to drain it before, on a thread of its own.
  void BeginLeaving(std::optional<DrainOptions> drain);
  void TakeLeft();
  // Ends the command, and this with `failed`.
  void Fail(absl::Status failed);
  void Note(absl::string_view message);
  absl::Duration NextLook() const;

  const Connection connection_;
  const RegisteredCommandOptions options_;
  GuardedCommand& command_;
  Printer& printer_;
  const absl::Duration started_at_;

  bool waits_for_port_;
  std::optional<absl::Duration> register_at_;  // By Clock::SinceBoot(); nullopt: it was asked for.
  std::optional<Session> session_;
  std::optional<discovery::InstanceName> name_;
  bool is_registered_ = false;   // By what was told last.
  bool was_registered_ = false;  // Ever.
  bool waiting_told_ = false;    // That it waits for the server, or for another owner.
  std::thread leaving_;
  bool is_leaving_ = false;
  bool has_left_ = false;
  std::optional<int> signal_behind_;  // To be passed on once it has left.
  std::optional<int> code_;           // Of the command.
  absl::Status failed_;

  Mutex mu_;
  std::optional<RegistrationReport> report_ ABSL_GUARDED_BY(mu_);         // Not taken yet.
  std::optional<absl::StatusOr<LeaveReport>> left_ ABSL_GUARDED_BY(mu_);  // Not taken yet.
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_REGISTERED_COMMAND_H_
