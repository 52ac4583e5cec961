// Programs of the client library in processes of their own, which are stopped for longer than their leases last, killed, started twice and
// overtaken: who was lost comes back with a new epoch, or is told that another has its place, and stays away.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/checker/registration_recorder.h"
#include "tests/e2e/served_test.h"
#include "tests/e2e/service_observer.h"
#include "tests/support/deadline.h"
#include "tests/support/process.h"
#include "tests/support/random.h"
#include "tests/support/stream_loop.h"

namespace scoutlight::testing {
namespace {

namespace disco = discovery::v1;

constexpr int kTtlSeconds = kJudgeMemory ? 2 : 6;
constexpr absl::Duration kTtl = absl::Seconds(kTtlSeconds);
// Beyond its ttl, and what a start of the server adds.
const absl::Duration kGone = 2 * kTtl + kSoon;

class ClientProcessTest : public ServedTest {
 protected:
  // A program, and what it has printed.
  struct Program {
    std::unique_ptr<Process> process;

    // Whole lines.
    std::vector<std::string> told() const {
      std::vector<std::string> lines = absl::StrSplit(process->output(), '\n');
      lines.pop_back();
      return lines;
    }
    // "REGISTERED", ...; empty: nothing yet.
    std::string state() const {
      const std::vector<std::string> lines = told();
      return lines.empty() ? "" : std::string(*absl::StrSplit(lines.back(), ' ').begin());
    }
    int64_t epoch() const {
      const std::vector<std::string> lines = told();
      const std::vector<std::string> words = lines.empty() ? std::vector<std::string>() : absl::StrSplit(lines.back(), ' ');
      int64_t epoch = 0;
      return words.size() == 2 && absl::SimpleAtoi(words[1], &epoch) ? epoch : 0;
    }
  };

  void SetUp() override {
    observer_stub_ = disco::DiscoveryService::NewStub(client().channel());
    observer_.Connect(observer_stub_.get());
    ASSERT_TRUE(Await("the observer is shown what there is", [this] { return observer_.whole(); }));
  }
  void TearDown() override {
    observer_.Stop();
    loop_.RunUntil([this] { return !observer_.open(); });
    observer_stub_.reset();
    ServedTest::TearDown();
  }

  Program StartProgram(const std::string& session_id, const std::string& instance = "laser") {
    return {std::make_unique<Process>(
        ProcessOptions{.command = {getenv("CLIENT_PROGRAM"), server().address(), session_id, absl::StrCat(kTtlSeconds), instance}})};
  }

  bool Await(const std::string& what, const std::function<bool()>& condition, absl::Duration bound = kSoon) {
    const auto ticked = [&] {
      observer_.Tick();
      return condition();
    };
    const bool held = loop_.RunUntil(ticked, bound);
    EXPECT_TRUE(held) << what;
    return held;
  }
  void Run(absl::Duration time) {
    loop_.RunUntil([] { return false; }, time);
  }

  // 0: it is not shown.
  int64_t ShownEpoch(const std::string& instance = "laser") const {
    const auto shown = observer_.shown().find({"Printer", instance});
    return shown == observer_.shown().end() ? 0 : shown->second.epoch();
  }
  bool IsWell(const Program& program) const {
    return program.state() == "REGISTERED" && program.epoch() != 0 && ShownEpoch() == program.epoch();
  }
  // Ends it as one that leaves, of which the observer takes note.
  void EndWell(const Program& program) {
    program.process->Signal(SIGTERM);
    const bool left = Await("it has left", [&] { return absl::EndsWith(program.process->output(), "left\n"); });
    EXPECT_EQ(program.process->WaitForExit(), Exit{.code = 0});
    EXPECT_TRUE(left) << program.process->output();
  }
  // Stops it until the server has given it up.
  bool StopBeyondTtl(const Program& program) {
    EXPECT_TRUE(program.process->Stop());
    return Await(
        "a stopped program is gone", [this] { return ShownEpoch() == 0; }, kGone);
  }

