// Watches under load: slow readers, many watches, large states.
#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/e2e/served_test.h"
#include "tests/support/failure.h"
#include "tests/support/watch_reader.h"

namespace scoutlight::testing {
namespace {

using Kind = wire::WatchResponse;

constexpr size_t kMiB = 1024 * 1024;
// What a server may grow by for 200 MB that are written and not read: the recent batches, RocksDB's memory, one frame a stream.
constexpr size_t kGrowthBytesMax = 256 * kMiB;

class WatchLoad : public ServedTest {
 protected:
  // Puts `count` keys below `parent`, 1,000 a transaction; the last revision.
  int64_t PutMany(Client& client, const std::string& parent, int count, const std::string& text) {
    int64_t revision = 0;
    for (int done = 0; done < count;) {
      wire::TransactRequest transact;
      for (int i = 0; i < 1'000 && done < count; ++i, ++done) {
        auto* put = transact.add_on_success()->mutable_put();
        put->set_key(absl::StrCat(parent, "/", done));
        put->set_text(text);
      }
      const auto answer = client.Send(transact);
      EXPECT_TRUE(answer.ok()) << answer.status.error_message();
      revision = answer->revision();
    }
    return revision;
  }
};

TEST_F(WatchLoad, StalledStreamHoldsNothingUpAndIsCompleteWhenItWakes) {
  constexpr int kWrites = 100'000;
  constexpr int kValueBytes = 2'000;
  Client slow(server().address());
  WatchReader stalled(slow, WatchOf("/w", wire::SCOPE_SUBTREE));
  ASSERT_TRUE(stalled.NextOf(Kind::KIND_STARTED).has_value());
  WatchReader live(client(), WatchOf("/w", wire::SCOPE_SUBTREE));
  ASSERT_TRUE(live.NextOf(Kind::KIND_STARTED).has_value());
  const size_t before = server().resident_bytes();
  // 200 MB of frames, which a queue would have to hold.
  std::thread writer([&] {
    Client client(server().address());
    PutMany(client, "/w", kWrites, std::string(kValueBytes, 'x'));
  });
  int seen = 0;
  int64_t last = 0;
  while (seen < kWrites) {
    const auto frame = live.NextOf(Kind::KIND_CHANGES);
    ASSERT_TRUE(frame.has_value()) << seen;
    seen += frame->events_size();
    EXPECT_GT(frame->revision(), last);
    last = frame->revision();
  }
  writer.join();
  if (kJudgeMemory) {
    EXPECT_LT(server().resident_bytes(), before + kGrowthBytesMax);
  }
  std::vector<wire::Event> events;
  ASSERT_TRUE(stalled.ReadUpTo(last, &events));
  ASSERT_EQ(events.size(), static_cast<size_t>(kWrites));
  int64_t revision = 0;
  for (const wire::Event& event : events) {
    EXPECT_GE(event.entry().mod_revision(), revision);
    revision = event.entry().mod_revision();
  }
}

TEST_F(WatchLoad, StalledStreamsDoNotKeepTheServerFromStopping) {
  Client slow(server().address());
  WatchReader stalled(slow, WatchOf("/w", wire::SCOPE_SUBTREE));
  ASSERT_TRUE(stalled.NextOf(Kind::KIND_STARTED).has_value());
  WatchManyStream many(slow);
  ASSERT_TRUE(many.Create(1, SnapshotOf("/w", wire::SCOPE_SUBTREE)));
  ASSERT_TRUE(many.NextEvent().has_value());
  PutMany(client(), "/w", 20'000, std::string(1'000, 'x'));
  server().Signal(SIGTERM);
  EXPECT_EQ(server().WaitForExit(), Exit{.code = 0}) << server().errors();
  Start();
}

TEST_F(WatchLoad, AConnectionHasTenThousandWatchesAndGetsThemBack) {
  constexpr int kWatches = 10'000;
  WatchManyStream many(client());
  for (int round = 0; round < 2; ++round) {
    for (int id = 1; id <= kWatches; ++id) {
      ASSERT_TRUE(many.Create(id, WatchOf(absl::StrCat("/m/", id % 100))));
      // Now and then, so that neither side waits for the other.
      if (id % 100 != 0) continue;
      for (int i = 0; i < 100; ++i) ASSERT_EQ(many.NextEvent()->frame().kind(), Kind::KIND_STARTED);
    }
    ASSERT_TRUE(many.Create(kWatches + 1, WatchOf("/m/1")));
    const auto refused = many.NextEvent();
    ASSERT_TRUE(refused.has_value());
    EXPECT_EQ(refused->watch_id(), kWatches + 1);
    EXPECT_EQ(refused->frame().status().reason(), wire::ERROR_REASON_WATCHES_FULL);
    ASSERT_TRUE(client().Put("/m/1", "x").ok());
    for (int i = 0; i < 100; ++i) ASSERT_EQ(many.NextEvent()->frame().kind(), Kind::KIND_CHANGES);
    for (int id = 1; id <= kWatches; ++id) {
      ASSERT_TRUE(many.CancelWatch(id));
      if (id % 100 != 0) continue;
      for (int i = 0; i < 100; ++i) ASSERT_EQ(many.NextEvent()->frame().kind(), Kind::KIND_ENDED);
    }
  }
}

TEST_F(WatchLoad, StreamsThatCloseLeaveRoomForOthers) {
  // More in turn than a connection may have at a time.
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<WatchReader>> watches;
    for (int i = 0; i < 200; ++i) watches.push_back(std::make_unique<WatchReader>(client(), WatchOf("/s", wire::SCOPE_SUBTREE)));
    for (const auto& watch : watches) ASSERT_TRUE(watch->NextOf(Kind::KIND_STARTED).has_value());
    ASSERT_TRUE(client().Put("/s/a", "x").ok());
    for (const auto& watch : watches) ASSERT_TRUE(watch->NextOf(Kind::KIND_CHANGES).has_value());
  }
}

