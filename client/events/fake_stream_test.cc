#include "client/events/fake_stream.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace scoutlight::client {
namespace {

TEST(ManualLoop, MovesFromTimerToTimer) {
  ManualLoop loop;
  std::vector<absl::Duration> ran;
  loop.PostAfter(absl::Seconds(2), [&] { ran.push_back(loop.Now()); });
  loop.PostAfter(absl::Seconds(1), [&] {
    ran.push_back(loop.Now());
    loop.PostAfter(absl::Milliseconds(500), [&] { ran.push_back(loop.Now()); });
  });
  const EventLoop::TimerId cancelled = loop.PostAfter(absl::Seconds(1), [&] { ran.push_back(absl::InfiniteDuration()); });
  loop.Cancel(cancelled);
  loop.Advance(absl::Seconds(3));
  EXPECT_EQ(ran, (std::vector<absl::Duration>{absl::Seconds(1), absl::Milliseconds(1'500), absl::Seconds(2)}));
  EXPECT_EQ(loop.Now(), absl::Seconds(3));
  EXPECT_FALSE(loop.AdvanceToNext());
}

TEST(FakeStreams, DeliversUntilTheClientLetsGo) {
  ManualLoop loop;
  FakeStreams<std::string, int> streams(&loop);
  std::vector<int> got;
  std::unique_ptr<Stream<std::string, int>> stream = streams.opener()({.on_message =
                                                                           [&](int message) {
                                                                             got.push_back(message);
                                                                             if (message == 2) stream.reset();
                                                                           },
                                                                       .on_end = [](const absl::Status&) { FAIL(); }});
  stream->Send("a");
  streams.Deliver(1);
  streams.Deliver(2);
  streams.Deliver(3);
  streams.End(absl::OkStatus());
  EXPECT_EQ(got, (std::vector<int>{1, 2}));
  EXPECT_EQ(streams.newest().sent(), std::vector<std::string>{"a"});
  EXPECT_TRUE(streams.newest().is_cancelled());
  EXPECT_EQ(streams.open_count(), 0);
}

TEST(FakeStreams, EndsOnce) {
  ManualLoop loop;
  FakeStreams<std::string, int> streams(&loop);
  int ends = 0;
  auto stream = streams.opener()({.on_message = [](int) {}, .on_end = [&](const absl::Status&) { ++ends; }});
  streams.End(absl::UnavailableError(""));
  streams.End(absl::UnavailableError(""));
  EXPECT_EQ(ends, 1);
  EXPECT_FALSE(streams.newest().is_cancelled());
}

}  // namespace
}  // namespace scoutlight::client
