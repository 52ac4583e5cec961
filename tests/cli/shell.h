#ifndef SCOUTLIGHT_TESTS_CLI_SHELL_H_
#define SCOUTLIGHT_TESTS_CLI_SHELL_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/server_process.h"
#include "tests/support/temp_dir.h"

namespace scoutlight::testing {

// The same every time: what differs from run to run is STORE (ids of stores), LEASE (ids of leases), TIME, SUBSCRIBER, ADDRESS.
std::string Masked(std::string text);

enum class Stored { kInMemory, kOnDisk };

// A test with a server over an empty store, and a shell in which `scoutctl` is the program, set to that server, $FILES a folder, and
// $SCOUTLIGHTD the server's program.
class ShellTest : public ::testing::Test {
 protected:
  explicit ShellTest(std::vector<std::string> server_flags = {}, Stored stored = Stored::kInMemory);

  // What a line of shell shows: its standard output, the lines of its standard error each behind "! ", "[exit N]" if that is not 0.
  std::string Shown(const std::string& line);
  // The line shows that; a line feed at the beginning of `shown` does not count.
  void Shows(const std::string& line, const std::string& shown);

  // A line that goes on, behind what the shell does `before`. It is the shell's `exec`: signals reach the program.
  std::unique_ptr<Process> Start(const std::string& line, const std::string& before = ":");
  // Waits until it has written this to standard output, masked.
  void WaitForOutput(Process* process, const std::string& text);
  // Ends it as Ctrl-C does: everything that it has written, as Shown.
  std::string Interrupt(Process* process);

  ServerProcess& server() { return *server_; }
  // Starts one at the same address, where it was ended: over the same store if that is on disk, else over an empty one.
  void StartServerAgain();
  // Ends it without a chance to clean up, and does that.
  void ReplaceServer();

  // How a line is run.
  std::vector<std::string> Command(const std::string& line) const;
  std::map<std::string, std::string> Environment() const;

 private:
  std::unique_ptr<ServerProcess> StartOne(const std::string& listen);

  const std::vector<std::string> server_flags_;
  const Stored stored_;
  TempDir files_;
  TempDir data_;
  std::unique_ptr<ServerProcess> server_;
  std::string address_;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_CLI_SHELL_H_
