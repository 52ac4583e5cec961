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

// A test with a server over an empty store in memory, and a shell in which `scoutctl` is the program, set to that server.
class ShellTest : public ::testing::Test {
 protected:
  explicit ShellTest(std::vector<std::string> server_flags = {});

  // What a line of shell shows: its standard output, the lines of its standard error each behind "! ", "[exit N]" if that is not 0.
  std::string Shown(const std::string& line);
  // The line shows that; a line feed at the beginning of `shown` does not count.
  void Shows(const std::string& line, const std::string& shown);

  // A line that goes on. It is the shell's `exec`: signals reach the program.
  std::unique_ptr<Process> Start(const std::string& line);
  // Waits until it has written this to standard output, masked.
  void WaitForOutput(Process* process, const std::string& text);
  // Ends it as Ctrl-C does: everything that it has written, as Shown.
  std::string Interrupt(Process* process);

  ServerProcess& server() { return *server_; }
  // Ends it and starts another at the same address, whose store is empty.
  void ReplaceServer();

  // How a line is run.
  std::vector<std::string> Command(const std::string& line) const;
  std::map<std::string, std::string> Environment() const;

 private:
  const std::vector<std::string> server_flags_;
  TempDir files_;
  std::unique_ptr<ServerProcess> server_;
  std::string address_;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_CLI_SHELL_H_
