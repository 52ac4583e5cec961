#include "client/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/error.h"
#include "client/registry.h"
#include "client/testing/server.h"
#include "client/testing/silent_server.h"

namespace scoutlight {
namespace {

using Kind = WatchEvent::Kind;
using ResetCause = WatchEvent::ResetCause;

constexpr absl::Duration kSoon = absl::Seconds(60);
constexpr absl::Duration kDestructionMax = absl::Seconds(5);

// A copy of the range, kept true by a watch's events alone.
class Copy {
 public:
  void Take(const WatchEvent& event) {
    switch (event.kind) {
      case Kind::kReset:
        resets_.push_back(event.cause);
        values_.clear();
        break;
      case Kind::kSnapshot:
        for (const Entry& entry : event.entries) values_[entry.key.path()] = entry.value.bytes;
        break;
      case Kind::kChanges:
        EXPECT_GT(event.revision, revision_);
        for (const Event& change : event.events) {
          if (change.kind == EventKind::kPut) {
            values_[change.key.path()] = change.entry.value.bytes;
          } else {
            values_.erase(change.key.path());
          }
        }
        break;
      default:
        break;
    }
    in_state_ = event.kind == Kind::kReset || event.kind == Kind::kSnapshot;
    // Another store counts anew.
    revision_ = event.kind == Kind::kReset ? 0 : event.revision;
  }

  // Takes events until everything up to `revision` was told.
  void TakeUntil(WatchReader* watch, Revision revision) {
    const absl::Time deadline = absl::Now() + kSoon;
    while (revision_ < revision || in_state_) {
      const std::optional<WatchEvent> event = watch->Next(deadline - absl::Now());
      ASSERT_TRUE(event.has_value()) << watch->status() << " " << watch->trouble();
      Take(*event);
    }
  }

  const std::map<std::string, std::string>& values() const { return values_; }
  const std::vector<ResetCause>& resets() const { return resets_; }
  Revision revision() const { return revision_; }

 private:
  Revision revision_ = 0;
  bool in_state_ = false;
  std::map<std::string, std::string> values_;
  std::vector<ResetCause> resets_;
};

class WatchTest : public ::testing::Test {
 protected:
  Revision Put(const std::string& key, const std::string& text) {
    const absl::StatusOr<PutResult> put = registry_.Put(key, text);
    EXPECT_TRUE(put.ok()) << put.status();
    return put.ok() ? put->state.revision : 0;
  }
  WatchEvent NextOf(WatchReader* watch) {
    std::optional<WatchEvent> event = watch->Next(kSoon);
    EXPECT_TRUE(event.has_value()) << watch->status() << " " << watch->trouble();
    return event.value_or(WatchEvent());
  }

