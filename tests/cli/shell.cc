#include "tests/cli/shell.h"

#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <regex>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/support/deadline.h"

namespace scoutlight::testing {
namespace {

// Output, errors and exit code of a process that has ended, masked.
std::string Transcript(Process* process, Exit exit) {
  std::string text = process->output();
  const std::string errors = process->errors();
  for (absl::string_view line : absl::StrSplit(errors, '\n')) {
    if (!line.empty()) absl::StrAppend(&text, "! ", line, "\n");
  }
  if (exit.signal != 0) absl::StrAppend(&text, "[signal ", exit.signal, "]\n");
  if (exit.code > 0) absl::StrAppend(&text, "[exit ", exit.code, "]\n");
  return Masked(std::move(text));
}

}  // namespace

std::string Masked(std::string text) {
  static const auto* const masks =
      new std::vector<std::pair<std::regex, std::string>>{{std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00))"), "TIME"},
                                                          {std::regex(R"(("subscriber": *)\"[0-9a-f]{16,32}\")"), "$1\"SUBSCRIBER\""},
                                                          {std::regex(R"(("store_id": *)\"[0-9a-f]{32}\")"), "$1\"STORE\""},
                                                          {std::regex(R"(("lease_id": *)\"\d+\")"), "$1\"LEASE\""},
                                                          {std::regex(R"(  [0-9a-f]{16,32} at )"), "  SUBSCRIBER at "},
                                                          {std::regex(R"((ipv4:)?127\.0\.0\.1:\d+)"), "ADDRESS"},
                                                          {std::regex(R"(\[::1\]:\d+)"), "ADDRESS"},
                                                          // In tables.
                                                          {std::regex(R"(\b\d{10,19}\b)"), "LEASE"}};
  for (const auto& [pattern, mask] : *masks) text = std::regex_replace(text, pattern, mask);
  return text;
}

ShellTest::ShellTest(std::vector<std::string> server_flags, Stored stored)
    : server_flags_(std::move(server_flags)), stored_(stored), server_(StartOne("127.0.0.1:0")), address_(server_->address()) {}

std::unique_ptr<ServerProcess> ShellTest::StartOne(const std::string& listen) {
  ServerFlags flags{.flags = server_flags_, .listen = listen};
  if (stored_ == Stored::kOnDisk) {
    flags.data_dir = data_.path();
  } else {
    flags.flags.push_back("--store=memory");
  }
  return StartServer(std::move(flags));
}

std::vector<std::string> ShellTest::Command(const std::string& line) const {
  return {"/bin/bash", "-c", absl::StrCat("scoutctl() { \"$SCOUTCTL\" \"$@\"; }\n", line)};
}

std::map<std::string, std::string> ShellTest::Environment() const {
  return {{"SCOUTCTL", std::filesystem::absolute(getenv("SCOUTCTL"))},
          {"SCOUTLIGHTD", std::filesystem::absolute(getenv("SCOUTLIGHTD"))},
          {"SERVICE_PROGRAM", std::filesystem::absolute(getenv("SERVICE_PROGRAM"))},
          {"SCOUTLIGHT_ENDPOINT", address_},
          {"FILES", files_.path()},
          // Not that of whoever runs the tests.
          {"XDG_CONFIG_HOME", files_.File("config")},
          {"ADDRESS", address_}};
}

std::string ShellTest::Shown(const std::string& line) {
  Process process({.command = Command(line), .environment = Environment()});
  const std::optional<Exit> exit = process.WaitForExit();
  EXPECT_TRUE(exit.has_value()) << line << "\ndoes not end; it wrote\n" << process.output() << process.errors();
  return Transcript(&process, exit.value_or(Exit{}));
}

void ShellTest::Shows(const std::string& line, const std::string& shown) {
  EXPECT_EQ(Shown(line), std::string(absl::StripPrefix(shown, "\n"))) << "$ " << line;
}

std::unique_ptr<Process> ShellTest::Start(const std::string& line, const std::string& before) {
  absl::string_view arguments = line;
  EXPECT_TRUE(absl::ConsumePrefix(&arguments, "scoutctl ")) << line;
  return std::make_unique<Process>(
      ProcessOptions{.command = Command(absl::StrCat(before, "; exec \"$SCOUTCTL\" ", arguments)), .environment = Environment()});
}

void ShellTest::WaitForOutput(Process* process, const std::string& text) {
  EXPECT_TRUE(WaitUntil([&] { return absl::StrContains(Masked(process->output()), text); })) << "not written: " << text << "\nbut:\n"
                                                                                             << process->output() << process->errors();
}

std::string ShellTest::Interrupt(Process* process) {
  process->Signal(SIGINT);
  const std::optional<Exit> exit = process->WaitForExit();
  EXPECT_TRUE(exit.has_value()) << "a signal does not end it";
  return Transcript(process, exit.value_or(Exit{}));
}

void ShellTest::StartServerAgain() { server_ = StartOne(address_); }

void ShellTest::ReplaceServer() {
  server_->Kill();
  StartServerAgain();
}

}  // namespace scoutlight::testing
