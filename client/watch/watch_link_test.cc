#include "client/watch/watch_link.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <utility>

#include "client/connection.h"
#include "client/events/fake_stream.h"
#include "client/events/manual_loop.h"
#include "client/events/run_and_wait.h"
#include "client/watch.h"
#include "client/watch/watch_frames.h"
#include "client/watch/watch_streams.h"
#include "client/wire/wire.h"

namespace scoutlight {
namespace {

namespace wire = registry::v1;
using client::WatchStreams;

// Watches of a connection whose streams are the test's.
class WatchLinkTest : public ::testing::Test {
 protected:
  using Calls = client::FakeStreams<wire::WatchManyRequest, wire::WatchManyResponse>;

  WatchLinkTest() {
    streams_ = connection_.wire()->Part<WatchStreams>([this] {
      return std::make_unique<WatchStreams>(
          WatchStreams::Options{.lane = {.loop = &connection_.wire()->loop(), .open = calls_.opener(), .unit_random = [] { return 0.5; }}});
    });
  }

  // Where everything that `calls_` does happens.
  void OnLoop(client::EventLoop::Task task) { client::RunAndWait(&connection_.wire()->loop(), std::move(task)); }

  // Of the watch with `id`.
  void Deliver(int64_t id, client::Frame frame) {
    OnLoop([this, id, frame = std::move(frame)] {
      wire::WatchManyResponse message;
      message.set_watch_id(id);
      *message.mutable_frame() = frame;
      calls_.Deliver(std::move(message));
    });
  }

  client::ManualLoop manual_;  // Runs inside the connection's.
  Calls calls_{&manual_};
  Connection connection_ = *Connection::Open({.endpoints = {"127.0.0.1:1"}});
  std::shared_ptr<WatchStreams> streams_;
};

TEST_F(WatchLinkTest, CancellingEndsTheWatchAtTheServer) {
  WatchReader cancelled(connection_, "/a");
  WatchReader stays(connection_, "/b");
  Deliver(1, client::Started(7));
  cancelled.Cancel();
  OnLoop([this] {
    EXPECT_EQ(calls_.newest().sent().back().cancel().watch_id(), 1);
    EXPECT_TRUE(calls_.is_open());
  });
  EXPECT_EQ(cancelled.Next()->revision, 7) << "read ahead";
  EXPECT_FALSE(cancelled.Next().has_value());
  EXPECT_EQ(cancelled.status().code(), absl::StatusCode::kCancelled);
  stays.Cancel();
  OnLoop([this] { EXPECT_TRUE(calls_.newest().is_cancelled()); });
}

TEST_F(WatchLinkTest, WhatIsParkedIsNotResumedOnceCancelled) {
  WatchReader parked(connection_, "/a", {.buffer_bytes = 1'024});
  WatchReader stays(connection_, "/b");
  Deliver(1, client::Started(7));
  for (Revision revision = 8; revision < 100; ++revision) Deliver(1, client::Changes({{revision, "/a"}}));
  size_t sent = 0;
  OnLoop([&] {
    sent = calls_.newest().sent().size();
    EXPECT_EQ(calls_.newest().sent().back().cancel().watch_id(), 1) << "parked";
  });
  parked.Cancel();
  while (parked.Next().has_value()) {
  }
  OnLoop([&] { EXPECT_EQ(calls_.newest().sent().size(), sent); });
}

// An event that comes whenever there is none left: each is one more reason for a turn.
TEST_F(WatchLinkTest, ATurnOfCallbacksWaitsAtMostOnce) {
  constexpr int kEventsPerTurn = 16;
  constexpr int kEvents = 1'000;
  int told = 0;
  std::promise<int> told_before;
  std::promise<void> all;
  const Watch watch(connection_, "/a", {}, [&](const WatchEvent& event) {
    if (++told == kEvents) return all.set_value();
    if (told == kEventsPerTurn) connection_.wire()->callbacks().Post([&] { told_before.set_value(told); });
    Deliver(1, client::Changes({{event.revision + 1, "/a"}}));
  });
  Deliver(1, client::Started(7));
  EXPECT_LE(told_before.get_future().get(), 3 * kEventsPerTurn);
  all.get_future().wait();
}

}  // namespace
}  // namespace scoutlight
