// Compaction under all kinds of calls, reads of the past, and watches that begin and resume there: nothing is skipped in silence, and who
// asks for what is gone is told the oldest state that there is. Crashes in between, because a server that runs on has what was lately in
// memory, whatever is compacted. SCOUTLIGHT_SEED repeats a run's choices; SCOUTLIGHT_TORTURE makes it long.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "tests/checker/check.h"
#include "tests/checker/collector.h"
#include "tests/checker/recorder.h"
#include "tests/checker/request_mix.h"
#include "tests/checker/workload.h"
#include "tests/e2e/served_test.h"
#include "tests/support/deadline.h"
#include "tests/support/failure.h"
#include "tests/support/random.h"

namespace scoutlight::testing {
namespace {

using checker::Call;
using checker::Outcome;

constexpr int kWatchers = 6;
constexpr Revision kRecent = 400;  // So far back every other read and watch goes.

// What became of the watches of a test. Thread-safe.
class WatchRecords {
 public:
  void Add(checker::WatchChain chain) {
    const MutexLock lock(&mu_);
    chains_.push_back(std::move(chain));
  }
  std::vector<checker::WatchChain> Take() {
    const MutexLock lock(&mu_);
    return std::exchange(chains_, {});
  }

 private:
  Mutex mu_;
  std::vector<checker::WatchChain> chains_ ABSL_GUARDED_BY(mu_);
};

// One client that reads the past and watches from there on, until it is told to stop.
class TimeTraveller {
 public:
  TimeTraveller(int number, uint64_t seed, const std::string& address, const checker::Collector* live, checker::Recorder* recorder,
                WatchRecords* records)
      : number_(number),
        random_(seed + static_cast<uint64_t>(number)),
        address_(address),
        live_(*live),
        records_(*records),
        reader_(recorder) {
    reader_.Connect(address);
  }

  void Run(const std::atomic<bool>& stop) {
    Revision from = DrawPast();
    while (!stop) from = WatchFrom(from);
  }

 private:
  Revision DrawPast() {
    const Revision latest = std::max<Revision>(live_.sent(), 2);
    const Revision least = Between(0, 1, &random_) == 0 ? 1 : std::max<Revision>(1, latest - kRecent);
    return least + static_cast<Revision>(random_() % static_cast<uint64_t>(latest - least + 1));
  }

  // A watch with some interruptions; where the next one is to begin.
  Revision WatchFrom(Revision from) {
    checker::WatchChain chain;
    chain.client = 1'000 * number_ + ++watches_;
    chain.range = checker::DrawWatched(&random_);
    chain.include_previous = Between(0, 1, &random_) == 0;
    const bool include_snapshot = Between(0, 1, &random_) == 0;
    checker::Collector watch(std::move(chain), from, include_snapshot);
    std::optional<checker::Failure> end;
    for (int interruptions = Between(0, 2, &random_);; --interruptions) {
      watch.Connect(address_);
      EXPECT_TRUE(watch.WaitForOrEnd(live_.sent(), kSoon) || watch.end().has_value()) << "a watch hangs";
      end = watch.end();
      if (end.has_value() || interruptions == 0) break;
      watch.Disconnect();
      ReadPast(Between(1, 200, &random_));
    }
    if (!end.has_value()) {
      EXPECT_TRUE(watch.WaitFor(live_.sent(), kSoon));
    }
    records_.Add(watch.Take());
    if (end.has_value() && end->reason == Reason::kCompacted) {
      EXPECT_GT(end->oldest_revision, 1);
      // What comes behind the oldest state can still be watched.
      return end->oldest_revision + 1;
    }
    return DrawPast();
  }

  void ReadPast(int reads) {
    for (; reads > 0; --reads) {
      const Call call = ReadAt(DrawPast());
      if (call.outcome == Outcome::kOk || call.failure.reason != Reason::kCompacted) continue;
      // It goes forward only, and what is called the oldest is there, unless another has become it.
      EXPECT_GE(call.failure.oldest_revision, oldest_);
      oldest_ = call.failure.oldest_revision;
      const Call again = ReadAt(oldest_);
      EXPECT_TRUE(again.outcome == Outcome::kOk || again.failure.oldest_revision > oldest_)
          << oldest_ << " is called the oldest and refused";
    }
  }

