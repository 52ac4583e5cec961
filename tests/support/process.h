#ifndef SCOUTLIGHT_TESTS_SUPPORT_PROCESS_H_
#define SCOUTLIGHT_TESTS_SUPPORT_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "tests/support/deadline.h"

namespace scoutlight::testing {

// How a process ended.
struct Exit {
  int code = -1;   // -1: a signal ended it.
  int signal = 0;  // 0: it exited.

  friend bool operator==(const Exit&, const Exit&) = default;
};
std::ostream& operator<<(std::ostream& out, const Exit& exit);

// A small file system of the child's own, which nobody else sees but through /proc/PID/root.
struct PrivateMount {
  std::string path;          // An existing folder; what is in it is hidden.
  std::string size = "16m";  // As tmpfs takes it.
  bool read_only = false;
};

struct ProcessOptions {
  std::vector<std::string> command;                // Program and arguments.
  std::map<std::string, std::string> environment;  // Added to ours, of which names with SCOUTLIGHT_ are left out.
  std::optional<PrivateMount> mount;
};

// A child process whose output is kept. It does not outlive this, nor the thread that started it: start it on the test's main thread.
// Thread-safe but for starting and destroying.
class Process {
 public:
  // Fails the test when the child cannot be made. A program that cannot be run exits with 127.
  explicit Process(ProcessOptions options);
  // Kills it.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }

  // No effect when it has ended.
  void Signal(int number);

  // Stops it, until SIGCONT, and waits until the kernel has stopped every thread; whether it did, or the process has ended.
  bool Stop();

  // Waits for its end; nullopt: it still runs after `bound`.
  std::optional<Exit> WaitForExit(absl::Duration bound = kSoon);

  // What it wrote so far. After WaitForExit: everything.
  std::string output();
  std::string errors();

  // Waits until `found(errors())` holds; whether it did before the child closed its end and within `bound`.
  bool WaitForErrors(const std::function<bool(const std::string&)>& found, absl::Duration bound = kSoon);

 private:
  void Collect(int output_fd, int errors_fd);

  pid_t pid_ = -1;
  int pidfd_ = -1;
  Mutex mu_;
  CondVar changed_;
  std::string output_ ABSL_GUARDED_BY(mu_);
  std::string errors_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;  // Both streams have ended.
  std::optional<Exit> exit_ ABSL_GUARDED_BY(mu_);
  std::thread collector_;
};

// Runs a command to its end and gives its standard output; fails the test when it does not exit with 0 within kSoon.
std::string RunToEnd(const std::vector<std::string>& command);

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_SUPPORT_PROCESS_H_
