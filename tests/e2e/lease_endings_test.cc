// When leases end, and when not: over a restart, all at once, over a stop of the process, over crash after crash. Each is a history that
// is checked, beside what the test says itself. SCOUTLIGHT_TORTURE makes them long.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <iostream>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/checker/check.h"
#include "tests/checker/collector.h"
#include "tests/checker/recorder.h"
#include "tests/checker/store_log.h"
#include "tests/e2e/served_test.h"
#include "tests/support/deadline.h"
#include "tests/support/random.h"
#include "tests/support/watch_reader.h"

namespace scoutlight::testing {
namespace {

using checker::Call;
using checker::Nanos;
using checker::Outage;
using checker::Outcome;

constexpr int kEndsPerSecondMax = 1'000;
// What a busy machine may add to an end: the looks of the server, a commit, the way to the watch.
constexpr absl::Duration kSlack = absl::Seconds(2);
constexpr int kGranters = 32;

absl::Duration Since(Nanos from, Nanos to) { return absl::Nanoseconds(to - from); }

// Leases with a key each, and their owners. Places count them in the order in which they were granted.
class LeaseEndings : public ServedTest {
 protected:
  LeaseEndings() { collector_.Connect(server().address()); }

  Call Make(checker::RecordingClient& client, decltype(Call::request) request, int number = 1) {
    Call call;
    call.client = number;
    call.request = std::move(request);
    return client.Make(std::move(call));
  }

  // Grants `count` leases, each with the key /lease/PLACE, and keeps those that it has alive meanwhile. Fails the test when a call fails.
  void GrantMany(int count, absl::Duration ttl) {
    constexpr int kStep = 1'000;
    checker::RecordingClient owner(&recorder_);
    owner.Connect(server().address());
    Deadline renewed(ttl / 4);
    while (static_cast<int>(ids_.size()) < count) {
      const int first = static_cast<int>(ids_.size());
      const int step = std::min(kStep, count - first);
      std::vector<LeaseId> granted(step);
      std::vector<std::thread> granters;
      for (int i = 0; i < kGranters; ++i) {
        granters.emplace_back([&, i] {
          checker::RecordingClient client(&recorder_);
          client.Connect(server().address());
          for (int at = i; at < step; at += kGranters) {
            const Call call = Make(client, checker::Grant{.id = 0, .ttl = ttl, .request_id = ""}, 100 + i);
            EXPECT_EQ(call.outcome, Outcome::kOk) << call.failure.code;
            if (call.outcome == Outcome::kOk) granted[at] = std::get<checker::GrantAnswer>(call.answer).id;
          }
        });
      }
      for (std::thread& granter : granters) granter.join();
      checker::Write write;
      for (int i = 0; i < step; ++i) {
        ASSERT_NE(granted[i], 0);
        storage::PutOperation put;
        put.key = Key::Parse(absl::StrCat("/lease/", place_ + first + i)).value();
        put.value = {Value::Form::kText, absl::StrCat("of ", place_ + first + i)};
        put.lease_id = granted[i];
        write.on_success.push_back(std::move(put));
      }
      ASSERT_EQ(Make(owner, std::move(write)).outcome, Outcome::kOk);
      ids_.insert(ids_.end(), granted.begin(), granted.end());
      if (!renewed.passed()) continue;
      ASSERT_TRUE(RenewRange(owner, 0, static_cast<int>(ids_.size())));
      renewed = Deadline(ttl / 4);
    }
  }

  // Renews them in batches, over KeepAlive every other time; whether all were there.
  bool RenewRange(checker::RecordingClient& owner, int first, int last) {
    constexpr int kBatch = 5'000;
    bool all = true;
    for (; first < last; first += kBatch) {
      const auto begin = ids_.begin() + first;
      std::vector<LeaseId> ids(begin, begin + std::min(kBatch, last - first));
      const Call call = Make(owner, checker::Renew{.ids = std::move(ids)});
      if (call.outcome != Outcome::kOk) return false;
      for (const Outcome outcome : std::get<checker::RenewAnswer>(call.answer).results) all = all && outcome == Outcome::kOk;
    }
    return all;
  }

  // Kills the server and starts it again.
  void CrashAndRecord() {
    Outage outage{.kind = Outage::Kind::kRestart, .stopped = checker::MonotonicNow()};
    server().Kill();
    outage.halted = outage.started = checker::MonotonicNow();
    Start();
    outage.serving = checker::MonotonicNow();
    recorder_.Add(outage);
    outages_.push_back(outage);
    collector_.Connect(server().address());
  }

