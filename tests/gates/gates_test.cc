// The three programs of examples/gates, the server, and what happens when some of them are killed.
#include <signal.h>

#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/support/deadline.h"
#include "tests/support/process.h"
#include "tests/support/server_process.h"
#include "tests/support/temp_dir.h"

namespace scoutlight::testing {
namespace {

// All on this machine, whatever its addresses.
constexpr char kTopology[] = R"({
  "feeder":    {"links": [{"outgate": "encryptor", "queue": "plaintext", "type": "PUSH"}]},
  "encryptor": {"links": [{"addresses": ["tcp://127.0.0.1:0"], "queue": "plaintext", "type": "PULL", "delivery": "acked"},
                          {"outgate": "emailsink", "queue": "encrypted", "type": "PUSH"}]},
  "emailsink": {"links": [{"addresses": ["tcp://127.0.0.1:0"], "queue": "crypted_mails", "type": "PULL", "delivery": "acked"}]}})";

class GatesTest : public ::testing::Test {
 protected:
  GatesTest() { WriteFile(dir_.File("topology.json"), kTopology); }

  std::unique_ptr<Process> Start(const char* program) {
    return std::make_unique<Process>(
        ProcessOptions{.command = {getenv(program), server_->address(), dir_.File("topology.json")}, .environment = {}, .mount = {}});
  }
  // A feeder of the numbers from 1 to `last`, which encryption leaves as they are.
  std::unique_ptr<Process> StartFeeder(int last) {
    return std::make_unique<Process>(ProcessOptions{.command = {"/bin/sh", "-c", absl::StrCat("seq 1 ", last, " | \"$0\" \"$1\" \"$2\""),
                                                                getenv("FEEDER"), server_->address(), dir_.File("topology.json")},
                                                    .environment = {},
                                                    .mount = {}});
  }
  static std::set<std::string> LinesOf(const std::vector<Process*>& sinks) {
    std::set<std::string> lines;
    for (Process* const sink : sinks) {
      const std::string output = sink->output();
      for (const absl::string_view line : absl::StrSplit(output.substr(0, output.rfind('\n') + 1), '\n', absl::SkipEmpty())) {
        lines.insert(std::string(line));
      }
    }
    return lines;
  }

  TempDir dir_;
  std::unique_ptr<ServerProcess> server_ = StartServer({.flags = {"--store=memory"}});
};

TEST_F(GatesTest, LinesFlowThroughAndNothingIsLostWhenAConsumerIsKilled) {
  constexpr int kLines = 20'000;
  const auto encryptor = Start("ENCRYPTOR");
  const auto first = Start("EMAILSINK");
  const auto second = Start("EMAILSINK");
  const auto feeder = StartFeeder(kLines);
  const auto has_printed = [](Process* sink) { return WaitUntil([sink] { return sink->output().size() > 1'000; }); };
  ASSERT_TRUE(has_printed(first.get())) << first->errors() << encryptor->errors() << feeder->errors();
  ASSERT_TRUE(has_printed(second.get())) << second->errors();
  first->Signal(SIGKILL);
  EXPECT_TRUE(WaitUntil(
      [&] {
        return LinesOf({first.get(), second.get()}).size() == kLines;
      },
      4 * kSoon))
      << LinesOf({first.get(), second.get()}).size();
  EXPECT_EQ(feeder->WaitForExit(), Exit{.code = 0}) << feeder->errors();
  EXPECT_EQ(feeder->output(), absl::StrCat(kLines, " lines, 0 lost\n"));
}

TEST_F(GatesTest, KilledRegistryLosesNothing) {
  constexpr int kLines = 20'000;
  const auto encryptor = Start("ENCRYPTOR");
  const auto sink = Start("EMAILSINK");
  const auto feeder = StartFeeder(kLines);
  ASSERT_TRUE(WaitUntil([&] { return sink->output().size() > 1'000; })) << sink->errors() << feeder->errors();
  server_->Kill();
  EXPECT_TRUE(WaitUntil([&] { return LinesOf({sink.get()}).size() == kLines; }, 4 * kSoon)) << LinesOf({sink.get()}).size();
}

TEST_F(GatesTest, RelayMayBeAddedAndLeaveInTheMiddle) {
  constexpr int kLines = 20'000;
  const auto sink = Start("EMAILSINK");
  const auto first = Start("ENCRYPTOR");
  const auto feeder = StartFeeder(kLines);
  ASSERT_TRUE(WaitUntil([&] { return sink->output().size() > 1'000; })) << sink->errors() << feeder->errors();
  const auto second = Start("ENCRYPTOR");
  first->Signal(SIGTERM);
  EXPECT_EQ(first->WaitForExit(), Exit{.code = 0}) << first->errors();
  EXPECT_TRUE(WaitUntil([&] { return LinesOf({sink.get()}).size() == kLines; }, 4 * kSoon)) << LinesOf({sink.get()}).size();
}

}  // namespace
}  // namespace scoutlight::testing
