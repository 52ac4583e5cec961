// Two servers over three members of an etcd, of which each dies, stops and comes back under all kinds of calls and watches, that move from
// one server to the other: the history of what the clients were told is checked against what a watch of everything was sent.
// SCOUTLIGHT_SEED repeats a run's choices; SCOUTLIGHT_TORTURE makes it long.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/etcd/etcd_process.h"
#include "tests/checker/check.h"
#include "tests/checker/collector.h"
#include "tests/checker/gaps.h"
#include "tests/checker/recorder.h"
#include "tests/checker/watch_mix.h"
#include "tests/checker/workload.h"
#include "tests/e2e/served_cluster.h"
#include "tests/support/deadline.h"
#include "tests/support/random.h"

namespace scoutlight::testing {
namespace {

using checker::MonotonicNow;
using checker::Outage;
using Role = ServedCluster::Role;

constexpr int kServers = ServedCluster::kServers;
// Etcd's least.
constexpr absl::Duration kTtlMin = absl::Seconds(2);
constexpr absl::Duration kTtlMax = absl::Seconds(4);
// Longer than a member may be silent until the servers leave it.
constexpr absl::Duration kPause = absl::Milliseconds(1'800);

class ClusterHistory : public ::testing::Test {
 protected:
  ClusterHistory() : seed_(Seed()), random_(seed_) {
    for (int i = 0; i < kServers; ++i) watches_.push_back(std::make_unique<checker::WatchMix>(/*resuming=*/4, /*fresh=*/3, seed_ + i));
  }

  void SetUp() override {
    ASSERT_TRUE(cluster_.runs());
    ASSERT_TRUE(cluster_.AwaitServing());
  }

  // The watches of each go to the other server, and back.
  void MoveWatches() {
    ++moves_;
    collector_.Connect(cluster_.addresses()[moves_ % kServers]);
    for (int i = 0; i < kServers; ++i) watches_[i]->Connect(cluster_.addresses()[(i + moves_) % kServers]);
  }

  bool AwaitCalls(int count) { return recorder_.WaitForCalls(recorder_.calls() + count, kSoon); }

  // Whoever leads etcd after a member was away may be another: one that comes back can force an election.
  void Record(checker::Nanos began) {
    cluster_.AwaitLeader();
    const checker::Nanos now = MonotonicNow();
    recorder_.Add({.kind = Outage::Kind::kNewLeader, .stopped = began, .halted = began, .started = began, .serving = now});
  }

  void KillMember(Role role) {
    const int dead = cluster_.Pick(role, &random_);
    const checker::Nanos began = MonotonicNow();
    cluster_.member(dead).Kill();
    cluster_.AwaitLeader(dead);
    EXPECT_TRUE(AwaitCalls(Between(1, 200, &random_)));
    ASSERT_TRUE(cluster_.member(dead).Restart());
    Record(began);
  }

  void PauseMember(Role role) {
    const int stopped = cluster_.Pick(role, &random_);
    // Who does not answer may.
    const bool led = role == Role::kLeader || cluster_.member(stopped).Leads().value_or(true);
    Outage outage{.kind = Outage::Kind::kOldLeader, .stopped = MonotonicNow()};
    cluster_.member(stopped).Pause();
    outage.halted = MonotonicNow();
    const Deadline resumed(kPause);
    // Calls go on meanwhile.
    recorder_.WaitForCalls(recorder_.calls() + 1'000'000, resumed.left());
    cluster_.AwaitLeader(stopped);
    outage.started = MonotonicNow();
    cluster_.member(stopped).Resume();
    // Twice: they are asked one after the other.
    EXPECT_TRUE(WaitUntil([this] { return cluster_.AgreeOnLeader() && cluster_.AgreeOnLeader(); }))
        << "the members do not agree on who leads";
    outage.serving = MonotonicNow();
    if (led && old_leaders_end_leases_) recorder_.Add(outage);
    Record(outage.stopped);
  }

  void LoseQuorum() {
    const int left = Between(0, ServedCluster::kMembers - 1, &random_);
    const checker::Nanos began = MonotonicNow();
    for (int i = 0; i < ServedCluster::kMembers; ++i) {
      if (i != left) cluster_.member(i).Kill();
    }
    recorder_.WaitForCalls(recorder_.calls() + 1'000'000, absl::Seconds(Between(1, IsTorture() ? 10 : 4, &random_)));
    for (int i = 0; i < ServedCluster::kMembers; ++i) {
      if (i == left) continue;
      ASSERT_TRUE(cluster_.member(i).Restart());
    }
    Record(began);
  }

  void KillServer() {
    const int dead = Between(0, kServers - 1, &random_);
    cluster_.KillServer(dead);
    // All are at the other one, but for those that were at the dead one alone.
    for (int i = 0; i < kServers; ++i) watches_[i]->Connect(cluster_.addresses()[1 - dead]);
    collector_.Connect(cluster_.addresses()[1 - dead]);
    EXPECT_TRUE(AwaitCalls(Between(1, 200, &random_)));
    cluster_.StartServer(dead);
  }

  // One client that reads everything, for what came of the last calls. Gives the latest revision.
  Revision ReadAll() {
    checker::RecordingClient reader(&recorder_);
    reader.Connect(cluster_.addresses()[0]);
    checker::Call call;
    call.request = checker::Read{.is_get = false, .query = {.range = {Key(), Scope::kSubtree}, .entries_max = 10'000}};
    const checker::Call answered = reader.Make(call);
    EXPECT_EQ(answered.outcome, checker::Outcome::kOk);
    return answered.outcome == checker::Outcome::kOk ? std::get<checker::ReadAnswer>(answered.answer).revision : 0;
  }

  // All but those that the servers keep for themselves.
  bool LeasesHaveEnded() {
    const auto leases = cluster_.client(0).Send(wire::ListLeasesRequest());
    return leases.ok() && leases->leases_size() == ServedCluster::kServers;
  }

  // Everything that was seen, whole.
  checker::History Take() {
    const Revision latest = ReadAll();
    EXPECT_TRUE(collector_.WaitFor(latest, kSoon));
    for (const auto& watches : watches_) EXPECT_TRUE(watches->WaitFor(latest, kSoon));
    // With the streams open: they are told how far they came.
    cluster_.StopServers();
    checker::History history = recorder_.Take();
    checker::AddCollected(collector_.Take(), &history);
    for (const auto& watches : watches_) watches->AddTo(&history);
    return history;
  }

  const bool old_leaders_end_leases_ = storage::EtcdProcess::OldLeadersEndLeases();
  const uint64_t seed_;
  Random random_;
  ServedCluster cluster_;
  checker::Recorder recorder_;
  checker::Collector collector_;
  std::vector<std::unique_ptr<checker::WatchMix>> watches_;  // By the server where they began.
  size_t moves_ = 0;
};

struct Counts {
  int unknown = 0;     // Calls without an outcome.
  int lease_ends = 0;  // Revisions at which keys went with their lease.
  int written = 0;     // Revisions that changed something.
};

Counts CountsOf(const checker::History& history) {
  Counts counts;
  for (const checker::Call& call : history.calls) counts.unknown += call.outcome == checker::Outcome::kUnknown ? 1 : 0;
  for (const checker::LoggedBatch& logged : history.log) {
    if (logged.batch.events.empty()) continue;
    ++counts.written;
    counts.lease_ends += logged.batch.events[0].cause == EventCause::kLeaseExpired ? 1 : 0;
  }
  return counts;
}

TEST_F(ClusterHistory, EveryAnswerAndFrameFitsOneOrderOfStates) {
  const struct {
    const char* what;
    std::function<void()> make;
  } faults[] = {
      {"a member dies", [this] { KillMember(Role::kFollower); }},
      {"the leader dies", [this] { KillMember(Role::kLeader); }},
      {"a member stops", [this] { PauseMember(Role::kFollower); }},
      {"the leader stops", [this] { PauseMember(Role::kLeader); }},
      {"two members die", [this] { LoseQuorum(); }},
      {"a server dies", [this] { KillServer(); }},
      {"a server dies, once more", [this] { KillServer(); }},
  };
  checker::Workload workload({.clients = 8, .seed = seed_, .mix = {.ttl_min = kTtlMin, .ttl_max = kTtlMax}}, &recorder_);
  workload.StartOver(cluster_.addresses());
  MoveWatches();
  const int rounds = IsTorture() ? 20 : 1;
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    std::vector<size_t> order;
    for (size_t i = 0; i < std::size(faults); ++i) order.push_back(i);
    std::shuffle(order.begin(), order.end(), random_);
    for (const size_t fault : order) {
      SCOPED_TRACE(absl::StrCat("round ", round, ": ", faults[fault].what));
      const size_t calls = recorder_.calls();
      const absl::Duration began = SteadyNow();
      EXPECT_TRUE(AwaitCalls(Between(1, 300, &random_)));
      faults[fault].make();
      if (HasFailure() || !cluster_.AwaitServing()) break;
      std::cout << faults[fault].what << ": " << recorder_.calls() - calls << " calls in " << SteadyNow() - began << std::endl;
      MoveWatches();
    }
  }
  workload.Finish();
  // Nobody renews any more: when all leases have ended, nothing changes by itself.
  EXPECT_TRUE(WaitUntil([this] { return LeasesHaveEnded(); })) << "leases of dead owners live on";
  checker::History history = Take();
  checker::FillGaps(&history);
  history.over_etcd = true;
  const Counts counts = CountsOf(history);
  std::cout << history.calls.size() << " calls, of which " << counts.unknown << " are open, " << counts.written << " of "
            << history.log.size() << " revisions, " << history.watches.size() << " watches, " << counts.lease_ends << " ends of leases"
            << std::endl;
  EXPECT_GT(counts.lease_ends, 0);
  const std::vector<checker::Violation> violations = checker::Check(history);
  EXPECT_TRUE(violations.empty()) << checker::Report(history, violations);
}

}  // namespace
}  // namespace scoutlight::testing