  // Lets something happen again and again until `bound` has passed.
  static void Meanwhile(absl::Duration bound, const std::function<void()>& something) {
    for (const Deadline deadline(bound); !deadline.passed();) something();
  }

  // Of how many leases the keys are there.
  size_t KeysLeft() {
    wire::ListRequest request = ListOf("/lease");
    request.set_keys_only(true);
    request.set_page_size(10'000);
    return client().ListAll(request).size();
  }

  // Waits until so many keys are left, while the owners of the places up to `owned` go on renewing every `period`.
  void AwaitKeys(size_t keys, int owned, absl::Duration period, absl::Duration bound) {
    checker::RecordingClient owner(&recorder_);
    owner.Connect(server().address());
    Deadline renewed(absl::ZeroDuration());
    ASSERT_TRUE(WaitUntil(
        [&] {
          if (owned > 0 && renewed.passed()) {
            EXPECT_TRUE(RenewRange(owner, 0, owned)) << "the lease of a living owner has ended";
            renewed = Deadline(period);
          }
          return KeysLeft() <= keys;
        },
        bound))
        << KeysLeft() << " keys are left, not " << keys;
    EXPECT_EQ(KeysLeft(), keys);
  }

  struct End {
    Revision revision = 0;
    int place = 0;
    Nanos received = 0;
    absl::Time committed;  // With the log of the disk.
  };

  // Stops the server, checks the history against what watches got and against the disk, and gives the ends in order.
  std::vector<End> Finish(const checker::LeaseBounds& bounds = {}) {
    EXPECT_TRUE(collector_.WaitFor(client().Revision(), kSoon));
    Stop();
    checker::History history = recorder_.Take();
    checker::AddCollected(collector_.Take(), &history);
    const std::vector<checker::Violation> violations = checker::Check(history, bounds);
    EXPECT_TRUE(violations.empty()) << checker::Report(history, violations);
    checker::History stored;
    checker::AppendLogOfFolder(data_dir(), &stored);
    Start();
    EXPECT_EQ(history.log.size(), stored.log.size()) << "the watch was not told everything";
    std::vector<End> ends;
    for (size_t i = 0; i < std::min(history.log.size(), stored.log.size()); ++i) {
      const checker::LoggedBatch& logged = history.log[i];
      if (logged.batch.events[0].cause != EventCause::kLeaseExpired) continue;
      EXPECT_EQ(logged.batch.events.size(), 1u);
      const std::string path(logged.batch.events[0].key.path());
      ends.push_back({.revision = logged.batch.revision,
                      .place = std::stoi(path.substr(path.rfind('/') + 1)),
                      .received = logged.received,
                      .committed = stored.log[i].batch.committed});
    }
    calls_ = std::move(history.calls);
    return ends;
  }

  static std::set<int> PlacesOf(const std::vector<End>& ends) {
    std::set<int> places;
    for (const End& end : ends) EXPECT_TRUE(places.insert(end.place).second) << end.place << " ends twice";
    return places;
  }

  static std::set<int> Range(int first, int last) {
    std::set<int> places;
    for (; first < last; ++first) places.insert(places.end(), first);
    return places;
  }

  checker::Recorder recorder_;
  checker::Collector collector_;
  std::vector<LeaseId> ids_;  // By place.
  int place_ = 0;             // Of the first of them.
  std::vector<Outage> outages_;
  std::vector<Call> calls_;  // After Finish().
};

TEST_F(LeaseEndings, AfterARestartOwnersThatLiveKeepTheirsAndTheDeadLoseTheirs) {
  const int leases = IsTorture() ? 100'000 : 10'000;
  const int owned = leases / 10 * 9;
  const absl::Duration ttl = IsTorture() ? absl::Seconds(30) : absl::Seconds(6);
  GrantMany(leases, ttl);
  if (HasFatalFailure()) return;
  CrashAndRecord();
  const absl::Duration bound = ttl * 1.1 + absl::Seconds(leases - owned) / kEndsPerSecondMax + kSlack;
  AwaitKeys(static_cast<size_t>(owned), owned, ttl / 4, bound + kSoon);
  if (HasFatalFailure()) return;
  const std::vector<End> ends = Finish();
  EXPECT_EQ(PlacesOf(ends), Range(owned, leases));
  ASSERT_FALSE(ends.empty());
  const absl::Duration first = Since(outages_[0].started, ends.front().received);
  const absl::Duration last = Since(outages_[0].serving, ends.back().received);
  std::cout << ends.size() << " of " << leases << " leases ended from " << first << " to " << last << " after the start, bound " << bound
            << std::endl;
  EXPECT_GE(first, ttl) << "time in which the server did not run was counted";
  EXPECT_LE(last, bound);
}

TEST_F(LeaseEndings, WhenAllEndInOneSecondWritersGoOn) {
  constexpr int kWriters = 4;
  const int leases = IsTorture() ? 100'000 : 10'000;
  const absl::Duration ttl = IsTorture() ? absl::Seconds(20) : absl::Seconds(6);
  GrantMany(leases, ttl);
  if (HasFatalFailure()) return;
  {
    checker::RecordingClient owner(&recorder_);
    owner.Connect(server().address());
    ASSERT_TRUE(RenewRange(owner, 0, leases));
  }
  const Nanos renewed = checker::MonotonicNow();
  WatchReader live(client(), WatchOf("/lease", wire::SCOPE_SUBTREE));
  ASSERT_TRUE(live.NextOf(wire::WatchResponse::KIND_STARTED).has_value());
  std::atomic<bool> stop = false;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      checker::RecordingClient client(&recorder_);
      client.Connect(server().address());
      for (int i = 0; !stop; ++i) {
        storage::PutOperation put;
        put.key = Key::Parse(absl::StrCat("/writer/", writer)).value();
        put.value = {Value::Form::kText, absl::StrCat(writer, ":", i)};
        const Call call =
            Make(client, checker::Write{.form = checker::Write::Form::kPut, .on_success = {std::move(put)}, .on_failure = {}}, writer + 10);
        EXPECT_EQ(call.outcome, Outcome::kOk);
        if (call.outcome != Outcome::kOk) return;
      }
    });
  }
  // A watch of the subtree gets each delete as it comes.
  std::set<std::string> gone;
  while (gone.size() < static_cast<size_t>(leases)) {
    const auto frame = live.NextOf(wire::WatchResponse::KIND_CHANGES, ttl + absl::Seconds(leases) / kEndsPerSecondMax + kSoon);
    if (!frame.has_value()) break;
    for (const wire::Event& event : frame->events()) {
      EXPECT_EQ(event.kind(), wire::Event::KIND_DELETE);
      EXPECT_TRUE(gone.insert(event.entry().key()).second);
    }
  }
  stop = true;
  for (std::thread& writer : writers) writer.join();
  ASSERT_EQ(gone.size(), static_cast<size_t>(leases));
  checker::LeaseBounds bounds;
  bounds.late += absl::Seconds(leases) / kEndsPerSecondMax;
  const std::vector<End> ends = Finish(bounds);
  ASSERT_EQ(PlacesOf(ends), Range(0, leases));

