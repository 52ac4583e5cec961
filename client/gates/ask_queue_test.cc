// Acked delivery and requests over sockets that the test moves by hand.
#include "client/gates/ask_queue.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "client/events/manual_loop.h"
#include "client/gates/acked_format.h"
#include "client/gates/fake_socket.h"
#include "client/gates/gate_traffic.h"
#include "client/gates/message_answer.h"
#include "client/message.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

constexpr uint64_t kSender = 77;

class AckQueueTest : public ::testing::Test {
 protected:
  void SetUp() override { Make({.queue = "q", .type = LinkType::kPush, .delivery = Delivery::kAcked}); }
  void Make(GateOptions options) {
    lines_.clear();
    traffic_ = std::make_unique<GateTraffic>(options, sockets_.maker(), &loop_, kSender);
    traffic_->SetOnPeers([] {});
  }
  // A line that is connected.
  FakeSocket& Connect() {
    lines_.push_back(*traffic_->OpenLine());
    lines_.back()->OnPeers(1);
    return sockets_.at(sockets_.size() - 1);
  }
  absl::Status Push(const std::string& body) { return traffic_->sender()->Push(std::string(body), absl::ZeroDuration()); }
  static std::string Verdicted(uint64_t sequence, Verdict verdict) { return EncodeAnswer({.id = {kSender, sequence}, .verdict = verdict}); }
  static void Answer(FakeSocket* socket, uint64_t ask, Verdict verdict) { socket->events.OnAnswer(ask, Verdicted(ask, verdict)); }
  static void Lose(FakeSocket* socket, uint64_t ask) { socket->events.OnAnswer(ask, absl::UnavailableError("connection lost")); }

  ManualLoop loop_;
  FakeSockets sockets_;
  std::unique_ptr<GateTraffic> traffic_;
  std::vector<LinePtr> lines_;
};

TEST_F(AckQueueTest, MessageIsAskedWithItsIdAndForgottenWhenConfirmed) {
  FakeSocket& socket = Connect();
  EXPECT_EQ(socket.options.type, LinkType::kReq);
  ASSERT_TRUE(Push("body").ok());
  ASSERT_EQ(socket.asks.size(), 1);
  const auto request = DecodeRequest(socket.asks[0].second);
  EXPECT_EQ(request->id, (MessageId{kSender, 1}));
  EXPECT_EQ(request->queue, "q");
  EXPECT_EQ(request->body, "body");
  EXPECT_EQ(traffic_->Count().unconfirmed, 1);
  Answer(&socket, 1, Verdict::kConfirmed);
  EXPECT_EQ(traffic_->Count().sent, 1);
  EXPECT_EQ(traffic_->Count().unconfirmed, 0);
  EXPECT_EQ(traffic_->Count().waiting, 0);
}

TEST_F(AckQueueTest, LostOneGoesToAnotherInstanceWithTheSameId) {
  FakeSocket& first = Connect();
  ASSERT_TRUE(Push("body").ok());
  FakeSocket& second = Connect();
  Lose(&first, 1);
  ASSERT_EQ(second.asks.size(), 1);
  EXPECT_EQ(second.asks[0].second, first.asks[0].second);
  EXPECT_EQ(traffic_->Count().resent, 1);
  // And back, since nobody else is there.
  second.events.OnAnswer(1, absl::DeadlineExceededError("no answer"));
  EXPECT_EQ(first.asks.size(), 2);
}

