// Acked delivery over nng's sockets on loopback.
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/gate.h"
#include "client/gates/gate_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

GateOptions Acked(LinkType type) {
  return {.queue = "q", .type = type, .delivery = Delivery::kAcked, .confirm_timeout = absl::Seconds(10)};
}

TEST(AckedGates, ConfirmedMessagesAreForgotten) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>(Acked(LinkType::kPull));
  OutGate out = gates.Dialling<OutGate>(Acked(LinkType::kPush), {url});
  std::set<MessageId> ids;
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(out.Push(absl::StrCat(i), kLong).ok());
    absl::StatusOr<Message> message = in.Pull(kLong);
    ASSERT_TRUE(message.ok()) << message.status();
    EXPECT_EQ(message->body(), absl::StrCat(i));
    EXPECT_TRUE(ids.insert(message->id()).second);
    EXPECT_TRUE(message->Confirm().ok());
    EXPECT_TRUE(message->Confirm().ok());
    EXPECT_EQ(message->Reply("no request").code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(out.Close(kLong).unsent, 0);
  EXPECT_EQ(out.Look().counters.sent, 500);
  EXPECT_EQ(out.Look().counters.resent, 0);
}

TEST(AckedGates, DroppedMessageComesAgainWithItsId) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>(Acked(LinkType::kPull));
  OutGate out = gates.Dialling<OutGate>(Acked(LinkType::kPush), {url});
  ASSERT_TRUE(out.Push("body", kLong).ok());
  MessageId id;
  for (int i = 0; i < 3; ++i) {
    absl::StatusOr<Message> message = in.Pull(kLong);
    ASSERT_TRUE(message.ok()) << message.status();
    if (i == 0) id = message->id();
    EXPECT_EQ(message->id(), id);
    if (i < 2) continue;
    EXPECT_TRUE(message->Confirm().ok());
  }
  EXPECT_EQ(out.Close(kLong).unsent, 0);
  EXPECT_EQ(out.Look().counters.refused, 2);
}

TEST(AckedGates, MessageThatIsKeptTooLongGoesToAnother) {
  GateFactory gates;
  GateOptions impatient = Acked(LinkType::kPush);
  impatient.confirm_timeout = absl::Milliseconds(50);
  auto [first, first_url] = gates.Bound<InGate>(Acked(LinkType::kPull));
  OutGate out = gates.Dialling<OutGate>(impatient, {first_url});
  const std::shared_ptr<GateCore> core = gates.newest();
  ASSERT_TRUE(out.Push("body", kLong).ok());
  absl::StatusOr<Message> kept = first.Pull(kLong);
  ASSERT_TRUE(kept.ok()) << kept.status();
  auto [second, second_url] = gates.Bound<InGate>(Acked(LinkType::kPull));
  GateFactory::SetWanted(core.get(), {first_url, second_url});
  absl::StatusOr<Message> again = second.Pull(kLong);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id(), kept->id());
  EXPECT_TRUE(again->Confirm().ok());
  EXPECT_EQ(out.Close(kLong).unsent, 0);
}

TEST(AckedGates, ClosedReceiversMessagesGoToAnotherAtOnce) {
  GateFactory gates;
  auto [living, living_url] = gates.Bound<InGate>(Acked(LinkType::kPull));
  auto [dying, dying_url] = gates.Bound<InGate>(Acked(LinkType::kPull));
  OutGate out = gates.Dialling<OutGate>(Acked(LinkType::kPush), {living_url, dying_url});
  ASSERT_TRUE(Await([&out = out] { return out.Look().counters.peers == 2; }));
  constexpr int kMessages = 100;
  for (int i = 0; i < kMessages; ++i) ASSERT_TRUE(out.Push(absl::StrCat(i), kLong).ok());
  // One is in the program's hands, many wait in the gate.
  absl::StatusOr<Message> held = dying.Pull(kLong);
  ASSERT_TRUE(held.ok()) << held.status();
  dying.Close(absl::ZeroDuration());
  EXPECT_EQ(held->Confirm().code(), absl::StatusCode::kFailedPrecondition);
  std::set<std::string> seen;
  while (seen.size() < kMessages) {
    absl::StatusOr<Message> message = living.Pull(kLong);
    ASSERT_TRUE(message.ok()) << message.status() << " after " << seen.size();
    EXPECT_TRUE(message->Confirm().ok());
    seen.insert(message->body());
  }
  EXPECT_EQ(out.Close(kLong).unsent, 0);
}

