// When a line that leaves is believed to be done.
#include "client/gates/leaving_lines.h"

#include <algorithm>
#include <memory>

#include "client/events/manual_loop.h"
#include "client/gates/fake_socket.h"
#include "client/gates/gate_traffic.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

constexpr absl::Duration kLinger = absl::Seconds(10);

class LeavingLinesTest : public ::testing::Test {
 protected:
  // The socket of a line of `type` that leaves.
  FakeSocket& Leave(LinkType type, absl::Duration linger = kLinger) {
    leaving_ = nullptr;
    traffic_ = std::make_unique<GateTraffic>(GateOptions{.queue = "q", .type = type}, sockets_.maker(), &loop_, /*sender=*/1);
    leaving_ = std::make_unique<LeavingLines>(&loop_, traffic_.get(), [] {});
    leaving_->Add(*traffic_->OpenLine(), linger);
    return sockets_.at(sockets_.size() - 1);
  }

  ManualLoop loop_;
  FakeSockets sockets_;
  std::unique_ptr<GateTraffic> traffic_;
  std::unique_ptr<LeavingLines> leaving_;
};

TEST_F(LeavingLinesTest, OneThatOnlySendsGoesWhenItIsDone) {
  FakeSocket& socket = Leave(LinkType::kPush);
  EXPECT_TRUE(socket.listens);
  loop_.RunUntilIdle();
  EXPECT_TRUE(socket.closed);
  EXPECT_TRUE(leaving_->empty());
}

TEST_F(LeavingLinesTest, OneThatReceivesGoesWhenItHasBeenAloneForAWhile) {
  FakeSocket& socket = Leave(LinkType::kPull);
  EXPECT_FALSE(socket.listens);
  loop_.Advance(LeavingLines::kSettle / 2);
  socket.alone = false;
  loop_.Advance(LeavingLines::kSettle * 3);
  EXPECT_FALSE(socket.closed);
  socket.alone = true;
  loop_.Advance(LeavingLines::kSettle / 2);
  EXPECT_FALSE(socket.closed);
  loop_.Advance(LeavingLines::kSettle);
  EXPECT_TRUE(socket.closed);
}

TEST_F(LeavingLinesTest, OneWithNewcomersDoesNotGo) {
  FakeSocket& socket = Leave(LinkType::kPull);
  socket.newcomers = true;
  loop_.Advance(LeavingLines::kSettle * 3);
  EXPECT_FALSE(socket.closed);
  socket.newcomers = false;
  loop_.Advance(LeavingLines::kSettle * 2);
  EXPECT_TRUE(socket.closed);
}

// They were only when all others had hung up, which for one whom nobody hears may be too late.
TEST_F(LeavingLinesTest, NewcomersAreTakenInWhoeverElseStays) {
  FakeSocket& socket = Leave(LinkType::kPull, absl::Minutes(1));
  socket.alone = false;
  absl::Duration after = LeavingLines::kTakeInFirst;
  for (int looks = 0; looks < 10; ++looks) {
    loop_.Advance(after - LeavingLines::kLook);
    ASSERT_EQ(socket.looks_for_newcomers, looks) << after;
    loop_.Advance(LeavingLines::kLook);
    ASSERT_EQ(socket.looks_for_newcomers, looks + 1) << after;
    after = std::min(2 * after, LeavingLines::kTakeInMax);
  }
  EXPECT_EQ(after, LeavingLines::kTakeInMax);
  EXPECT_FALSE(socket.closed);
}

TEST_F(LeavingLinesTest, NobodyIsTakenInWhereNobodyIsKeptOff) {
  FakeSocket& socket = Leave(LinkType::kPush);
  socket.flushed = false;
  loop_.Advance(LeavingLines::kTakeInMax * 3);
  EXPECT_EQ(socket.looks_for_newcomers, 0);
  EXPECT_FALSE(socket.closed);
}

// While nobody pulled, one more was kept with each endpoint that came and went.
TEST_F(LeavingLinesTest, OneThatWaitsForRoomIsKeptNoLongerThanItsSocket) {
  Leave(LinkType::kPull);
  LinePtr line = *traffic_->OpenLine();
  traffic_->Start(line);
  FakeSocket& socket = sockets_.at(sockets_.size() - 1);
  for (int i = 0; i < socket.receives; ++i) socket.events.OnReceived(ReceivedMessage{.body = "nobody pulls it"});
  const std::weak_ptr<Line> kept = line;
  leaving_->Add(std::move(line), kLinger);
  loop_.Advance(LeavingLines::kSettle * 2);
  EXPECT_TRUE(socket.closed);
  EXPECT_TRUE(kept.expired());
}

TEST_F(LeavingLinesTest, NoneStaysLongerThanItMayLinger) {
  FakeSocket& socket = Leave(LinkType::kPull);
  socket.newcomers = true;
  loop_.Advance(kLinger);
  EXPECT_TRUE(socket.closed);
  EXPECT_TRUE(leaving_->empty());
  FakeSocket& next = Leave(LinkType::kPull, absl::ZeroDuration());
  loop_.RunUntilIdle();
  EXPECT_TRUE(next.closed);
}

}  // namespace
}  // namespace scoutlight::client