TEST_F(AckQueueTest, OnesThatAreLostAgainAndAgainAreSentOneAfterTheOther) {
  FakeSocket& socket = Connect();
  for (const char* body : {"ends every connection", "harmless", "harmless too"}) ASSERT_TRUE(Push(body).ok());
  const auto last_asked = [&socket] { return socket.asks.back().first; };
  for (const uint64_t lost : {1, 2, 3}) Lose(&socket, lost);
  EXPECT_EQ(socket.asks.size(), 6) << "once may be anybody's fault";
  for (const uint64_t lost : {1, 2, 3}) Lose(&socket, lost);
  ASSERT_EQ(socket.asks.size(), 7);
  EXPECT_EQ(last_asked(), 1);
  // It was that one: it waits, longer each time, and the others are through.
  Lose(&socket, 1);
  ASSERT_EQ(socket.asks.size(), 8);
  EXPECT_EQ(last_asked(), 2);
  Answer(&socket, 2, Verdict::kConfirmed);
  ASSERT_EQ(socket.asks.size(), 9);
  EXPECT_EQ(last_asked(), 3);
  Answer(&socket, 3, Verdict::kConfirmed);
  absl::Duration delay = AskQueue::kAgainDelay;
  for (size_t asked = 9; asked < 24; ++asked) {
    ASSERT_EQ(socket.asks.size(), asked);
    loop_.Advance(delay);
    ASSERT_EQ(socket.asks.size(), asked + 1) << delay;
    Lose(&socket, 1);
    delay = std::min(delay * 2, AskQueue::kLostDelayMax);
  }
}

TEST_F(AckQueueTest, SuspectedOnesDoNotWaitForASlowReceiver) {
  FakeSocket& socket = Connect();
  for (const char* body : {"slow", "slow too"}) ASSERT_TRUE(Push(body).ok());
  for (int i = 0; i < 2; ++i) {
    for (const uint64_t lost : {1, 2}) Lose(&socket, lost);
  }
  ASSERT_EQ(socket.asks.size(), 5);
  loop_.Advance(AskQueue::kSuspectedAlone);
  EXPECT_EQ(socket.asks.size(), 6);
}

// How a message was answered.
class Cause {
 public:
  Message MakeMessage() { return Message("cause", {1, 1}, std::make_unique<Answer>(this)); }

  int confirmed = 0;
  int refused = 0;

 private:
  struct Answer final : MessageAnswer {
    explicit Answer(Cause* its) : cause(*its) {}
    ~Answer() override { cause.refused += !answered; }
    std::optional<absl::Status> Confirm() override {
      answered = true;
      ++cause.confirmed;
      return absl::OkStatus();
    }
    std::optional<absl::Status> Reply(std::string) override { return std::nullopt; }

    Cause& cause;
    bool answered = false;
  };
};

TEST_F(AckQueueTest, CauseIsConfirmedWithWhatWasMadeOfItAndNotBefore) {
  FakeSocket& socket = Connect();
  Cause cause;
  Message message = cause.MakeMessage();
  ASSERT_TRUE(traffic_->acked()->Relay(&message, "made of it", absl::ZeroDuration()).ok());
  Lose(&socket, 1);
  Answer(&socket, 1, Verdict::kRefused);
  EXPECT_EQ(cause.confirmed, 0);
  loop_.Advance(AskQueue::kRefusedDelayMax);
  Answer(&socket, 1, Verdict::kConfirmed);
  EXPECT_EQ(cause.confirmed, 1);
  EXPECT_EQ(cause.refused, 0);
}

TEST_F(AckQueueTest, CauseIsRefusedWhenWhatWasMadeOfItIsDropped) {
  Cause cause;
  Message message = cause.MakeMessage();
  ASSERT_TRUE(traffic_->acked()->Relay(&message, "made of it", absl::ZeroDuration()).ok());
  traffic_->sender()->Stop();
  EXPECT_EQ(traffic_->sender()->AwaitEmpty(absl::ZeroDuration()), 1);
  EXPECT_EQ(cause.refused, 0);
  traffic_->sender()->Drop();
  EXPECT_EQ(cause.refused, 1);
  EXPECT_EQ(traffic_->Count().waiting, 0);
}

// It was when its delay was over, up to half a minute later.
TEST_F(AckQueueTest, CauseOfOneThatWaitsToBeSentAgainIsRefusedAtOnceToo) {
  FakeSocket& socket = Connect();
  Cause cause;
  Message message = cause.MakeMessage();
  ASSERT_TRUE(traffic_->acked()->Relay(&message, "made of it", absl::ZeroDuration()).ok());
  Answer(&socket, 1, Verdict::kRefused);
  traffic_->sender()->Stop();
  EXPECT_EQ(cause.refused, 0);
  traffic_->sender()->Drop();
  EXPECT_EQ(cause.refused, 1);
  loop_.Advance(AskQueue::kRefusedDelayMax);
  EXPECT_EQ(socket.asks.size(), 1);
}

