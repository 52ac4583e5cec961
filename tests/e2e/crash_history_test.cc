// kill -9 under all kinds of calls: the history of what the clients were told is checked against the log that is on disk at the end.
// SCOUTLIGHT_SEED repeats a run's choices; SCOUTLIGHT_TORTURE makes it long.
#include <gtest/gtest.h>

#include <iostream>
#include <vector>

#include "tests/checker/check.h"
#include "tests/checker/recorder.h"
#include "tests/checker/store_log.h"
#include "tests/checker/workload.h"
#include "tests/e2e/served_test.h"
#include "tests/support/deadline.h"
#include "tests/support/random.h"

namespace scoutlight::testing {
namespace {

class CrashHistory : public ServedTest {
 protected:
  // Kills the server and starts it again, and tells the recorder.
  void KillAndRecord(checker::Workload* workload, checker::Recorder* recorder) {
    checker::Outage outage{.kind = checker::Outage::Kind::kRestart, .stopped = checker::MonotonicNow()};
    server().Kill();
    outage.halted = checker::MonotonicNow();
    workload->Join();
    outage.started = checker::MonotonicNow();
    Start();
    outage.serving = checker::MonotonicNow();
    recorder->Add(outage);
  }

  // One client that reads everything, for what came of the last calls.
  void ReadAll(checker::Recorder* recorder) {
    checker::RecordingClient reader(recorder);
    reader.Connect(server().address());
    checker::Call call;
    call.request = checker::Read{.is_get = false, .query = {.range = {Key(), Scope::kSubtree}, .entries_max = 10'000}};
    EXPECT_EQ(reader.Make(call).outcome, checker::Outcome::kOk);
  }
};

TEST_F(CrashHistory, EveryAnswerFitsOneOrderOfStates) {
  const uint64_t seed = Seed();
  Random random(seed);
  const int cycles = IsTorture() ? 500 : 12;
  checker::Recorder recorder;
  checker::Workload workload({.clients = 8, .seed = seed, .mix = {.leases = false}}, &recorder);
  for (int cycle = 0; cycle < cycles; ++cycle) {
    workload.Start(server().address());
    const bool reached = recorder.WaitForCalls(recorder.calls() + Between(1, 500, &random), kSoon);
    KillAndRecord(&workload, &recorder);
    ASSERT_TRUE(reached);
  }
  ReadAll(&recorder);
  Stop();
  checker::History history = recorder.Take();
  checker::AppendLogOfFolder(data_dir(), &history);
  Start();
  std::cout << history.calls.size() << " calls, " << history.log.size() << " revisions" << std::endl;
  const std::vector<checker::Violation> violations = checker::Check(history);
  EXPECT_TRUE(violations.empty()) << checker::Report(history, violations);
}

}  // namespace
}  // namespace scoutlight::testing
