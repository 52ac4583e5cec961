// The three programs of examples/gates, linked by what operators apply at the server, and what happens when some of them are killed. Every
// message is counted: the feeder pushes the numbers from 1 on, which encryption leaves as they are.
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/support/deadline.h"
#include "tests/support/process.h"
#include "tests/support/server_process.h"
#include "tests/support/temp_dir.h"

namespace scoutlight::testing {
namespace {

// The messages that a gate of the examples holds at most.
constexpr int kQueueMax = 1'024;

// Where sinks bind, and whether the feeder is linked.
std::string Topology(const std::string& sink_host, bool feeds = true) {
  return absl::StrCat(R"({"feeder": {"links": [)", feeds ? R"({"outgate": "encryptor", "queue": "plaintext", "type": "PUSH"})" : "", R"(]},
  "encryptor": {"links": [{"addresses": ["tcp://127.0.0.1:0"], "queue": "plaintext", "type": "PULL", "delivery": "acked"},
                          {"outgate": "emailsink", "queue": "encrypted", "type": "PUSH"}]},
  "emailsink": {"links": [{"addresses": ["tcp://)",
                      sink_host, R"(:0"], "queue": "crypted_mails", "type": "PULL", "delivery": "acked"}]}})");
}

class GatesTest : public ::testing::Test {
 protected:
  GatesTest() { Apply(Topology("127.0.0.1")); }