TEST_F(AckQueueTest, CauseStaysAsItWasWhenThereIsNoRoom) {
  Make({.queue = "q", .type = LinkType::kPush, .delivery = Delivery::kAcked, .messages_max = 1});
  ASSERT_TRUE(Push("fills it").ok());
  Cause cause;
  Message message = cause.MakeMessage();
  EXPECT_EQ(ReasonOf(traffic_->acked()->Relay(&message, "made of it", absl::ZeroDuration())), Reason::kOverloaded);
  EXPECT_EQ(cause.refused, 0);
  EXPECT_TRUE(message.Confirm().ok());
  EXPECT_EQ(cause.confirmed, 1);
}

TEST_F(AckQueueTest, RefusedOneComesAgainAfterAGrowingDelay) {
  FakeSocket& socket = Connect();
  ASSERT_TRUE(Push("body").ok());
  absl::Duration delay = AskQueue::kAgainDelay;
  for (size_t asked = 1; asked < 12; ++asked) {
    ASSERT_EQ(socket.asks.size(), asked);
    Answer(&socket, 1, Verdict::kRefused);
    loop_.Advance(delay - absl::Milliseconds(1));
    ASSERT_EQ(socket.asks.size(), asked) << delay;
    loop_.Advance(absl::Milliseconds(1));
    delay = std::min(delay * 2, AskQueue::kRefusedDelayMax);
  }
  EXPECT_EQ(traffic_->Count().refused, 11);
}

TEST_F(AckQueueTest, AnswerThatIsNoneCountsAsRefused) {
  FakeSocket& socket = Connect();
  ASSERT_TRUE(Push("body").ok());
  socket.events.OnAnswer(1, std::string("nonsense"));
  EXPECT_EQ(traffic_->Count().refused, 1);
  loop_.Advance(AskQueue::kRefusedDelayMax);
  // One about another message neither.
  socket.events.OnAnswer(1, Verdicted(2, Verdict::kConfirmed));
  EXPECT_EQ(traffic_->Count().refused, 2);
  EXPECT_EQ(traffic_->Count().waiting, 1);
}

TEST_F(AckQueueTest, UnconfirmedAndWaitingAreBounded) {
  Make({.queue = "q", .type = LinkType::kPush, .delivery = Delivery::kAcked, .messages_max = 3, .unconfirmed_max = 2});
  FakeSocket& socket = Connect();
  for (const char* body : {"a", "b", "c"}) ASSERT_TRUE(Push(body).ok());
  EXPECT_EQ(socket.asks.size(), 2);
  EXPECT_EQ(ReasonOf(Push("d")), Reason::kOverloaded);
  Answer(&socket, 1, Verdict::kConfirmed);
  EXPECT_EQ(socket.asks.size(), 3);
  EXPECT_TRUE(Push("d").ok());
}

TEST_F(AckQueueTest, MessagesAreSharedAmongInstances) {
  FakeSocket& first = Connect();
  FakeSocket& second = Connect();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Push("body").ok());
  EXPECT_EQ(first.asks.size(), 5);
  EXPECT_EQ(second.asks.size(), 5);
}

TEST_F(AckQueueTest, RetiredLineGetsNothingNewAndIsDoneWhenItsAnswersHaveCome) {
  FakeSocket& first = Connect();
  ASSERT_TRUE(Push("a").ok());
  FakeSocket& second = Connect();
  traffic_->Retire(lines_[0]);
  ASSERT_TRUE(Push("b").ok());
  EXPECT_EQ(first.asks.size(), 1);
  EXPECT_EQ(second.asks.size(), 1);
  EXPECT_FALSE(traffic_->IsDone(lines_[0]));
  Answer(&first, 1, Verdict::kConfirmed);
  EXPECT_TRUE(traffic_->IsDone(lines_[0]));
}

TEST_F(AckQueueTest, WhatClosedSocketsRefuseWaitsForTheNext) {
  FakeSocket& first = Connect();
  first.closed = true;
  ASSERT_TRUE(Push("a").ok());
  EXPECT_EQ(first.asks.size(), 0);
  EXPECT_EQ(Connect().asks.size(), 1);
}

}  // namespace
}  // namespace scoutlight::client