  checker::RegistrationRecorder unused_;
  StreamLoop loop_;
  std::unique_ptr<disco::DiscoveryService::Stub> observer_stub_;
  SubscribeObserver observer_{&loop_, "observer", {"Printer"}, &unused_};
};

TEST_F(ClientProcessTest, WhoStoodStillForLongerThanItsLeaseComesBackWithANewEpoch) {
  const Program program = StartProgram("one");
  ASSERT_TRUE(Await("it is registered", [&] { return IsWell(program); }));
  const int64_t epoch = program.epoch();
  ASSERT_TRUE(StopBeyondTtl(program));
  if (IsTorture()) Run(absl::Seconds(20));
  const absl::Duration resumed = SteadyNow();
  program.process->Signal(SIGCONT);
  ASSERT_TRUE(Await(
      "it comes back", [&] { return IsWell(program) && program.epoch() > epoch; }, kTtl + kSoon));
  std::cout << "back after " << SteadyNow() - resumed << std::endl;
  EXPECT_TRUE(absl::StrContains(program.process->output(), "LOST")) << program.process->output();
  EndWell(program);
  EXPECT_TRUE(Await("it is gone", [this] { return ShownEpoch() == 0; }));
}

TEST_F(ClientProcessTest, WhoStoodStillWhileAnotherTookItsPlaceIsFencedAndStaysAway) {
  const Program first = StartProgram("one");
  ASSERT_TRUE(Await("the first is registered", [&] { return IsWell(first); }));
  const int64_t epoch = first.epoch();
  ASSERT_TRUE(StopBeyondTtl(first));
  const Program second = StartProgram("two");
  ASSERT_TRUE(Await("the second is registered", [&] { return IsWell(second); }));
  EXPECT_GT(second.epoch(), epoch);
  first.process->Signal(SIGCONT);
  ASSERT_TRUE(Await(
      "the first is told", [&] { return first.state() == "FENCED"; }, kTtl + kSoon));
  Run(kTtl);
  EXPECT_TRUE(IsWell(second));
  EXPECT_EQ(first.state(), "FENCED");
  EndWell(first);
  Run(absl::Milliseconds(100));
  EXPECT_TRUE(IsWell(second));
}

TEST_F(ClientProcessTest, OfTwoWithOneInstanceTheFirstHasItUntilItIsKilled) {
  const Program first = StartProgram("one");
  ASSERT_TRUE(Await("the first is registered", [&] { return IsWell(first); }));
  const int64_t epoch = first.epoch();
  const Program second = StartProgram("two");
  ASSERT_TRUE(Await("the second is told", [&] { return second.state() == "FENCED"; }));
  EXPECT_TRUE(IsWell(first));
  first.process->Signal(SIGKILL);
  const absl::Duration killed = SteadyNow();
  ASSERT_TRUE(Await(
      "the first is gone", [this] { return ShownEpoch() == 0; }, kGone));
  std::cout << "gone after " << SteadyNow() - killed << std::endl;
  const Program third = StartProgram("three");
  ASSERT_TRUE(Await("the third is registered", [&] { return IsWell(third); }));
  EXPECT_GT(third.epoch(), epoch);
  EXPECT_EQ(second.state(), "FENCED") << "it does not come back by itself";
}

TEST_F(ClientProcessTest, OfTwoWithOneSessionOneGoesOn) {
  const Program first = StartProgram("one");
  ASSERT_TRUE(Await("the first is registered", [&] { return IsWell(first); }));
  const int64_t epoch = first.epoch();
  const Program second = StartProgram("one");
  const auto is_decided = [&] { return (first.state() == "FENCED" && IsWell(second)) || (second.state() == "FENCED" && IsWell(first)); };
  ASSERT_TRUE(Await("one is fenced, the other registered", is_decided));
  const bool first_went = first.state() == "FENCED";
  std::cout << (first_went ? "the first" : "the second") << " was fenced" << std::endl;
  const Program& loser = first_went ? first : second;
  const Program& winner = first_went ? second : first;
  EndWell(loser);
  Run(absl::Milliseconds(100));
  EXPECT_TRUE(IsWell(winner)) << "the end of the one that was fenced is nothing to it";
  EXPECT_GE(ShownEpoch(), epoch);
}

}  // namespace
}  // namespace scoutlight::testing