  // What scoutctl prints.
  std::string Scoutctl(const std::string& arguments) {
    return RunToEnd({"/bin/sh", "-c", absl::StrCat(getenv("SCOUTCTL"), " --endpoint ", address_, " ", arguments)});
  }
  void Apply(const std::string& document) {
    WriteFile(dir_.File("topology.json"), document);
    Scoutctl(absl::StrCat("topology apply ", dir_.File("topology.json")));
  }
  std::unique_ptr<Process> Start(const char* program) {
    return std::make_unique<Process>(ProcessOptions{.command = {getenv(program), address_}, .environment = {}, .mount = {}});
  }
  Process* StartSink() {
    sinks_.push_back(Start("EMAILSINK"));
    return sinks_.back().get();
  }
  // Of the numbers from `first` on, until it is ended.
  std::unique_ptr<Process> StartFeeder(int first = 1) {
    return std::make_unique<Process>(ProcessOptions{
        .command = {"/bin/bash", "-c", absl::StrCat(R"(exec "$0" "$1" < <(seq )", first, " 100000000)"), getenv("FEEDER"), address_},
        .environment = {},
        .mount = {}});
  }
  // What all sinks have printed, those that are dead too.
  std::set<int> Printed() {
    std::set<int> printed;
    for (const auto& sink : sinks_) {
      const std::string output = sink->output();
      for (const absl::string_view line : absl::StrSplit(output.substr(0, output.rfind('\n') + 1), '\n', absl::SkipEmpty())) {
        int number = 0;
        EXPECT_TRUE(absl::SimpleAtoi(line, &number)) << line;
        printed.insert(number);
      }
    }
    return printed;
  }
  size_t PrintedBytes() {
    size_t bytes = 0;
    for (const auto& sink : sinks_) bytes += sink->output().size();
    return bytes;
  }
  // Whether some thousand lines more are printed: over the links as they are now, more than all queues held before.
  bool Flows() {
    const size_t before = PrintedBytes();
    return WaitUntil([&] { return PrintedBytes() > before + 40'000; }, 2 * kSoon);
  }
  // Ends the feeder as Ctrl-C does: it loses nothing, and all that it has pushed is printed.
  void EndAndCount(Process* feeder) {
    feeder->Signal(SIGTERM);
    EXPECT_EQ(feeder->WaitForExit(3 * kSoon), Exit{.code = 0}) << feeder->errors();
    int pushed = 0;
    ASSERT_TRUE(absl::SimpleAtoi(feeder->output().substr(0, feeder->output().find(' ')), &pushed)) << feeder->output();
    EXPECT_EQ(feeder->output(), absl::StrCat(pushed, " lines, 0 lost\n"));
    EXPECT_TRUE(WaitUntil([&] { return Printed().size() >= static_cast<size_t>(pushed); }, 2 * kSoon)) << Printed().size();
    const std::set<int> printed = Printed();
    EXPECT_EQ(printed.size(), pushed);
    EXPECT_EQ(*printed.rbegin(), pushed);
  }
  // Whether `scoutctl gate list` comes to show that.
  bool Lists(const std::string& arguments, const std::function<bool(const std::string&)>& shown) {
    return WaitUntil([&] { return shown(Scoutctl("gate list " + arguments)); });
  }

  TempDir dir_;
  TempDir data_;
  std::unique_ptr<ServerProcess> server_ = StartServer({.data_dir = data_.path()});
  const std::string address_ = server_->address();
  std::vector<std::unique_ptr<Process>> sinks_;
};

TEST_F(GatesTest, KilledSinkLosesNothing) {
  const auto encryptor = Start("ENCRYPTOR");
  Process* const first = StartSink();
  Process* const second = StartSink();
  const auto feeder = StartFeeder();
  const auto has_printed = [](Process* sink) { return WaitUntil([sink] { return sink->output().size() > 1'000; }); };
  ASSERT_TRUE(has_printed(first)) << first->errors() << encryptor->errors() << feeder->errors();
  ASSERT_TRUE(has_printed(second)) << second->errors();
  first->Signal(SIGKILL);
  EXPECT_TRUE(Flows());
  EndAndCount(feeder.get());
}

TEST_F(GatesTest, KilledRelayLosesNothing) {
  StartSink();
  auto first = Start("ENCRYPTOR");
  const auto second = Start("ENCRYPTOR");
  const auto feeder = StartFeeder();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Flows()) << feeder->errors();
    first->Signal(SIGKILL);
    ASSERT_TRUE(first->WaitForExit().has_value());
    ASSERT_TRUE(Flows()) << feeder->errors();
    first = Start("ENCRYPTOR");
  }
  EndAndCount(feeder.get());
}

TEST_F(GatesTest, RegistryThatIsKilledAndComesBackLosesNothing) {
  StartSink();
  const auto encryptor = Start("ENCRYPTOR");
  const auto feeder = StartFeeder();
  ASSERT_TRUE(Flows()) << feeder->errors();
  server_->Kill();
  EXPECT_TRUE(Flows()) << "gates go on without a registry";
  server_ = StartServer({.data_dir = data_.path(), .listen = address_});
  ASSERT_NE(server_, nullptr);
  // It is followed as before: a relay that comes gets work, one that leaves gets none.
  const auto another = Start("ENCRYPTOR");
  ASSERT_TRUE(WaitUntil([&] { return Scoutctl("service list").find("encryptor  2") != std::string::npos; })) << another->errors();
  encryptor->Signal(SIGTERM);
  EXPECT_EQ(encryptor->WaitForExit(), Exit{.code = 0}) << encryptor->errors();
  EXPECT_TRUE(Flows()) << another->errors();
  EndAndCount(feeder.get());
}

TEST_F(GatesTest, KilledFeederLosesWhatItHadQueuedAndNothingElse) {
  StartSink();
  const auto encryptor = Start("ENCRYPTOR");
  const auto feeder = StartFeeder();
  ASSERT_TRUE(Flows()) << feeder->errors();
  feeder->Signal(SIGKILL);
  ASSERT_TRUE(feeder->WaitForExit().has_value());
  const std::set<int> before = Printed();
  // A message that was printed was pushed when at most a queue of those before it was not confirmed: all others are printed, now or soon.
  EXPECT_TRUE(WaitUntil([&] {
    const std::set<int> printed = Printed();
    return static_cast<int>(std::distance(printed.begin(), printed.lower_bound(*printed.rbegin() - kQueueMax))) >=
           *printed.rbegin() - kQueueMax - 1;
  })) << Printed().size()
      << " up to " << *Printed().rbegin();
  const std::set<int> after = Printed();
  EXPECT_TRUE(std::includes(after.begin(), after.end(), before.begin(), before.end()));
  // The others go on with the next one.
  constexpr int kFirst = 50'000'000;
  const auto next = StartFeeder(kFirst);
  EXPECT_TRUE(WaitUntil([&] { return *Printed().rbegin() > kFirst + kQueueMax; })) << next->errors();
}

TEST_F(GatesTest, OperatorsAddMoveUnlinkAndRelink) {
  StartSink();
  const auto encryptor = Start("ENCRYPTOR");
  const auto feeder = StartFeeder();
  ASSERT_TRUE(Flows()) << feeder->errors();
  // A second encryptor gets its share.
  const auto second = Start("ENCRYPTOR");
  EXPECT_TRUE(Lists("encryptor -o json", [](const std::string& shown) {
    int working = 0;
    for (size_t at = 0; (at = shown.find("\"received\": ", at)) != std::string::npos; ++at) working += shown[at + 12] != '0';
    return working == 2;
  })) << Scoutctl("gate list encryptor");
  // The sink moves.
  Apply(Topology("127.0.0.2"));
  EXPECT_TRUE(Lists("emailsink", [](const std::string& shown) { return shown.find("tcp://127.0.0.2:") != std::string::npos; }));
  EXPECT_TRUE(Flows()) << Scoutctl("gate list");
  // Unlinked, the feeder fills its queue, and waits.
  Apply(Topology("127.0.0.2", /*feeds=*/false));
  EXPECT_TRUE(Lists("feeder", [](const std::string& shown) {
    return shown.find(absl::StrCat("  ", kQueueMax, "  ")) != std::string::npos;
  })) << Scoutctl("gate list");
  // Linked again, it goes on where it stopped.
  Scoutctl("topology rollback 2");
  EXPECT_TRUE(Flows()) << feeder->errors();
  encryptor->Signal(SIGTERM);
  EXPECT_EQ(encryptor->WaitForExit(), Exit{.code = 0}) << encryptor->errors();
  EXPECT_TRUE(Flows()) << feeder->errors();
  EndAndCount(feeder.get());
}

}  // namespace
}  // namespace scoutlight::testing
