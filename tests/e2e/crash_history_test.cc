// kill -9 under all kinds of calls and watches: the history of what the clients were told is checked against what a watch of everything was
// sent, and against the log that is on disk at the end.
// SCOUTLIGHT_SEED repeats a run's choices; SCOUTLIGHT_TORTURE makes it long.
#include <gtest/gtest.h>

#include <iostream>
#include <variant>
#include <vector>

#include "tests/checker/check.h"
#include "tests/checker/collector.h"
#include "tests/checker/recorder.h"
#include "tests/checker/store_log.h"
#include "tests/checker/watch_mix.h"
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

  // One client that reads everything, for what came of the last calls. Gives the latest revision.
  Revision ReadAll(checker::Recorder* recorder) {
    checker::RecordingClient reader(recorder);
    reader.Connect(server().address());
    checker::Call call;
    call.request = checker::Read{.is_get = false, .query = {.range = {Key(), Scope::kSubtree}, .entries_max = 10'000}};
    const checker::Call answered = reader.Make(call);
    EXPECT_EQ(answered.outcome, checker::Outcome::kOk);
    return answered.outcome == checker::Outcome::kOk ? std::get<checker::ReadAnswer>(answered.answer).revision : 0;
  }
};

void ExpectRight(const checker::History& history) {
  const std::vector<checker::Violation> violations = checker::Check(history);
  EXPECT_TRUE(violations.empty()) << checker::Report(history, violations);
}

// Revisions at which keys went with their lease.
int LeaseEnds(const checker::History& history) {
  int ends = 0;
  for (const checker::LoggedBatch& logged : history.log) ends += logged.batch.events[0].cause == EventCause::kLeaseExpired ? 1 : 0;
  return ends;
}

TEST_F(CrashHistory, EveryAnswerAndFrameFitsOneOrderOfStates) {
  const uint64_t seed = Seed();
  Random random(seed);
  const int cycles = IsTorture() ? 500 : 12;
  checker::Recorder recorder;
  checker::Workload workload({.clients = 8, .seed = seed, .mix = {}}, &recorder);
  checker::Collector collector;
  checker::WatchMix watches(/*resuming=*/6, /*fresh=*/3, seed);
  collector.Connect(server().address());
  watches.Connect(server().address());
  for (int cycle = 0; cycle < cycles; ++cycle) {
    RecordProperty("runs", cycle + 1);
    workload.Start(server().address());
    const bool reached = recorder.WaitForCalls(recorder.calls() + Between(1, 500, &random), kSoon);
    KillAndRecord(&workload, &recorder);
    ASSERT_TRUE(reached);
    // Some begin while the next calls are made.
    collector.Connect(server().address());
    watches.Connect(server().address());
  }
  // Nobody renews any more: when all leases have ended, nothing changes by itself.
  EXPECT_TRUE(WaitUntil([this] {
    const auto leases = client().Send(wire::ListLeasesRequest());
    return leases.ok() && leases->leases().empty();
  })) << "leases of dead owners live on";
  const Revision latest = ReadAll(&recorder);
  EXPECT_TRUE(collector.WaitFor(latest, kSoon));
  EXPECT_TRUE(watches.WaitFor(latest, kSoon));
  // With the streams open: they are told how far they came.
  Stop();
  checker::History history = recorder.Take();
  checker::AddCollected(collector.Take(), &history);
  watches.AddTo(&history);
  std::cout << history.calls.size() << " calls, " << history.log.size() << " revisions, " << history.watches.size() << " watches, "
            << LeaseEnds(history) << " ends of leases" << std::endl;
  EXPECT_GT(LeaseEnds(history), 0);
  ExpectRight(history);
  // What is on disk is what the collector was sent: nothing more, and as a log it holds for all that was told.
  const size_t collected = history.log.size();
  history.log.clear();
  checker::AppendLogOfFolder(data_dir(), &history);
  Start();
  EXPECT_EQ(history.log.size(), collected);
  ExpectRight(history);
}

}  // namespace
}  // namespace scoutlight::testing
