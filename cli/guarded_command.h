#ifndef SCOUTLIGHT_CLI_GUARDED_COMMAND_H_
#define SCOUTLIGHT_CLI_GUARDED_COMMAND_H_

#include <signal.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace scoutlight::cli {

// A command that scoutctl runs for as long as something holds, with a Guardian between them: when scoutctl dies or stands still the
// command ends all the same. Input, output and terminal are the command's too. SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 come
// to Wait() from Prepare() on, as long as this lives. Used in one thread, but for Wake().
class GuardedCommand {
 public:
  struct Options {
    std::vector<std::string> arguments;  // The program, looked for in PATH, and what it gets; not empty.
    absl::Duration grace;                // How long after SIGTERM it is ended by force, with all that descends from it.
  };
  // Makes the guardian, which waits. To be called before the process has started any thread.
  static absl::StatusOr<std::unique_ptr<GuardedCommand>> Prepare(Options options);
  // Ends the command if it runs, and waits for that.
  ~GuardedCommand();
  GuardedCommand(const GuardedCommand&) = delete;
  GuardedCommand& operator=(const GuardedCommand&) = delete;

  // Once, with `variables` (NAME=VALUE, together at most 12 KiB) added to the environment. WithExitCode 127: there is no such program;
  // 126: it cannot be run.
  absl::Status Start(const std::vector<std::string>& variables);

  // These reach the guardian at once; after the command's end they do nothing.
  void Signal(int number);
  // It gets SIGTERM at `term_at` and is ended by force at `kill_at`, both of Clock::SinceBoot(), if no later times are said before.
  void SetDeadlines(absl::Duration term_at, absl::Duration kill_at);
  // It gets SIGTERM now, and is ended by force after the grace, or at `kill_at` if that is earlier.
  void End();

  struct Happening {
    struct Signal {
      int number = 0;
      bool is_from_terminal = false;  // The command got it from there too.
    };
    struct Ended {
      int code = 0;              // As a shell tells it: 128 and more for a signal.
      bool was_overdue = false;  // A deadline ended it.
    };
    std::optional<Signal> signal;
    std::optional<Ended> ended;  // Once.
  };
  // What happens next: nothing after `timeout`, or when it is woken. Blocks.
  Happening Wait(absl::Duration timeout);
  // Wait returns, this one or the next. Thread-safe.
  void Wake();

 private:
  GuardedCommand(std::string program, sigset_t signals, sigset_t signals_before, int guardian_socket, pid_t guardian);
  std::optional<Happening::Ended> TakeReport();

  const std::string program_;
  const sigset_t signals_before_;
  const int signals_fd_;
  const int woken_fd_;
  int socket_;  // -1: the guardian is gone.
  const pid_t guardian_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_GUARDED_COMMAND_H_
