#ifndef SCOUTLIGHT_TESTS_E2E_SERVED_TEST_H_
#define SCOUTLIGHT_TESTS_E2E_SERVED_TEST_H_

#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/client.h"
#include "tests/support/server_process.h"
#include "tests/support/temp_dir.h"

namespace scoutlight::testing {

// Whether a server's resident memory says what it holds: sanitizers keep freed memory and tables of their own.
#ifdef SCOUTLIGHT_SANITIZED
inline constexpr bool kJudgeMemory = false;
#else
inline constexpr bool kJudgeMemory = true;
#endif

// A test with a server on an empty data directory and a client of it. The server must end well at the test's end.
class ServedTest : public ::testing::Test {
 protected:
  explicit ServedTest(std::vector<std::string> flags = {}) : flags_(std::move(flags)) { Start(); }

  // The server again after it has ended, on the same data directory, with a new connection.
  void Start() {
    client_.reset();
    server_ = StartServer({.data_dir = data_dir(), .flags = flags_});
    client_ = std::make_unique<Client>(server_->address());
  }

  void KillAndRestart() {
    server_->Kill();
    Start();
  }

  // Ends the server as an operator would, with nobody connected: a client that is idle does not see that it should go, and is waited for.
  void Stop() {
    client_.reset();
    server_->Signal(SIGTERM);
    EXPECT_EQ(server_->WaitForExit(), Exit{.code = 0}) << server_->errors();
  }

  void TearDown() override { Stop(); }

  std::string data_dir() const { return dir_.File("data"); }
  ServerProcess& server() { return *server_; }
  Client& client() { return *client_; }

 private:
  const std::vector<std::string> flags_;
  TempDir dir_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Client> client_;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_E2E_SERVED_TEST_H_