  // What the writers met, before the first end and while leases ended.
  std::vector<Nanos> idle, busy;
  for (const Call& call : calls_) {
    if (call.client < 10 || call.client >= 10 + kWriters) continue;
    if (call.returned < ends.front().received) idle.push_back(call.returned - call.called);
    if (call.called > ends.front().received && call.returned < ends.back().received) busy.push_back(call.returned - call.called);
  }
  ASSERT_GT(idle.size(), 100u);
  ASSERT_GT(busy.size(), 100u);
  const auto p99 = [](std::vector<Nanos>& took) {
    std::sort(took.begin(), took.end());
    return absl::Nanoseconds(took[took.size() * 99 / 100]);
  };
  const absl::Duration p99_idle = p99(idle), p99_busy = p99(busy);
  int most = 0;
  size_t oldest = 0;
  for (size_t i = 0; i < ends.size(); ++i) {
    while (ends[i].committed - ends[oldest].committed >= absl::Seconds(1)) ++oldest;
    most = std::max(most, static_cast<int>(i - oldest) + 1);
  }
  std::cout << leases << " leases ended in " << ends.back().committed - ends.front().committed << ", the last "
            << Since(renewed, ends.back().received) - ttl << " after its time; at most " << most << " in a second; puts' p99 " << p99_idle
            << " before (" << idle.size() << " puts), " << p99_busy << " meanwhile (" << busy.size() << " puts)" << std::endl;
  // The allowance of a second, and what may have been saved up.
  EXPECT_LE(most, kEndsPerSecondMax * 11 / 10);
  // Far from what it is: the figure is the benchmark's.
  EXPECT_LE(p99_busy, absl::Seconds(1));
}

