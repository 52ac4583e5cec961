#ifndef SCOUTLIGHT_CLI_LOCKED_COMMAND_H_
#define SCOUTLIGHT_CLI_LOCKED_COMMAND_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "cli/guarded_command.h"
#include "cli/lock_line.h"
#include "cli/printer.h"
#include "client/connection.h"

namespace scoutlight::cli {

struct LockedCommandOptions {
  std::string folder;  // Of the lock.
  std::string value;   // Who this is.
  absl::Duration ttl;
  absl::Duration wait;   // For the lock; infinite: without end.
  absl::Duration grace;  // As of the GuardedCommand.
};

// A command that runs while this process holds a lock, and never longer than that is certain. With a lease of `ttl`, and T the time at
// which the last renewal that was answered had been asked for, it gets SIGTERM at T + 9/10 ttl - grace and is ended by force at T + 9/10
// ttl, by the machine's clock that goes on while it sleeps: the lease lives until T + ttl at least, since the server counts it from later,
// and not at all while it is down. The tenth is for clocks that run differently and for the kernel to end what it is told to.
//
// The guardian keeps those times, so they hold when scoutctl stands still. What no process on this machine can do is end something while
// all of it is stopped, nor take back what is on its way elsewhere: for that the command has the fence. Used in one thread.
class LockedCommand {
 public:
  // `command` is prepared, and not started; it and `printer` outlive this.
  LockedCommand(const Connection& connection, LockedCommandOptions options, GuardedCommand* command, Printer* printer);

  // Waits for the lock, runs the command with SCOUTLIGHT_LOCK_KEY, SCOUTLIGHT_LOCK_FENCE and SCOUTLIGHT_LOCK_LEASE in its environment,
  // gives the lock back. PassedOn: the command's code, or that of a signal that came before it was run. kDeadlineExceeded: no lock within
  // `wait`. WithExitCode kLockLost: the command was ended, because the lock was not certain any more. Blocks.
  absl::Status Run();

 private:
  // OK: the lock is held. Else the end, as of Run.
  absl::Status Acquire();
  // OK: there is a place in line.
  absl::Status Join();
  // One look, and a wait for what changes. nullopt: look again.
  std::optional<absl::Status> AwaitTurn();
  // nullopt: it is over, or something came.
  std::optional<absl::Status> Pause(absl::Duration pause);
  absl::Status Hold();
  // When the command is told to end, and when it is ended by force.
  absl::Duration TermAt() const { return KillAt() - options_.grace; }
  absl::Duration KillAt() const;
  // Whether the lock is still held, as far as is known.
  absl::Status LookAtLock();
  void Note(absl::string_view message);

  const LockedCommandOptions options_;
  GuardedCommand& command_;
  Printer& printer_;
  LockLine line_;
  const absl::Duration give_up_at_;
  std::string ahead_told_;
  bool is_reached_ = false;  // The server has answered once.
  bool waiting_told_ = false;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_LOCKED_COMMAND_H_
