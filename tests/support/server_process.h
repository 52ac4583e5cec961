#ifndef SCOUTLIGHT_TESTS_SUPPORT_SERVER_PROCESS_H_
#define SCOUTLIGHT_TESTS_SUPPORT_SERVER_PROCESS_H_

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/support/process.h"

namespace scoutlight::testing {

struct ServerFlags {
  std::string data_dir;                // Empty: --data-dir is not given.
  std::vector<std::string> flags;      // Beside --data-dir.
  std::string listen = "127.0.0.1:0";  // Empty: --listen is not given.
  std::map<std::string, std::string> environment;
  std::optional<PrivateMount> mount;
};

// The program scoutlightd in a process of its own: as Process, with what a server has beside. With SCOUTLIGHT_TEST_STORE=etcd in the
// environment of the test its store is an etcd, which goes with the test.
class ServerProcess : public Process {
 public:
  // Starts it, and does not wait.
  explicit ServerProcess(ServerFlags flags);

  // Waits until it listens; whether it does. Fails the test and shows what the server wrote when it does not.
  bool WaitUntilListening(absl::Duration bound = kSoon);

  // HOST:PORT of its line "listening on"; empty as long as there is none.
  std::string address();

  // Its memory by /proc/PID/status, in bytes; 0 when it has ended.
  size_t resident_bytes() const;

  // Ends it without a chance to clean up, and waits for that.
  void Kill();
};

// A server that listens, or a failed test.
std::unique_ptr<ServerProcess> StartServer(ServerFlags flags);

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_SUPPORT_SERVER_PROCESS_H_
