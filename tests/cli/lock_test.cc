// `scoutctl lock` and `elect`: programs that run while a lock is held. Whether two ever do at once is told by a lock of the kernel's.
#include <signal.h>

#include <cerrno>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/cli/shell.h"
#include "tests/support/deadline.h"

namespace scoutlight::testing {
namespace {

// A command that says when it begins and ends, and whether another runs at the time: OVERLAP. It runs until $FILES/go is there. What it
// starts has the kernel's lock too, so that one that is left behind is noticed.
constexpr char kExclusive[] = R"(bash -c '
  exec 9>>$FILES/running; flock -n 9 || echo OVERLAP >>$FILES/log
  echo begin $SCOUTLIGHT_LOCK_FENCE >>$FILES/log; echo process $$
  while [[ ! -e $FILES/go ]]; do sleep 0.02; done
  echo end $SCOUTLIGHT_LOCK_FENCE >>$FILES/log')";

class LockTest : public ShellTest {
 protected:
  explicit LockTest(Stored stored = Stored::kInMemory) : ShellTest({}, stored) {}

  std::unique_ptr<Process> Lock(const std::string& flags) { return Start(absl::StrCat("scoutctl lock work ", flags, " -- ", kExclusive)); }
  static bool SaysSoon(Process* process, const std::string& text) {
    return process->WaitForErrors([&](const std::string& errors) { return absl::StrContains(errors, text); });
  }
  std::string Log() { return Shown("cat $FILES/log"); }
  void LetGo() { Shown("touch $FILES/go"); }
  // The log is of commands that ran one after another, `runs` of them to their end, each with a higher fence.
  void ExpectRuns(int runs) {
    const std::string log = Log();
    EXPECT_FALSE(absl::StrContains(log, "OVERLAP")) << log;
    int64_t last_fence = 0;
    int ended = 0;
    for (absl::string_view line : absl::StrSplit(log, '\n', absl::SkipEmpty())) {
      const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
      int64_t fence = 0;
      ASSERT_TRUE(words.size() == 2 && absl::SimpleAtoi(words[1], &fence)) << log;
      if (words[0] == "end") {
        EXPECT_EQ(fence, last_fence) << log;
        ++ended;
      } else {
        EXPECT_GT(fence, last_fence) << log;
        last_fence = fence;
      }
    }
    EXPECT_EQ(ended, runs) << log;
  }
  std::string KeysInLine() { return Shown("scoutctl kv list /default/locks/work -o name | wc -l"); }
};

TEST_F(LockTest, TheCommandKnowsItsLockAndItsCodeIsPassedOn) {
  Shows(
      "scoutctl lock nightly -- bash -c 'scoutctl() { \"$SCOUTCTL\" \"$@\"; }; scoutctl kv get $SCOUTLIGHT_LOCK_KEY -o json | "
      "grep -c \"create_revision\\\": $SCOUTLIGHT_LOCK_FENCE,\"; [[ $SCOUTLIGHT_LOCK_LEASE -gt 0 ]]; exit 3'",
      R"(
1
[exit 3]
)");
  Shows("scoutctl kv list /default/locks -r", "! nothing there\n");
  Shows("scoutctl --cluster office lock nightly -- bash -c 'echo ${SCOUTLIGHT_LOCK_KEY%/*}'", "/office/locks/nightly\n");
  Shows("scoutctl lock nightly -- bash -c 'kill -TERM $$'", "[exit 143]\n");
  Shows("scoutctl lock nightly -- nosuchprogram", R"(
! scoutctl: not found: cannot run "nosuchprogram": there is no such program
[exit 127]
)");
  Shows(
      "scoutctl elect scheduler --value 10.0.0.5:7000 -- bash -c '\"$SCOUTCTL\" kv get $SCOUTLIGHT_LOCK_KEY; echo "
      "${SCOUTLIGHT_LOCK_KEY%/*}'",
      R"(
10.0.0.5:7000
/default/elections/scheduler
)");
}

TEST_F(LockTest, WhatIsWrongIsToldBeforeAnythingRuns) {
  Shows("scoutctl lock a/b -- echo ran", R"(
! scoutctl: invalid argument: NAME: must not have a /, is "a/b" (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl lock a --ttl 100ms -- echo ran", R"(
! scoutctl: invalid argument: --ttl: must be 1s to 24h, is 100ms (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl lock a --ttl 6s --grace 3s -- echo ran", R"(
! scoutctl: invalid argument: --grace: must be at most a third of --ttl, which is 6s; is 3s (INVALID_FIELD)
[exit 2]
)");
  server().Kill();
  const std::string away = Shown("scoutctl lock a --timeout 1s -- echo ran");
  EXPECT_TRUE(absl::StrContains(away, "! scoutctl: ") && !absl::StrContains(away, "ran\n")) << away;
}

TEST_F(LockTest, TheLineIsServedInOrder) {
  const auto first = Lock("");
  WaitForOutput(first.get(), "process ");
  const auto second = Lock("");
  EXPECT_TRUE(SaysSoon(second.get(), "waiting for /default/locks/work/"));
  const auto third = Lock("");
  EXPECT_TRUE(SaysSoon(third.get(), "waiting for /default/locks/work/"));
  EXPECT_EQ(KeysInLine(), "3\n");
  const std::string late = Shown("scoutctl lock work --wait 0s -- echo ran");
  EXPECT_TRUE(absl::StrContains(late, "! scoutctl: deadline exceeded: the lock was not free within 0")) << late;
  EXPECT_TRUE(absl::StrContains(late, "[exit 5]")) << late;
  // One who leaves the line lets nobody past.
  second->Signal(SIGTERM);
  EXPECT_EQ(second->WaitForExit(), Exit{.code = 143});
  EXPECT_EQ(KeysInLine(), "2\n");
  EXPECT_EQ(third->output(), "");
  LetGo();
  EXPECT_EQ(first->WaitForExit(), Exit{.code = 0});
  EXPECT_EQ(third->WaitForExit(), Exit{.code = 0});
  ExpectRuns(2);
}

TEST_F(LockTest, SignalsReachTheCommand) {
  const auto held = Start(
      "scoutctl lock work -- bash -c 'trap \"echo got HUP\" HUP; trap \"echo got TERM; exit 9\" TERM; echo process $$; while :; do sleep "
      "0.02; done'");
  WaitForOutput(held.get(), "process ");
  held->Signal(SIGHUP);
  WaitForOutput(held.get(), "got HUP\n");
  held->Signal(SIGTERM);
  EXPECT_EQ(held->WaitForExit(), Exit{.code = 9});
  EXPECT_EQ(KeysInLine(), "0\n");
}

TEST_F(LockTest, AHolderThatStandsStillHasNoCommandWhenTheNextOneBegins) {
  const auto first = Lock("--ttl 3s");
  WaitForOutput(first.get(), "process ");
  const auto second = Lock("--ttl 3s");
  EXPECT_TRUE(SaysSoon(second.get(), "waiting for"));
  // Scoutctl alone: its guardian goes on.
  ASSERT_TRUE(first->Stop());
  WaitForOutput(second.get(), "process ");
  LetGo();
  EXPECT_EQ(second->WaitForExit(), Exit{.code = 0});
  first->Signal(SIGCONT);
  EXPECT_EQ(first->WaitForExit(), Exit{.code = 75});
  EXPECT_TRUE(absl::StrContains(first->errors(), "the lock was lost, and the command ended")) << first->errors();
  ExpectRuns(1);
}

TEST_F(LockTest, AHolderThatIsKilledTakesItsCommandAlong) {
  const auto first = Lock("--ttl 2s");
  WaitForOutput(first.get(), "process ");
  first->Signal(SIGKILL);
  const auto second = Lock("--ttl 2s");
  WaitForOutput(second.get(), "process ");
  LetGo();
  EXPECT_EQ(second->WaitForExit(), Exit{.code = 0});
  ExpectRuns(1);
}

TEST_F(LockTest, ALockThatIsTakenAwayEndsTheCommandWithAllThatDescendsFromIt) {
  const auto held = Start("scoutctl lock work --grace 300ms -- bash -c 'trap \"\" TERM; sleep 1000 & echo process $!; wait; wait'");
  WaitForOutput(held.get(), "process ");
  WaitForOutput(held.get(), "\n");
  const std::string output = held->output();
  pid_t grandchild = 0;
  ASSERT_TRUE(absl::SimpleAtoi(absl::StripAsciiWhitespace(absl::StripPrefix(output, "process ")), &grandchild)) << output;
  Shown("scoutctl kv delete /default/locks --recursive --yes");
  EXPECT_EQ(held->WaitForExit(), Exit{.code = 75});
  EXPECT_TRUE(kill(grandchild, 0) != 0 && errno == ESRCH);
  EXPECT_TRUE(absl::StrContains(held->errors(), " is gone")) << held->errors();
}

TEST_F(LockTest, AnotherStoreHasNoLocks) {
  const auto held = Lock("-o json");
  WaitForOutput(held.get(), "process ");
  ReplaceServer();
  EXPECT_EQ(held->WaitForExit(), Exit{.code = 75});
  EXPECT_TRUE(absl::StrContains(held->errors(), "\"exit_code\": 75")) << held->errors();
}

TEST_F(LockTest, AServerThatStaysAwayEndsTheCommandInTime) {
  const auto held = Lock("--ttl 2s");
  WaitForOutput(held.get(), "process ");
  server().Kill();
  EXPECT_EQ(held->WaitForExit(), Exit{.code = 75});
  EXPECT_TRUE(absl::StrContains(held->errors(), "its lease could not be renewed in time")) << held->errors();
}

class LockOnDiskTest : public LockTest {
 protected:
  LockOnDiskTest() : LockTest(Stored::kOnDisk) {}
};

TEST_F(LockOnDiskTest, ARestartChangesNeitherHolderNorLine) {
  const auto first = Lock("--ttl 20s");
  WaitForOutput(first.get(), "process ");
  const auto second = Lock("--ttl 20s");
  EXPECT_TRUE(SaysSoon(second.get(), "waiting for"));
  server().Kill();
  StartServerAgain();
  EXPECT_EQ(KeysInLine(), "2\n");
  EXPECT_EQ(second->output(), "");
  LetGo();
  EXPECT_EQ(first->WaitForExit(), Exit{.code = 0});
  EXPECT_EQ(second->WaitForExit(), Exit{.code = 0});
  ExpectRuns(2);
  EXPECT_EQ(KeysInLine(), "0\n");
}

}  // namespace
}  // namespace scoutlight::testing
