#include "tests/examples/printer_programs.h"

#include <signal.h>

#include <memory>
#include <optional>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/support/deadline.h"
#include "tests/support/process.h"
#include "tests/support/server_process.h"

namespace scoutlight::testing {
namespace {

constexpr absl::string_view kRegistered = "laser STATE_REGISTERED\n";
constexpr absl::string_view kRemoved = "laser STATE_REMOVED\n";

ProcessOptions Command(const PrinterPrograms& programs, std::vector<std::string> command, const std::string& address) {
  command.push_back(address);
  return {.command = std::move(command), .environment = programs.environment, .mount = std::nullopt};
}

// Whether the process comes to have printed just this.
bool Prints(Process& process, const std::string& wanted) {
  return WaitUntil([&] { return process.output() == wanted; });
}

void ExpectLeavesOnCtrlC(Process& printer, const std::string& printed) {
  printer.Signal(SIGINT);
  ASSERT_EQ(printer.WaitForExit(), Exit{.code = 0}) << printer.errors();
  EXPECT_EQ(printer.output(), printed + std::string(kRemoved));
}

}  // namespace

void ExpectFoundUntilItLeaves(const PrinterPrograms& programs) {
  const std::unique_ptr<ServerProcess> server = StartServer({.flags = {"--store=memory"}});
  Process printer(Command(programs, programs.register_itself, server->address()));
  ASSERT_TRUE(Prints(printer, std::string(kRegistered))) << printer.output() << printer.errors();

  Process finder(Command(programs, programs.find, server->address()));
  const std::string found = "found laser at http://127.0.0.1:8001\nlaser works\n";
  ASSERT_TRUE(Prints(finder, found)) << finder.output() << finder.errors();
  ExpectLeavesOnCtrlC(printer, std::string(kRegistered));
  EXPECT_TRUE(Prints(finder, found + "laser has gone\n")) << finder.output() << finder.errors();

  Process nobody(Command(programs, programs.find, server->address()));
  EXPECT_EQ(nobody.WaitForExit(), Exit{.code = 1});
  EXPECT_NE(nobody.errors().find("service Printer has no instance in cluster default"), std::string::npos) << nobody.errors();
}

void ExpectRegisteredAnewAfterRestart(const PrinterPrograms& programs) {
  std::unique_ptr<ServerProcess> server = StartServer({.flags = {"--store=memory"}});
  const std::string address = server->address();
  Process printer(Command(programs, programs.register_itself, address));
  ASSERT_TRUE(Prints(printer, std::string(kRegistered))) << printer.output() << printer.errors();
  server->Kill();
  ASSERT_TRUE(printer.WaitForErrors([&](const std::string& errors) { return errors.find(programs.unavailable) != std::string::npos; }))
      << printer.errors();

  server = StartServer({.flags = {"--store=memory"}, .listen = address});
  const std::string twice = std::string(kRegistered) + std::string(kRegistered);
  ASSERT_TRUE(Prints(printer, twice)) << printer.output() << printer.errors();
  ExpectLeavesOnCtrlC(printer, twice);
}

void ExpectWordsWithoutServer(const PrinterPrograms& programs) {
  Process nobody(Command(programs, programs.find, "127.0.0.1:1"));
  EXPECT_EQ(nobody.WaitForExit(), Exit{.code = 1});
  EXPECT_NE(nobody.errors().find(programs.unavailable), std::string::npos) << nobody.errors();

  Process printer(Command(programs, programs.register_itself, "127.0.0.1:1"));
  EXPECT_TRUE(printer.WaitForErrors([&](const std::string& errors) { return errors.find(programs.unavailable) != std::string::npos; }))
      << printer.errors();
  printer.Signal(SIGINT);
  EXPECT_EQ(printer.WaitForExit(), Exit{.code = 0});
  EXPECT_EQ(printer.output(), "");
}

}  // namespace scoutlight::testing