  Call ReadAt(Revision revision) {
    Call call;
    call.client = number_;
    call.request = checker::Read{.is_get = false, .query = {.range = {Key(), Scope::kSubtree}, .revision = revision, .entries_max = 1'000}};
    return reader_.Make(std::move(call));
  }

  const int number_;
  Random random_;
  const std::string address_;
  const checker::Collector& live_;
  WatchRecords& records_;
  checker::RecordingClient reader_;
  int watches_ = 0;
  Revision oldest_ = 0;
};

// Keeps next to no history.
class CompactionHistory : public ServedTest {
 protected:
  CompactionHistory() : ServedTest({"--history-age=0s", "--history-bytes=0"}) {}

  // The oldest state that there is, by what is said of one before; 1 when that is there.
  Revision Oldest() {
    const Failure failure = FailureOf(client().List("/", wire::SCOPE_CHILDREN, 1).status);
    return failure.reason == "COMPACTED" ? std::stoll(failure.metadata.at("oldest_revision")) : 1;
  }
};

TEST_F(CompactionHistory, WatchesReadsAndResumesLoseNothingInSilence) {
  const uint64_t seed = Seed();
  const int compactions = IsTorture() ? 30 : 2;
  checker::Recorder recorder;
  checker::Collector live;
  live.Connect(server().address());
  checker::Workload workload({.clients = 4, .seed = seed, .mix = {.leases = false}}, &recorder);
  WatchRecords records;
  Revision oldest = 1;
  for (int round = 0; round < compactions; ++round) {
    workload.Start(server().address());
    std::atomic<bool> stop = false;
    std::vector<std::thread> travellers;
    for (int i = 1; i <= kWatchers; ++i) {
      travellers.emplace_back(
          [&, number = 100 * (round + 1) + i] { TimeTraveller(number, seed, server().address(), &live, &recorder, &records).Run(stop); });
    }
    EXPECT_TRUE(WaitUntil([&] { return Oldest() > oldest; })) << "history is not given up";
    oldest = Oldest();
    // Some calls behind the mark.
    EXPECT_TRUE(recorder.WaitForCalls(recorder.calls() + 2'000, kSoon));
    stop = true;
    for (std::thread& traveller : travellers) traveller.join();
    checker::Outage outage{.kind = checker::Outage::Kind::kRestart, .stopped = checker::MonotonicNow()};
    server().Kill();
    outage.halted = checker::MonotonicNow();
    workload.Join();
    outage.started = checker::MonotonicNow();
    Start();
    outage.serving = checker::MonotonicNow();
    recorder.Add(outage);
    live.Connect(server().address());
  }
  EXPECT_TRUE(live.WaitFor(client().Revision(), kSoon));

  checker::History history = recorder.Take();
  history.compacts_by_itself = true;
  checker::AddCollected(live.Take(), &history);
  int refused_watches = 0, states = 0, refused_reads = 0, past_reads = 0, resumes = 0;
  for (checker::WatchChain& chain : records.Take()) {
    resumes += static_cast<int>(chain.streams.size()) - 1;
    for (const checker::WatchStream& stream : chain.streams) {
      refused_watches += stream.end.reason == Reason::kCompacted ? 1 : 0;
      states += std::any_of(stream.frames.begin(), stream.frames.end(),
                            [](const checker::Frame& frame) { return frame.kind == checker::Frame::Kind::kSnapshotEnd; })
                    ? 1
                    : 0;
    }
    history.watches.push_back(std::move(chain));
  }
  for (const Call& call : history.calls) {
    const auto* const read = std::get_if<checker::Read>(&call.request);
    if (read == nullptr || read->query.revision == 0) continue;
    past_reads += call.outcome == Outcome::kOk ? 1 : 0;
    refused_reads += call.failure.reason == Reason::kCompacted ? 1 : 0;
  }
  std::cout << history.calls.size() << " calls, " << history.log.size() << " revisions, oldest " << oldest << "; " << past_reads
            << " reads of the past, " << refused_reads << " refused; " << history.watches.size() << " watches, " << resumes << " resumed, "
            << refused_watches << " refused, " << states << " sent the state instead" << std::endl;
  // Else it has shown nothing.
  for (const int count : {past_reads, refused_reads, resumes, refused_watches, states}) EXPECT_GT(count, 0);
  const std::vector<checker::Violation> violations = checker::Check(history);
  EXPECT_TRUE(violations.empty()) << checker::Report(history, violations);
}

}  // namespace
}  // namespace scoutlight::testing
