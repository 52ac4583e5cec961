// kill -9, SIGSTOP and wiped data under all kinds of clients of discovery: what they were told of registrations is checked against the logs
// of the stores. SCOUTLIGHT_SEED repeats a run's choices; SCOUTLIGHT_TORTURE makes it long.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"
#include "tests/checker/registration_check.h"
#include "tests/checker/registration_recorder.h"
#include "tests/checker/registration_workload.h"
#include "tests/e2e/discovery_fixture.h"
#include "tests/support/deadline.h"
#include "tests/support/random.h"

namespace scoutlight::testing {
namespace {

using checker::RegistrationWorkload;

// Lives of the server in one history, and what happens in some of them.
constexpr int kCycles = 6;
constexpr int kPausedCycle = 2;
constexpr int kWipedCycle = 3;
constexpr int kDrainCycle = 4;
constexpr int kLossCycle = 5;

// What a run must have judged at least, after it has waited out what follows a start.
constexpr size_t kCompleteDrainsMin = 20;
constexpr absl::Duration kDrainsBound = absl::Seconds(90);

class RegistrationHistory : public Discovery {
 protected:
  // The server again, on what is in its folder.
  void StartRecorded() {
    recorder_.Spawned();
    Start();
    recorder_.Serving();
    Connect();
    store_id_ = Call(&disco::DiscoveryService::Stub::ListClusters, disco::ListClustersRequest())->store_id();
  }
  void KillRecorded() {
    recorder_.Stopping();
    server().Kill();
    recorder_.Ended();
  }

  // Waits until a lease as most clients have them has ended, on a store that is not stopped.
  static void AwaitEndOfALease() {
    const std::unique_ptr<storage::Store> store = storage::OpenMemoryStore(Clock::System());
    store->BeginServing();
    const storage::SyncStore sync(store.get());
    const LeaseId lease = sync.Grant(absl::Seconds(1)).lease.id;
    EXPECT_TRUE(WaitUntil([&] { return absl::IsNotFound(sync.GetLease(lease).status); }));
  }

  // Stops it for longer than most leases last, and lets it go on.
  void PauseRecorded() {
    disco::WatchRequest quiet = WatchedService("Quiet");
    quiet.mutable_heartbeat()->set_seconds(3'600);
    InstanceReader watch(*discovery_, quiet);
    ASSERT_TRUE(watch.NextEvent().has_value());
    recorder_.Pausing();
    EXPECT_TRUE(server().Stop());
    recorder_.Paused();
    AwaitEndOfALease();
    EXPECT_FALSE(watch.Next(absl::ZeroDuration()).has_value()) << "a stopped process says nothing";
    recorder_.Resuming();
    server().Signal(SIGCONT);
    EXPECT_TRUE(Call(&disco::DiscoveryService::Stub::ListClusters, disco::ListClustersRequest()).ok());
    recorder_.Resumed();
  }

  // Its data is lost while it is down.
  void Wipe() {
    recorder_.AddLogOfFolder(store_id_, data_dir());
    std::filesystem::remove_all(data_dir());
  }

  // One life of the server: some calls, then what this cycle has in store for it, then its end.
  void RunCycle(int cycle, RegistrationWorkload* workload, Random* random) {
    StartRecorded();
    workload->Start(server().address());
    EXPECT_TRUE(AwaitMoreCalls(Between(100, IsTorture() ? 3'000 : 1'000, random)));
    if (cycle == kPausedCycle) PauseRecorded();
    if (cycle == kLossCycle) LoseMortals(4);
    if (cycle == kDrainCycle) AwaitCompleteDrains();
    KillRecorded();
    workload->Join();
    if (cycle == kWipedCycle) Wipe();
  }
  bool AwaitMoreCalls(size_t count) { return recorder_.WaitForCalls(recorder_.calls() + count, kSoon); }

  void RegisterRecorded(const disco::RegisterRequest& request) {
    const checker::Nanos called = checker::MonotonicNow();
    const auto answered = Register(request);
    recorder_.Answered(0, called, request, answered.status, answered.message);
    EXPECT_TRUE(answered.ok()) << answered.status.error_message();
  }

  // Registers instances whose owner is never heard of again, and waits until their leases have ended: so many are held.
  void LoseMortals(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      disco::RegisterRequest request = RegisterOf(RegistrationWorkload::kMortal, absl::StrCat("m", i), kLaser);
      request.mutable_ttl()->set_seconds(1);
      request.set_session_id("mortal");
      RegisterRecorded(request);
    }
    EXPECT_TRUE(WaitUntil([&] { return Ids(RegistrationWorkload::kMortal, "status == OWNER_LOST").size() == count; }));
    EXPECT_TRUE(AwaitMoreCalls(200));
  }

  // The first ones come 15 s after a start.
  void AwaitCompleteDrains() {
    EXPECT_TRUE(recorder_.WaitForCompleteDrains(kCompleteDrainsMin, kDrainsBound));
    EXPECT_TRUE(AwaitMoreCalls(IsTorture() ? 3'000 : 300));
  }

  checker::RegistrationRecorder recorder_;
  std::string store_id_;
};

// What there was to check.
struct Counts {
  explicit Counts(const checker::RegistrationHistory& history) {
    for (const checker::StoreLog& log : history.stores) {
      revisions += log.log.size();
      lease_ends += std::count_if(log.log.begin(), log.log.end(), [](const checker::LoggedBatch& logged) {
        return logged.batch.events[0].cause == EventCause::kLeaseExpired;
      });
    }
    for (const checker::ObserverStream& stream : history.observers) frames += stream.frames.size();
    reads_of_held = std::count_if(history.reads.begin(), history.reads.end(),
                                  [](const checker::DiscoveryRead& read) { return !read.shown.empty() && read.shown[0].held; });
    complete_drains =
        std::count_if(history.calls.begin(), history.calls.end(), [](const checker::RegistrationCall& call) { return call.complete; });
    text = absl::StrCat(history.calls.size(), " changes, ", history.reads.size(), " reads (", reads_of_held, " of held ones), ",
                        history.sessions.size(), " streams of sessions, ", history.observers.size(), " of observers with ", frames,
                        " frames, ", complete_drains, " complete drains, ", revisions, " revisions in ", history.stores.size(), " stores, ",
                        lease_ends, " ends of leases");
  }

  size_t revisions = 0;
  size_t lease_ends = 0;
  size_t frames = 0;
  size_t reads_of_held = 0;
  size_t complete_drains = 0;
  std::string text;
};

TEST_F(RegistrationHistory, EveryAnswerAndFrameFitsTheLog) {
  const uint64_t seed = Seed();
  Random random(seed);
  RegistrationWorkload workload({.seed = seed}, &recorder_);
  server().Kill();
  // Each round has a history of its own, from empty stores on, so that memory is bounded.
  for (int round = 0, rounds = IsTorture() ? 10 : 1; round < rounds && !HasFailure(); ++round) {
    for (int cycle = 0; cycle < kCycles; ++cycle) RunCycle(cycle, &workload, &random);
    Wipe();
    const checker::RegistrationHistory history = recorder_.Take();
    const Counts counts(history);
    std::cout << counts.text << std::endl;
    // Without them it judges less than it says.
    EXPECT_GE(counts.complete_drains, kCompleteDrainsMin);
    EXPECT_EQ(checker::ReportRegistrations(checker::CheckRegistrations(history)), "");
  }
  Start();
}

}  // namespace
}  // namespace scoutlight::testing