  testing::Server server_;
  Connection connection_ = server_.Connect({.timeout = absl::Seconds(60)});
  Registry registry_{connection_};
};

TEST_F(WatchTest, TellsTheStateAndThenEachTransaction) {
  Put("/a/x", "1");
  WatchReader watch(connection_, "/a", {.scope = Scope::kSubtree, .snapshot = true, .previous = true});
  EXPECT_EQ(NextOf(&watch).kind, Kind::kReset);
  const WatchEvent state = NextOf(&watch);
  EXPECT_EQ(state.kind, Kind::kSnapshot);
  EXPECT_EQ(state.entries[0].value, TextValue("1"));
  EXPECT_EQ(NextOf(&watch).kind, Kind::kSnapshotEnd);
  ASSERT_TRUE(registry_.PutAll({{"/a/x", TextValue("2")}, {"/a/y", TextValue("3")}, {"/elsewhere", TextValue("4")}}).ok());
  const WatchEvent changes = NextOf(&watch);
  EXPECT_EQ(changes.kind, Kind::kChanges);
  ASSERT_EQ(changes.events.size(), 2u);
  EXPECT_EQ(changes.events[0].previous->value, TextValue("1"));
  EXPECT_TRUE(changes.events[1].previous_known);
  EXPECT_FALSE(changes.events[1].previous.has_value());
  EXPECT_GT(changes.committed, absl::Now() - absl::Hours(1));
  const LeaseId lease = registry_.GrantLease(absl::Seconds(60))->lease.id;
  ASSERT_TRUE(registry_.Put("/a/z", TextValue("5"), {.lease_id = lease}).ok());
  EXPECT_EQ(NextOf(&watch).events[0].entry.lease_id, lease);
  ASSERT_TRUE(registry_.RevokeLease(lease).ok());
  const WatchEvent ended = NextOf(&watch);
  EXPECT_EQ(ended.events[0].kind, EventKind::kDelete);
  EXPECT_EQ(ended.events[0].cause, EventCause::kLeaseRevoked);
}

TEST_F(WatchTest, TellsProgress) {
  WatchReader watch(connection_, "/a", {.progress_interval = absl::Milliseconds(100)});
  EXPECT_EQ(NextOf(&watch).kind, Kind::kStarted);
  const Revision elsewhere = Put("/b", "x");
  WatchEvent event;
  while (event.revision < elsewhere) {
    event = NextOf(&watch);
    EXPECT_EQ(event.kind, Kind::kProgress);
  }
}

TEST_F(WatchTest, MissesNothingOverRestarts) {
  WatchReader watch(connection_, "/a", {.scope = Scope::kSubtree});
  EXPECT_EQ(NextOf(&watch).kind, Kind::kStarted);
  std::atomic<bool> stop = false;
  std::thread restarts([&] {
    while (!stop) server_.Restart();
  });
  std::vector<Revision> written;
  for (int i = 0; i < 300; ++i) written.push_back(Put("/a/x", absl::StrCat(i)));
  stop = true;
  restarts.join();
  std::vector<Revision> told;
  while (told.size() < written.size()) {
    const WatchEvent event = NextOf(&watch);
    if (event.kind == Kind::kChanges) told.push_back(event.revision);
    ASSERT_NE(event.kind, Kind::kReset);
    ASSERT_NE(event.revision, 0);
  }
  EXPECT_EQ(told, written);
}

TEST_F(WatchTest, SaysThatTheStoreWasReplaced) {
  const Revision old = Put("/a", "old");
  WatchReader watch(connection_, "/", {.scope = Scope::kSubtree, .snapshot = true});
  Copy copy;
  copy.TakeUntil(&watch, old);
  EXPECT_EQ(copy.values(), (std::map<std::string, std::string>{{"/a", "old"}}));
  server_.Wipe();
  while (copy.resets().size() < 2) copy.Take(NextOf(&watch));
  copy.TakeUntil(&watch, Put("/b", "new"));
  EXPECT_EQ(copy.resets().back(), ResetCause::kReplaced);
  EXPECT_EQ(copy.values(), (std::map<std::string, std::string>{{"/b", "new"}}));
}

TEST_F(WatchTest, SaysWhatWasCompactedAway) {
  const Revision first = Put("/a", "1");
  Put("/a", "2");
  server_.Compact();
  WatchReader watch(connection_, "/a", {.start_revision = first, .store_id = connection_.store_id()});
  const WatchEvent reset = NextOf(&watch);
  EXPECT_EQ(reset.kind, Kind::kReset);
  EXPECT_EQ(reset.cause, ResetCause::kMissed);
  const WatchEvent state = NextOf(&watch);
  ASSERT_EQ(state.entries.size(), 1u);
  EXPECT_EQ(state.entries[0].value, TextValue("2"));
}

TEST_F(WatchTest, SaysSoWhenCompactionOvertakesASlowReader) {
  WatchReader slow(connection_, "/a", {.scope = Scope::kSubtree, .buffer_bytes = 1'024});
  EXPECT_EQ(NextOf(&slow).kind, Kind::kStarted);
  Revision last = 0;
  for (int i = 0; i < 100; ++i) last = Put(absl::StrCat("/a/", i), std::string(1'000, 'x'));
  server_.Compact();
  Copy copy;
  copy.TakeUntil(&slow, last);
  // The state is larger than the buffer, so it begins anew once, if the first beginning was taken by then.
  EXPECT_THAT(copy.resets(), ::testing::AnyOf(::testing::ElementsAre(ResetCause::kMissed),
                                              ::testing::ElementsAre(ResetCause::kMissed, ResetCause::kMissed)));
  EXPECT_EQ(copy.values().size(), 100u);
}

TEST_F(WatchTest, EndsWhenItShallOnAGap) {
  const Revision first = Put("/a", "1");
  Put("/a", "2");
  server_.Compact();
  WatchReader watch(connection_, "/a", {.start_revision = first, .on_gap = WatchOptions::OnGap::kEnd});
  EXPECT_FALSE(watch.Next(kSoon).has_value());
  EXPECT_EQ(ReasonOf(watch.status()), Reason::kCompacted);
  WatchReader other(connection_, "/a", {.start_revision = 2, .store_id = "another", .on_gap = WatchOptions::OnGap::kEnd});
  EXPECT_FALSE(other.Next(kSoon).has_value());
  EXPECT_EQ(ReasonOf(other.status()), Reason::kStoreReplaced);
  WatchReader future(connection_, "/a", {.start_revision = 1'000});
  EXPECT_FALSE(future.Next(kSoon).has_value());
  EXPECT_EQ(ReasonOf(future.status()), Reason::kFutureRevision);
}

TEST_F(WatchTest, SaysWhatIsWrongWithItsOptions) {
  WatchReader key(connection_, "/a//b");
  EXPECT_FALSE(key.Next(kSoon).has_value());
  EXPECT_EQ(ReasonOf(key.status()), Reason::kInvalidKey);
  WatchReader interval(connection_, "/a", {.progress_interval = absl::Milliseconds(99)});
  EXPECT_FALSE(interval.Next(kSoon).has_value());
  EXPECT_EQ(interval.status().code(), absl::StatusCode::kInvalidArgument);
  for (const size_t bytes : {size_t{1023}, (size_t{1} << 30) + 1}) {
    WatchReader buffer(connection_, "/a", {.buffer_bytes = bytes});
    EXPECT_FALSE(buffer.Next(kSoon).has_value());
    EXPECT_EQ(DetailsOf(buffer.status())->violations[0].field, "buffer_bytes");
  }
  for (const size_t bytes : {size_t{1024}, size_t{1} << 30}) {
    WatchReader buffer(connection_, "/a", {.buffer_bytes = bytes});
    EXPECT_EQ(NextOf(&buffer).kind, Kind::kStarted);
  }
}

// More than the buffer holds, state and changes: the slow one gets all, and the other one does not wait for it.
TEST_F(WatchTest, ASlowReaderMissesNothingAndHoldsUpNobody) {
  const std::string big(500'000, 'x');
  for (int i = 0; i < 40; ++i) Put(absl::StrCat("/big/", i), big);
  WatchReader slow(connection_, "/big", {.scope = Scope::kSubtree, .snapshot = true, .buffer_bytes = 1 << 20});
  WatchReader quick(connection_, "/big", {.scope = Scope::kSubtree});
  EXPECT_EQ(NextOf(&quick).kind, Kind::kStarted);
  Revision last = 0;
  for (int i = 0; i < 40; ++i) last = Put(absl::StrCat("/big/", i), big + "y");
  for (WatchEvent event = NextOf(&quick); event.revision < last; event = NextOf(&quick)) {
  }
  Copy copy;
  copy.TakeUntil(&slow, last);
  ASSERT_EQ(copy.values().size(), 40u);
  for (const auto& [key, value] : copy.values()) EXPECT_EQ(value.size(), big.size() + 1) << key;
}

TEST_F(WatchTest, ManyWatchesShareAConnection) {
  constexpr int kWatches = 2'000;
  std::vector<std::unique_ptr<WatchReader>> watches;
  for (int i = 0; i < kWatches; ++i) watches.push_back(std::make_unique<WatchReader>(connection_, absl::StrCat("/many/", i)));
  for (auto& watch : watches) EXPECT_EQ(NextOf(watch.get()).kind, Kind::kStarted);
  server_.Restart();
  for (int i = 0; i < kWatches; i += 100) Put(absl::StrCat("/many/", i), "x");
  for (int i = 0; i < kWatches; i += 100) EXPECT_EQ(NextOf(watches[i].get()).kind, Kind::kChanges);
}

TEST_F(WatchTest, CanBeCancelledByAnotherThread) {
  WatchReader watch(connection_, "/a");
  std::thread canceller([&watch] { watch.Cancel(); });
  while (watch.Next().has_value()) {
  }
  EXPECT_EQ(watch.status().code(), absl::StatusCode::kCancelled);
  canceller.join();
}

TEST_F(WatchTest, CallsBackWithEveryEventInOrder) {
  std::vector<Revision> told;
  std::promise<void> all;
  constexpr size_t kChanges = 1'000;
  std::promise<void> started;
  const Watch watch(connection_, "/a", {}, [&](WatchEvent event) {
    if (event.kind == Kind::kStarted) started.set_value();
    if (event.kind != Kind::kChanges) return;
    told.push_back(event.revision);
    if (told.size() == kChanges) all.set_value();
  });
  started.get_future().wait();
  std::vector<Revision> written;
  for (size_t i = 0; i < kChanges; ++i) written.push_back(Put("/a", absl::StrCat(i)));
  all.get_future().wait();
  EXPECT_EQ(told, written);
}

TEST_F(WatchTest, CallsBackOnceWithTheEnd) {
  std::promise<absl::Status> end;
  const Watch watch(
      connection_, "/a//b", {}, [](WatchEvent) { FAIL(); }, [&](const absl::Status& status) { end.set_value(status); });
  EXPECT_EQ(ReasonOf(end.get_future().get()), Reason::kInvalidKey);
}

TEST_F(WatchTest, MayBeDestroyedInItsCallbackAndTheConnectionWithIt) {
  for (int i = 0; i < 100; ++i) {
    auto connection = std::make_unique<Connection>(server_.Connect());
    std::unique_ptr<Watch> watch;
    std::promise<void> made;
    const auto gone = std::make_shared<std::promise<void>>();
    watch = std::make_unique<Watch>(*connection, "/a", WatchOptions{}, [&, ready = made.get_future().share(), gone](WatchEvent) {
      ready.wait();
      connection.reset();
      watch.reset();
      gone->set_value();
    });
    made.set_value();
    gone->get_future().get();
  }
}

TEST_F(WatchTest, IsMadeAndDestroyedUnderLoad) {
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    while (!stop) Put("/a", "x");
  });
  for (int i = 0; i < 1'000; ++i) {
    WatchReader reader(connection_, "/a", {.snapshot = i % 2 == 0});
    auto told = std::make_shared<std::atomic<int>>(0);
    const auto watch = std::make_unique<Watch>(connection_, "/a", WatchOptions{.snapshot = true}, [told](WatchEvent) { ++*told; });
    if (i % 3 == 0) {
      EXPECT_TRUE(reader.Next(kSoon).has_value());
    }
  }
  stop = true;
  writer.join();
}

TEST_F(WatchTest, TellsNothingOnceDestroyed) {
  for (int i = 0; i < 100; ++i) {
    bool alive = true;
    {
      const Watch watch(connection_, "/a", {.snapshot = true}, [&alive](WatchEvent) { EXPECT_TRUE(alive); });
      if (i % 2 == 0) Put("/a", "x");
    }
    alive = false;
  }
}

TEST(SilentServerTest, AWatchIsDestroyedInTimeWhenTheServerHangs) {
  const testing::SilentServer silent;
  const absl::StatusOr<Connection> connection = Connection::Open({.endpoints = {silent.address()}});
  const absl::Time start = absl::Now();
  {
    WatchReader reader(*connection, "/a");
    const Watch watch(*connection, "/a", {}, [](WatchEvent) {});
    EXPECT_FALSE(reader.Next(absl::Milliseconds(50)).has_value());
    EXPECT_TRUE(reader.status().ok());
  }
  EXPECT_LT(absl::Now() - start, kDestructionMax);
}

}  // namespace
}  // namespace scoutlight
