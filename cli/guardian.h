#ifndef SCOUTLIGHT_CLI_GUARDIAN_H_
#define SCOUTLIGHT_CLI_GUARDIAN_H_

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/guardian_packets.h"

namespace scoutlight::cli {

struct GuardianOptions {
  int orders = -1;                     // A socket of packets (guardian_packets.h).
  std::vector<std::string> arguments;  // Of the command; not empty.
  absl::Duration grace;                // Between SIGTERM and SIGKILL.
  sigset_t signals_before;             // What the command has blocked.
};

// The process between scoutctl and the command that it runs, which does nothing but end the command when it is time: it is told by
// packets, and goes on when scoutctl stands still or dies. All that descends from the command descends from this process, so that all of
// it can be ended by force; when this process dies, the kernel kills the command.
class Guardian {
 public:
  explicit Guardian(GuardianOptions options);

  // Lives as long as the command, or until scoutctl is gone before it was started.
  [[noreturn]] void Run();

 private:
  void TakeOrder();
  void Start(const char* variables, size_t bytes);
  [[noreturn]] void Become(pid_t guardian, const char* variables, size_t bytes, int failed_fd) const;
  void TakeTimer();
  void End();
  void Terminate();
  void SetTimer();
  // Takes the ends of children. If the command is among them, this process has done its work.
  void TakeEnds();
  // Ends all that descends from this process by force, and then this one.
  [[noreturn]] void KillAll();
  [[noreturn]] void Finish();

  const GuardianOptions options_;
  int children_fd_;  // Of SIGCHLD.
  int timer_fd_;
  pid_t command_ = -1;
  int command_status_ = 0;
  bool command_ended_ = false;
  bool terminated_ = false;
  bool was_overdue_ = false;
  bool is_alone_ = false;  // scoutctl is gone.
  int64_t term_at_ns_ = INT64_MAX;
  int64_t kill_at_ns_ = INT64_MAX;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_GUARDIAN_H_