TEST_F(WatchLoad, LargeSnapshotWhileWritesGoOnIsTheState) {
  constexpr int kEntries = 100'000;
  PutMany(client(), "/e", kEntries, "old");
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    Client client(server().address());
    for (int i = 0; !stop; ++i) EXPECT_TRUE(client.Put(absl::StrCat("/e/", i % 1'000), "new").ok());
  });
  WatchReader watch(client(), SnapshotOf("/e", wire::SCOPE_SUBTREE));
  std::map<std::string, wire::Entry> state;
  int64_t snapshot = 0;
  while (snapshot == 0) {
    const auto frame = watch.Next();
    if (!frame.has_value()) break;
    for (const wire::Entry& entry : frame->entries()) state[entry.key()] = entry;
    if (frame->kind() == Kind::KIND_SNAPSHOT_END) snapshot = frame->revision();
  }
  stop = true;
  writer.join();
  ASSERT_GT(snapshot, 0);
  EXPECT_EQ(state.size(), static_cast<size_t>(kEntries));
  for (const auto& [key, entry] : state) ASSERT_LE(entry.mod_revision(), snapshot);
  const int64_t last = client().Revision();
  std::vector<wire::Event> events;
  ASSERT_TRUE(watch.ReadUpTo(last, &events));
  ASSERT_EQ(events.size(), static_cast<size_t>(last - snapshot));
  for (size_t i = 0; i < events.size(); ++i) {
    ASSERT_EQ(events[i].entry().mod_revision(), snapshot + 1 + static_cast<int64_t>(i));
    state[events[i].entry().key()] = events[i].entry();
  }
  for (const std::string key : {"/e/0", "/e/500", "/e/999", "/e/50000"}) {
    EXPECT_EQ(state[key].mod_revision(), client().Get(key)->entry().mod_revision());
  }
}

}  // namespace
}  // namespace scoutlight::testing