TEST_F(LeaseEndings, TimeInWhichTheProcessWasStoppedDoesNotCount) {
  constexpr int kLeases = 100, kOwned = 50;
  constexpr absl::Duration kTtl = absl::Seconds(5);
  const absl::Duration pause = IsTorture() ? absl::Seconds(30) : absl::Seconds(8);
  GrantMany(kLeases, kTtl);
  if (HasFatalFailure()) return;
  checker::RecordingClient owner(&recorder_);
  owner.Connect(server().address());
  ASSERT_TRUE(RenewRange(owner, 0, kLeases));
  WatchReader watch(client(), WatchOf("/lease", wire::SCOPE_SUBTREE));
  ASSERT_TRUE(watch.NextOf(wire::WatchResponse::KIND_STARTED).has_value());

  Outage outage{.kind = Outage::Kind::kPause, .stopped = checker::MonotonicNow()};
  ASSERT_TRUE(server().Stop());
  outage.halted = checker::MonotonicNow();
  EXPECT_FALSE(watch.Next(pause).has_value()) << "a stopped process says nothing";
  ASSERT_FALSE(watch.ended());
  outage.started = checker::MonotonicNow();
  server().Signal(SIGCONT);
  ASSERT_TRUE(RenewRange(owner, 0, kOwned)) << "owners could not renew while the process was stopped";
  outage.serving = checker::MonotonicNow();
  recorder_.Add(outage);

  AwaitKeys(kOwned, kOwned, absl::Seconds(1), kTtl + kSoon);
  if (HasFatalFailure()) return;
  const std::vector<End> ends = Finish();
  EXPECT_EQ(PlacesOf(ends), Range(kOwned, kLeases));
  ASSERT_FALSE(ends.empty());
  const absl::Duration last = Since(outage.serving, ends.back().received);
  std::cout << "the leases of the dead ended from " << Since(outage.started, ends.front().received) << " to " << last
            << " after the process went on" << std::endl;
  EXPECT_LE(last, kTtl + kSlack);
}

TEST_F(LeaseEndings, ThreeCrashesInARowDoNotKeepADeadOwnersLease) {
  constexpr absl::Duration kTtl = absl::Seconds(5);
  const int rounds = IsTorture() ? 10 : 1;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    place_ = round;
    ids_.clear();
    const Nanos granted_after = checker::MonotonicNow();
    GrantMany(1, kTtl);
    if (HasFatalFailure()) return;
    const size_t crashes_before = outages_.size();
    for (int crash = 0; crash < 3; ++crash) {
      // It serves for a while, and somebody else writes.
      checker::RecordingClient writer(&recorder_);
      writer.Connect(server().address());
      int i = 0;
      Meanwhile(absl::Milliseconds(700 + 400 * crash), [&] {
        storage::PutOperation put;
        put.key = Key::Parse("/other").value();
        put.value = {Value::Form::kText, absl::StrCat(round, ":", crash, ":", ++i)};
        const Call call = Make(writer, checker::Write{.form = checker::Write::Form::kPut, .on_success = {put}, .on_failure = {}}, 2);
        ASSERT_EQ(call.outcome, Outcome::kOk);
      });
      CrashAndRecord();
    }
    AwaitKeys(0, 0, absl::ZeroDuration(), 2 * kTtl + kSoon);
    if (HasFatalFailure()) return;
    const Nanos gone = checker::MonotonicNow();
    // The time in which a server served.
    absl::Duration served = Since(granted_after, gone);
    for (size_t i = crashes_before; i < outages_.size(); ++i) served -= Since(outages_[i].halted, outages_[i].started);
    std::cout << "lease " << round << " was gone after " << served << " of serving" << std::endl;
    EXPECT_LE(served, 2 * kTtl + kTtl / 10 + 3 * absl::Seconds(1) + kSlack);
  }
  EXPECT_EQ(PlacesOf(Finish()).size(), static_cast<size_t>(rounds));
}

}  // namespace
}  // namespace scoutlight::testing
