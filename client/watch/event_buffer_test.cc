#include "client/watch/event_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace scoutlight::client {
namespace {

using Kind = WatchEvent::Kind;

WatchEvent ChangesOf(Revision revision, size_t bytes = 0) {
  WatchEvent event{.kind = Kind::kChanges, .revision = revision};
  event.events.emplace_back();
  event.events.back().entry.value.bytes = std::string(bytes, 'x');
  return event;
}

TEST(EventBuffer, SaysWhenItIsFullAndWhenThereIsRoomAgain) {
  int room = 0;
  EventBuffer buffer(10'000, {.on_room = [&] { ++room; }});
  EXPECT_TRUE(buffer.Push({ChangesOf(1, 4'000)}));
  EXPECT_TRUE(buffer.Push({ChangesOf(2, 4'000)}));
  EXPECT_FALSE(buffer.Push({ChangesOf(3, 4'000)}));
  EXPECT_FALSE(buffer.has_room());
  EXPECT_EQ(buffer.TryTake()->revision, 1);
  EXPECT_EQ(room, 0) << "more than half is left";
  EXPECT_EQ(buffer.TryTake()->revision, 2);
  EXPECT_EQ(room, 1);
  EXPECT_TRUE(buffer.has_room());
  EXPECT_EQ(buffer.TryTake()->revision, 3);
  EXPECT_FALSE(buffer.TryTake().has_value());
  EXPECT_EQ(room, 1);
}

TEST(EventBuffer, TakesOneMessageBeyondItsBound) {
  EventBuffer buffer(1'000, {});
  EXPECT_FALSE(buffer.Push({ChangesOf(1, 3'000'000)}));
  EXPECT_EQ(buffer.TryTake()->revision, 1);
  EXPECT_TRUE(buffer.has_room());
}

TEST(EventBuffer, KeepsTheNewestProgressAlone) {
  EventBuffer buffer(1'000, {});
  for (Revision revision = 1; revision <= 1'000'000; revision += 1'000) {
    EXPECT_TRUE(buffer.Push({{.kind = Kind::kProgress, .revision = revision}}));
  }
  EXPECT_EQ(buffer.TryTake()->revision, 999'001);
  EXPECT_FALSE(buffer.TryTake().has_value());
}

TEST(EventBuffer, AStateThatBeginsAnewReplacesTheUnfinishedOneAlone) {
  EventBuffer buffer(1'000'000, {});
  buffer.Push({ChangesOf(1), {.kind = Kind::kReset}, {.kind = Kind::kSnapshot, .revision = 5}});
  buffer.Push({{.kind = Kind::kReset}, {.kind = Kind::kSnapshot, .revision = 6}, {.kind = Kind::kSnapshotEnd, .revision = 6}});
  buffer.Push({{.kind = Kind::kReset}});
  std::vector<Kind> kinds;
  while (const std::optional<WatchEvent> event = buffer.TryTake()) kinds.push_back(event->kind);
  EXPECT_EQ(kinds, (std::vector<Kind>{Kind::kChanges, Kind::kReset, Kind::kSnapshot, Kind::kSnapshotEnd, Kind::kReset}));
}

TEST(EventBuffer, TellsWhatIsLeftBeforeTheEnd) {
  EventBuffer buffer(1'000, {});
  buffer.Push({ChangesOf(1)});
  buffer.End(absl::CancelledError("first"));
  buffer.End(absl::InternalError("second"));
  EXPECT_TRUE(buffer.Push({ChangesOf(2)}));
  EXPECT_EQ(buffer.end(), std::nullopt);
  EXPECT_EQ(buffer.Take(absl::InfiniteDuration())->revision, 1);
  EXPECT_FALSE(buffer.Take(absl::InfiniteDuration()).has_value());
  EXPECT_EQ(buffer.end(), absl::CancelledError("first"));
}

TEST(EventBuffer, TellsOfEventsOnlyWhenThereWasNone) {
  int told = 0;
  EventBuffer buffer(1'000, {.on_events = [&] { ++told; }});
  buffer.Push({});
  EXPECT_EQ(told, 0);
  buffer.Push({ChangesOf(1)});
  buffer.Push({ChangesOf(2)});
  EXPECT_EQ(told, 1);
  buffer.TryTake();
  buffer.TryTake();
  buffer.Push({ChangesOf(3)});
  EXPECT_EQ(told, 2);
  buffer.End(absl::OkStatus());
  EXPECT_EQ(told, 3);
}

TEST(EventBuffer, HandsOverBetweenThreads) {
  EventBuffer buffer(10'000, {});
  std::thread writer([&buffer] {
    for (Revision revision = 1; revision <= 10'000; ++revision) buffer.Push({ChangesOf(revision)});
    buffer.End(absl::OkStatus());
  });
  Revision last = 0;
  while (const std::optional<WatchEvent> event = buffer.Take(absl::InfiniteDuration())) {
    EXPECT_EQ(event->revision, last + 1);
    last = event->revision;
  }
  writer.join();
  EXPECT_EQ(last, 10'000);
}

}  // namespace
}  // namespace scoutlight::client