TEST(AckedGates, UnconfirmedMessagesHoldBackTheSender) {
  GateFactory gates;
  GateOptions narrow = Acked(LinkType::kPull);
  narrow.unconfirmed_max = 2;
  auto [in, url] = gates.Bound<InGate>(narrow);
  OutGate out = gates.Dialling<OutGate>(Acked(LinkType::kPush), {url});
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(out.Push(absl::StrCat(i), kLong).ok());
  std::vector<Message> held;
  for (int i = 0; i < 2; ++i) held.push_back(*in.Pull(kLong));
  // One more may have come over the line; it comes out when one is confirmed.
  ASSERT_TRUE(Await([&in = in] { return in.Look().counters.unconfirmed >= 2; }));
  EXPECT_LE(in.Look().counters.unconfirmed, 3);
  std::set<std::string> seen;
  while (seen.size() < 50) {
    if (held.empty()) held.push_back(*in.Pull(kLong));
    seen.insert(held.back().body());
    EXPECT_TRUE(held.back().Confirm().ok());
    held.pop_back();
  }
  EXPECT_EQ(out.Close(kLong).unsent, 0);
}

TEST(AckedGates, WhatIsNoMessageIsCountedAndPassedOver) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>(Acked(LinkType::kPull));
  InOutGate stranger = gates.Dialling<InOutGate>({.queue = "q", .type = LinkType::kReq}, {url});
  EXPECT_EQ(stranger.Ask("nonsense", absl::Milliseconds(100)).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(Await([&in = in] { return in.Look().counters.malformed == 1; }));
  OutGate out = gates.Dialling<OutGate>(Acked(LinkType::kPush), {url});
  ASSERT_TRUE(out.Push("body", kLong).ok());
  EXPECT_EQ(in.Pull(kLong)->body(), "body");
}

TEST(AckedGates, PlainSenderIsNotConnected) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>(Acked(LinkType::kPull));
  OutGate out = gates.Dialling<OutGate>({.queue = "q", .type = LinkType::kPush}, {url});
  EXPECT_TRUE(Await([&out = out] { return out.Look().endpoints[0].problem.find("of another protocol") == 0; }));
}

TEST(AckedGates, MessageMayOutliveItsGate) {
  GateFactory gates;
  absl::StatusOr<Message> message = absl::UnknownError("");
  {
    auto [in, url] = gates.Bound<InGate>(Acked(LinkType::kPull));
    OutGate out = gates.Dialling<OutGate>(Acked(LinkType::kPush), {url});
    ASSERT_TRUE(out.Push("body", kLong).ok());
    message = in.Pull(kLong);
    ASSERT_TRUE(message.ok()) << message.status();
  }
  EXPECT_EQ(message->Confirm().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(message->body(), "body");
}

TEST(AckedGates, RelayThatEndsLosesNothing) {
  GateFactory gates;
  auto [sink, sink_url] = gates.Bound<InGate>(Acked(LinkType::kPull));
  auto [living, living_url] = gates.Bound<InGate>(Acked(LinkType::kPull));
  OutGate out = gates.Make<OutGate>(Acked(LinkType::kPush));
  const std::shared_ptr<GateCore> core = gates.newest();
  {
    auto [ending, ending_url] = gates.Bound<InGate>(Acked(LinkType::kPull));
    // Nobody takes what it passes on: it is in its queue alone.
    OutGate nowhere = gates.Make<OutGate>(Acked(LinkType::kPush));
    GateFactory::SetWanted(core.get(), {ending_url});
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(out.Push(absl::StrCat(i), kLong).ok());
      absl::StatusOr<Message> message = ending.Pull(kLong);
      ASSERT_TRUE(message.ok()) << message.status();
      std::string body = message->body();
      ASSERT_TRUE(nowhere.Relay(*std::move(message), std::move(body), kLong).ok());
    }
    EXPECT_EQ(out.Look().counters.sent, 0);
  }
  OutGate onward = gates.Dialling<OutGate>(Acked(LinkType::kPush), {sink_url});
  GateFactory::SetWanted(core.get(), {living_url});
  std::thread relaying([&living = living, &onward] {
    for (;;) {
      absl::StatusOr<Message> message = living.Pull();
      if (!message.ok()) return;
      std::string body = message->body();
      EXPECT_TRUE(onward.Relay(*std::move(message), std::move(body), kLong).ok());
    }
  });
  std::set<std::string> seen;
  while (seen.size() < 50) {
    absl::StatusOr<Message> message = sink.Pull(kLong);
    ASSERT_TRUE(message.ok()) << message.status() << " after " << seen.size();
    EXPECT_TRUE(message->Confirm().ok());
    seen.insert(message->body());
  }
  EXPECT_EQ(out.Close(kLong).unsent, 0);
  EXPECT_EQ(out.Look().counters.sent, 50);
  living.Close(absl::ZeroDuration());
  relaying.join();
}

TEST(AckedGates, RelayIntoPlainDeliveryConfirmsWhatTheQueueTook) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>(Acked(LinkType::kPull));
  OutGate out = gates.Dialling<OutGate>(Acked(LinkType::kPush), {url});
  OutGate plain = gates.Make<OutGate>({.queue = "q", .type = LinkType::kPush});
  ASSERT_TRUE(out.Push("body", kLong).ok());
  ASSERT_TRUE(plain.Relay(*in.Pull(kLong), "body", kLong).ok());
  EXPECT_EQ(out.Close(kLong).unsent, 0);
  EXPECT_EQ(plain.Look().counters.waiting, 1);
}

}  // namespace
}  // namespace scoutlight::client
