// `scoutctl run`: a program that is registered for as long as it runs.
#include <signal.h>

#include <cerrno>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tests/cli/shell.h"
#include "tests/support/deadline.h"
#include "tests/support/loopback_listener.h"

namespace scoutlight::testing {
namespace {

class RunTest : public ShellTest {
 protected:
  // `scoutctl run` of the service program at a free port as the instance `a` of P.
  std::unique_ptr<Process> Run(const std::string& flags, const std::string& program_arguments = "") {
    return Start(absl::StrCat("scoutctl run --service P --id a --port ", port_, " ", flags, " -- \"$SERVICE_PROGRAM\" ", port_, " ",
                              program_arguments));
  }

  static bool SaysSoon(Process* process, const std::string& text) {
    return process->WaitForErrors([&](const std::string& errors) { return absl::StrContains(errors, text); });
  }
  bool IsRegistered() { return Shown("scoutctl service get P -o name") == "a\n"; }
  bool IsGone() { return absl::StrContains(Shown("scoutctl service get P -o name"), "[exit 3]"); }

  // Of the command, which has said it.
  pid_t CommandOf(Process* process) {
    WaitForOutput(process, "process ");
    WaitForOutput(process, "\n");
    pid_t command = -1;
    const std::string output = process->output();
    const size_t begin = output.find("process ") + 8;
    EXPECT_TRUE(absl::SimpleAtoi(absl::string_view(output).substr(begin, output.find('\n') - begin), &command)) << output;
    return command;
  }
  static bool EndsSoon(pid_t process) {
    return WaitUntil([&] { return kill(process, 0) != 0 && errno == ESRCH; });
  }

  const int port_ = LoopbackListener().port();
};

TEST_F(RunTest, ACommandIsRegisteredFromWhenItsPortAcceptsUntilItEnds) {
  const auto run = Run("--property zone=north --drain-timeout 0s", "on-demand");
  WaitForOutput(run.get(), "process ");
  EXPECT_TRUE(IsGone());
  run->Signal(SIGUSR1);
  EXPECT_TRUE(SaysSoon(run.get(), "scoutctl: registered P/a, epoch "));
  Shows("scoutctl service get P a -o json | grep -A3 '\"properties\"'", absl::StrCat(R"(  "properties": {
    "hostname": "127.0.0.1",
    "port": ")",
                                                                                     port_, R"(",
    "zone": "north"
)"));
  for (const int signal : {SIGHUP, SIGQUIT, SIGUSR2}) run->Signal(signal);
  WaitForOutput(run.get(), "got HUP\n");
  WaitForOutput(run.get(), "got QUIT\n");
  WaitForOutput(run.get(), "got USR2\n");
  EXPECT_TRUE(IsRegistered());
  run->Signal(SIGTERM);
  EXPECT_EQ(run->WaitForExit(), Exit{.code = 7});
  WaitForOutput(run.get(), "got TERM\n");
  EXPECT_TRUE(IsGone());
}

TEST_F(RunTest, TheCommandIsDrainedBeforeItIsTold) {
  const auto run = Run("--drain-timeout 60s");
  ASSERT_TRUE(SaysSoon(run.get(), "registered P/a"));
  const auto subscriber = Start("scoutctl service watch P");
  WaitForOutput(subscriber.get(), "snapshot");
  ASSERT_TRUE(subscriber->Stop());
  run->Signal(SIGTERM);
  EXPECT_TRUE(WaitUntil([&] { return absl::StrContains(Shown("scoutctl service get P"), "DRAINING"); }));
  EXPECT_FALSE(absl::StrContains(run->output(), "got TERM")) << run->output();
  subscriber->Signal(SIGCONT);
  EXPECT_EQ(run->WaitForExit(), Exit{.code = 7});
  EXPECT_TRUE(absl::StrContains(run->errors(), "P/a is drained: every subscriber has confirmed")) << run->errors();
}

TEST_F(RunTest, ASecondSignalDoesNotWaitForTheDrain) {
  const auto run = Run("--drain-timeout 3s");
  ASSERT_TRUE(SaysSoon(run.get(), "registered P/a"));
  const auto subscriber = Start("scoutctl service watch P");
  WaitForOutput(subscriber.get(), "snapshot");
  ASSERT_TRUE(subscriber->Stop());
  run->Signal(SIGTERM);
  EXPECT_TRUE(WaitUntil([&] { return absl::StrContains(Shown("scoutctl service get P"), "DRAINING"); }));
  run->Signal(SIGTERM);
  WaitForOutput(run.get(), "got TERM\n");
  EXPECT_TRUE(absl::StrContains(Shown("scoutctl service get P"), "DRAINING"));
  EXPECT_EQ(run->WaitForExit(), Exit{.code = 7});
  EXPECT_TRUE(IsGone());
}

TEST_F(RunTest, TheCodeOfTheCommandIsPassedOn) {
  Shows("scoutctl run --service P --port 1 --wait 0s -- true", "");
  Shows("scoutctl run --service P --port 1 --wait 0s -o json -- sh -c 'echo out; echo err >&2; exit 3'", R"(
out
! err
[exit 3]
)");
  Shows("scoutctl run --service P --port 1 -- sh -c 'kill -9 $$'", "[exit 137]\n");
  Shows("scoutctl run --service P --port 1 -- nosuchprogram", R"(
! scoutctl: not found: cannot run "nosuchprogram": there is no such program
[exit 127]
)");
  Shows("scoutctl run --service P --port 1 -- /tmp", R"(
! scoutctl: cannot run "/tmp": Permission denied
[exit 126]
)");
  Shows("scoutctl run --service P --port 1 -- nosuchprogram -o json", R"(
! scoutctl: not found: cannot run "nosuchprogram": there is no such program
[exit 127]
)");
}

TEST_F(RunTest, WhatIsWrongIsToldBeforeAnythingRuns) {
  Shows("scoutctl run --service P --port 0 -- echo ran", R"(
! scoutctl: invalid argument: --port: must be 1 to 65535, is "0"; see scoutctl run --help
[exit 2]
)");
  Shows("scoutctl run --service P --port 80", R"(
! scoutctl: invalid argument: COMMAND is required; see scoutctl run --help
[exit 2]
)");
  Shows("scoutctl run --service P --port 80 --property zone -- echo ran", R"(
! scoutctl: invalid argument: --property: must be a property such as port=8001, is "zone" (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl run --service P --port 80 --property port=81 -- echo ran", R"(
! scoutctl: invalid argument: --property: names the property "port": say --port (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl run --service P --port 80 --ttl 1ms -- echo ran", R"(
! scoutctl: invalid argument: ttl: is 1ms, must be from 1s to 24h (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl run --service P/Q --port 80 -- echo ran 2>&1 | head -c 41", "scoutctl: invalid argument: service: has ");
  const LoopbackListener taken;
  Shows(absl::StrCat("scoutctl run --service P --port ", taken.port(), " -- echo ran 2>&1 | sed s/[0-9]*\\ already/N\\ already/"), R"(
scoutctl: failed precondition: something listens on 127.0.0.1 port N already; --wait 0s does not look
)");
}

TEST_F(RunTest, ACommandWhosePortStaysClosedIsEnded) {
  const auto run = Run("--wait 300ms", "on-demand");
  EXPECT_EQ(run->WaitForExit(), Exit{.code = 5});
  WaitForOutput(run.get(), "got TERM\n");
  EXPECT_TRUE(absl::StrContains(run->errors(), "does not accept connections at 127.0.0.1 port ")) << run->errors();
}

TEST_F(RunTest, ACommandThatIsKilledIsGoneAtOnce) {
  const auto run = Run("--ttl 1h");
  ASSERT_TRUE(SaysSoon(run.get(), "registered P/a"));
  ASSERT_EQ(kill(CommandOf(run.get()), SIGKILL), 0);
  EXPECT_EQ(run->WaitForExit(), Exit{.code = 137});
  EXPECT_TRUE(IsGone());
}

TEST_F(RunTest, WhenScoutctlIsKilledTheCommandEndsAndTheRegistrationGoesWithItsTtl) {
  const auto run = Run("--ttl 1s");
  ASSERT_TRUE(SaysSoon(run.get(), "registered P/a"));
  const pid_t command = CommandOf(run.get());
  run->Signal(SIGKILL);
  EXPECT_TRUE(EndsSoon(command));
  EXPECT_TRUE(WaitUntil([&] { return IsGone(); }));
}

TEST_F(RunTest, WhatTheGuardianLeavesIsKilledToo) {
  // The command ignores SIGTERM, and has a child that does too.
  const auto run =
      Start("scoutctl run --service P --port 1 --grace 200ms -- bash -c 'trap \"\" TERM; sleep 1000 & echo process $!; wait; wait'");
  const pid_t grandchild = CommandOf(run.get());
  run->Signal(SIGKILL);
  EXPECT_TRUE(EndsSoon(grandchild));
}

TEST_F(RunTest, WhenTheGuardianIsKilledTheCommandEnds) {
  const auto run = Run("--drain-timeout 0s");
  ASSERT_TRUE(SaysSoon(run.get(), "registered P/a"));
  const pid_t command = CommandOf(run.get());
  pid_t guardian = 0;
  ASSERT_TRUE(absl::SimpleAtoi(Shown(absl::StrCat("cut -d' ' -f4 /proc/", command, "/stat")), &guardian));
  ASSERT_NE(guardian, run->pid());
  ASSERT_EQ(kill(guardian, SIGKILL), 0);
  EXPECT_EQ(run->WaitForExit(), Exit{.code = 137});
  EXPECT_TRUE(EndsSoon(command));
  EXPECT_TRUE(IsGone());
}

TEST_F(RunTest, ACallerThatIgnoresTheEndOfChildrenChangesNothing) {
  Shows("env --ignore-signal=CHLD \"$SCOUTCTL\" run --service P --port 1 --wait 0s -- sh -c 'exit 3'", "[exit 3]\n");
}

TEST_F(RunTest, AServerThatIsAwayIsWaitedFor) {
  server().Kill();
  const auto run = Run("--drain-timeout 0s");
  EXPECT_TRUE(SaysSoon(run.get(), "waiting for the server: "));
  WaitForOutput(run.get(), "listening\n");
  StartServerAgain();
  EXPECT_TRUE(WaitUntil([&] { return IsRegistered(); }));
  ReplaceServer();
  EXPECT_TRUE(WaitUntil([&] { return IsRegistered(); }));
  server().Kill();
  run->Signal(SIGTERM);
  EXPECT_EQ(run->WaitForExit(), Exit{.code = 7});
}

TEST_F(RunTest, TheInstanceOfADeadOneIsWaitedFor) {
  const auto first = Run("--ttl 2s");
  ASSERT_TRUE(SaysSoon(first.get(), "registered P/a"));
  const pid_t command = CommandOf(first.get());
  first->Signal(SIGKILL);
  ASSERT_TRUE(EndsSoon(command));
  const auto second = Run("");
  EXPECT_TRUE(SaysSoon(second.get(), "registered P/a")) << second->errors();
}

TEST_F(RunTest, ACommandWhoseInstanceIsTakenOverIsEnded) {
  const auto run = Run("");
  ASSERT_TRUE(SaysSoon(run.get(), "registered P/a"));
  Shown("scoutctl service register P --id a hostname=h --permanent --take-over");
  EXPECT_EQ(run->WaitForExit(), Exit{.code = 4});
  WaitForOutput(run.get(), "got TERM\n");
  EXPECT_TRUE(IsRegistered());
}

}  // namespace
}  // namespace scoutlight::testing
