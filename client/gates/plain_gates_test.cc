// Gates of plain delivery over nng's sockets on loopback.
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/gate.h"
#include "client/gates/gate_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

GateOptions Plain(LinkType type) { return {.queue = "q", .type = type}; }

TEST(PlainGates, PushedMessagesArePulledInOrderFromOnePeer) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>(Plain(LinkType::kPull));
  OutGate out = gates.Dialling<OutGate>(Plain(LinkType::kPush), {url});
  for (int i = 0; i < 3'000; ++i) ASSERT_TRUE(out.Push(absl::StrCat(i), kLong).ok());
  for (int i = 0; i < 2'000; ++i) {
    const absl::StatusOr<Message> message = in.Pull(kLong);
    ASSERT_TRUE(message.ok()) << message.status();
    ASSERT_EQ(message->body(), absl::StrCat(i));
  }
}

TEST(PlainGates, PushersWaitWhileNobodyPulls) {
  GateFactory gates;
  OutGate out = gates.Make<OutGate>({.queue = "q", .type = LinkType::kPush, .messages_max = 2});
  const std::shared_ptr<GateCore> core = gates.newest();
  EXPECT_TRUE(out.TryPush("a").ok());
  EXPECT_TRUE(out.TryPush("b").ok());
  std::string third = "c";
  const absl::Status full = out.TryPush(std::move(third));
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted) << full;
  EXPECT_EQ(ReasonOf(full), Reason::kOverloaded);
  EXPECT_EQ(third, "c");
  EXPECT_EQ(out.Push("d", absl::Milliseconds(1)).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(out.Look().counters.waiting, 2);
  EXPECT_EQ(out.Look().counters.blocked, 2);

  // A receiver comes, and everybody goes on.
  auto [in, url] = gates.Bound<InGate>(Plain(LinkType::kPull));
  std::thread pusher([&out = out] { EXPECT_TRUE(out.Push("c", kLong).ok()); });
  EXPECT_EQ(in.TryPull().status().code(), absl::StatusCode::kDeadlineExceeded);
  GateFactory::SetWanted(core.get(), {url});
  for (const char* body : {"a", "b", "c"}) EXPECT_EQ(in.Pull(kLong)->body(), body);
  pusher.join();
}

TEST(PlainGates, QueueIsBoundedByBytesToo) {
  GateFactory gates;
  OutGate out = gates.Make<OutGate>({.queue = "q", .type = LinkType::kPush, .bytes_max = 10});
  EXPECT_TRUE(out.TryPush("12345678").ok());
  EXPECT_TRUE(out.TryPush("90").ok());
  EXPECT_EQ(out.TryPush("1").code(), absl::StatusCode::kResourceExhausted);
}

TEST(PlainGates, MessageOverTheBoundIsRefused) {
  GateFactory gates;
  OutGate out = gates.Make<OutGate>({.queue = "q", .type = LinkType::kPush, .message_bytes_max = 4});
  EXPECT_TRUE(out.TryPush("1234").ok());
  const absl::Status wrong = out.TryPush("12345");
  EXPECT_EQ(ReasonOf(wrong), Reason::kValueTooLarge);
  EXPECT_EQ(DetailsOf(wrong)->violations[0], (FieldViolation{"body", "has 5 bytes, at most 4 are allowed"}));
  EXPECT_EQ(out.Look().counters.pushed, 1);
}

TEST(PlainGates, ClosedGateTakesAndGivesNothing) {
  GateFactory gates;
  OutGate out = gates.Make<OutGate>(Plain(LinkType::kPush));
  EXPECT_TRUE(out.TryPush("lost").ok());
  EXPECT_EQ(out.Close(absl::ZeroDuration()).unsent, 1);
  EXPECT_EQ(out.TryPush("b").code(), absl::StatusCode::kFailedPrecondition);
  InGate in = gates.Make<InGate>(Plain(LinkType::kPull));
  std::thread puller([&] { EXPECT_EQ(in.Pull().status().code(), absl::StatusCode::kFailedPrecondition); });
  in.Close(absl::ZeroDuration());
  puller.join();
}

TEST(PlainGates, ClosingSendsWhatWasPushed) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>({.queue = "q", .type = LinkType::kPull, .messages_max = 4});
  OutGate out = gates.Dialling<OutGate>({.queue = "q", .type = LinkType::kPush, .messages_max = 10'000}, {url});
  constexpr int kMessages = 5'000;
  const std::string filler(1'000, 'x');
  for (int i = 0; i < kMessages; ++i) ASSERT_TRUE(out.Push(absl::StrCat(i, filler), kLong).ok());
  std::thread closer([&out = out] { EXPECT_EQ(out.Close(kLong).unsent, 0); });
  for (int i = 0; i < kMessages; ++i) {
    const absl::StatusOr<Message> message = in.Pull(kLong);
    ASSERT_TRUE(message.ok()) << message.status();
    ASSERT_EQ(message->body(), absl::StrCat(i, filler));
  }
  closer.join();
}

TEST(PlainGates, ClosingReceiverTakesInWhatIsOnItsWay) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>({.queue = "q", .type = LinkType::kPull, .messages_max = 4});
  OutGate out = gates.Dialling<OutGate>(Plain(LinkType::kPush), {url});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(out.Push(absl::StrCat(i), kLong).ok());
  ASSERT_TRUE(Await([&out = out] { return out.Look().counters.waiting == 0; }));
  // The sender turns away, as it does when the receiver's endpoint has gone from the registry.
  GateFactory::SetWanted(gates.newest().get(), {});
  std::thread closer([&in = in] { in.Close(kLong); });
  for (int i = 0; i < 100; ++i) {
    const absl::StatusOr<Message> message = in.Pull(kLong);
    ASSERT_TRUE(message.ok()) << message.status();
    ASSERT_EQ(message->body(), absl::StrCat(i));
  }
  closer.join();
  EXPECT_EQ(in.Pull().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(PlainGates, EndpointsThatComeAndGoLoseNothing) {
  GateFactory gates;
  auto [first, first_url] = gates.Bound<InGate>(Plain(LinkType::kPull));
  auto [second, second_url] = gates.Bound<InGate>(Plain(LinkType::kPull));
  OutGate out = gates.Make<OutGate>(Plain(LinkType::kPush));
  const std::shared_ptr<GateCore> core = gates.newest();
  constexpr int kMessages = 20'000;
  std::set<std::string> seen;
  Mutex mu;
  const auto pull = [&](InGate* in) {
    for (;;) {
      const absl::StatusOr<Message> message = in->Pull();
      if (!message.ok()) return;
      MutexLock lock(&mu);
      seen.insert(message->body());
    }
  };
  std::thread first_puller(pull, &first);
  std::thread second_puller(pull, &second);
  for (int i = 0; i < kMessages; ++i) {
    if (i % 2'000 == 0) GateFactory::SetWanted(core.get(), {i / 2'000 % 2 == 0 ? first_url : second_url});
    ASSERT_TRUE(out.Push(absl::StrCat(i), kLong).ok());
  }
  EXPECT_EQ(out.Close(kLong).unsent, 0);
  EXPECT_TRUE(Await([&] {
    MutexLock lock(&mu);
    return seen.size() == kMessages;
  })) << seen.size();
  first.Close(kLong);
  second.Close(kLong);
  first_puller.join();
  second_puller.join();
}

TEST(PlainGates, DeadPeersMessagesGoToAnother) {
  GateFactory gates;
  auto [living, living_url] = gates.Bound<InGate>(Plain(LinkType::kPull));
  std::string dead_url;
  OutGate out = gates.Make<OutGate>(Plain(LinkType::kPush));
  const std::shared_ptr<GateCore> core = gates.newest();
  {
    auto [dying, url] = gates.Bound<InGate>(Plain(LinkType::kPull));
    dead_url = url;
    GateFactory::SetWanted(core.get(), {living_url, dead_url});
    ASSERT_TRUE(Await([&] { return out.Look().counters.peers == 2; }));
  }
  ASSERT_TRUE(Await([&] { return out.Look().counters.peers == 1; }));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(out.Push(absl::StrCat(i), kLong).ok());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(living.Pull(kLong).ok());
  for (const GateEndpointReport& endpoint : out.Look().endpoints) EXPECT_EQ(endpoint.connected, endpoint.endpoint.url == living_url);
}

TEST(PlainGates, WhyNobodyIsConnectedIsTold) {
  GateFactory gates;
  auto [subscriber, other_protocol] = gates.Bound<InGate>(Plain(LinkType::kSub));
  std::string refusing;
  { refusing = gates.Bound<InGate>(Plain(LinkType::kPull)).second; }
  OutGate out = gates.Dialling<OutGate>(Plain(LinkType::kPush), {other_protocol, refusing, "tcp://0.0.0.0:80", "http://a:1"});
  std::map<std::string, std::string> problems;
  EXPECT_TRUE(Await([&] {
    for (const GateEndpointReport& endpoint : out.Look().endpoints) problems[endpoint.endpoint.url] = endpoint.problem;
    return problems[other_protocol].find("of another protocol") == 0 && problems[refusing].find("refused") == 0;
  })) << problems[other_protocol]
      << " / " << problems[refusing];
  EXPECT_EQ(problems["tcp://0.0.0.0:80"], "is \"tcp://0.0.0.0:80\", an address that is only bound, never dialled");
  EXPECT_EQ(problems["http://a:1"], "is \"http://a:1\", its scheme must be tcp, ipc or inproc");
  EXPECT_EQ(out.Look().counters.peers, 0);
}

TEST(PlainGates, SubscribersGetTheirTopics) {
  GateFactory gates;
  auto [all, all_url] = gates.Bound<InGate>(Plain(LinkType::kSub));
  auto [some, some_url] = gates.Bound<InGate>({.queue = "q", .type = LinkType::kSub, .topics = {"red", "green"}});
  OutGate out = gates.Dialling<OutGate>(Plain(LinkType::kPub), {all_url, some_url});
  ASSERT_TRUE(Await([&out = out] { return out.Look().counters.peers == 2; }));
  for (const char* body : {"red 1", "blue 2", "green 3"}) ASSERT_TRUE(out.Push(body).ok());
  for (const char* body : {"red 1", "blue 2", "green 3"}) EXPECT_EQ(all.Pull(kLong)->body(), body);
  for (const char* body : {"red 1", "green 3"}) EXPECT_EQ(some.Pull(kLong)->body(), body);
}

TEST(PlainGates, WhatIsPublishedToNobodyIsLostAndCounted) {
  GateFactory gates;
  OutGate out = gates.Make<OutGate>(Plain(LinkType::kPub));
  EXPECT_TRUE(out.Push("a").ok());
  EXPECT_EQ(out.Look().counters.unsent, 1);
}

TEST(PlainGates, SubscriberMayDialAPublisherThatBinds) {
  GateFactory gates;
  auto [out, url] = gates.Bound<OutGate>(Plain(LinkType::kPub));
  InGate in = gates.Dialling<InGate>(Plain(LinkType::kSub), {url});
  ASSERT_TRUE(Await([&out = out] { return out.Look().counters.peers == 1; }));
  ASSERT_TRUE(out.Push("a").ok());
  EXPECT_EQ(in.Pull(kLong)->body(), "a");
}

TEST(PlainGates, RequestsAreAnsweredByWhoeverPullsThem) {
  GateFactory gates;
  auto [rep, url] = gates.Bound<InOutGate>(Plain(LinkType::kRep));
  InOutGate req = gates.Dialling<InOutGate>(Plain(LinkType::kReq), {url});
  std::thread answering([&rep = rep] {
    for (int i = 0; i < 200; ++i) {
      absl::StatusOr<Message> request = rep.Pull(kLong);
      ASSERT_TRUE(request.ok()) << request.status();
      EXPECT_TRUE(request->Reply(absl::StrCat(request->body(), "!")).ok());
      EXPECT_EQ(request->Reply("twice").code(), absl::StatusCode::kFailedPrecondition);
    }
  });
  std::vector<std::thread> asking;
  for (int t = 0; t < 4; ++t) {
    asking.emplace_back([&req, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string question = absl::StrCat(t, ":", i);
        const absl::StatusOr<std::string> answer = req.Ask(question, kLong);
        ASSERT_TRUE(answer.ok()) << answer.status();
        EXPECT_EQ(*answer, absl::StrCat(question, "!"));
      }
    });
  }
  for (std::thread& thread : asking) thread.join();
  answering.join();
}

TEST(PlainGates, RequestWithoutReplyTimesOut) {
  GateFactory gates;
  auto [rep, url] = gates.Bound<InOutGate>(Plain(LinkType::kRep));
  InOutGate req = gates.Dialling<InOutGate>(Plain(LinkType::kReq), {url});
  EXPECT_EQ(req.Ask("a", absl::Milliseconds(50)).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(req.Push("a").code(), absl::StatusCode::kUnimplemented);
}

TEST(PlainGates, PairsPushAndPull) {
  GateFactory gates;
  auto [one, url] = gates.Bound<InOutGate>(Plain(LinkType::kPair));
  InOutGate other = gates.Dialling<InOutGate>(Plain(LinkType::kPair), {url});
  ASSERT_TRUE(one.Push("to other", kLong).ok());
  ASSERT_TRUE(other.Push("to one", kLong).ok());
  EXPECT_EQ(other.Pull(kLong)->body(), "to other");
  EXPECT_EQ(one.Pull(kLong)->body(), "to one");
}

TEST(PlainGates, TakenPortIsAnErrorOrAnotherPort) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>(Plain(LinkType::kPull));
  InGate other = gates.Make<InGate>(Plain(LinkType::kPull));
  const std::shared_ptr<GateCore> core = gates.newest();
  EXPECT_EQ(core->Bind({url}, IfTaken::kFail).code(), absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(core->Bind({url}, IfTaken::kTakeAnother).ok());
  ASSERT_EQ(core->urls().size(), 1);
  EXPECT_NE(core->urls()[0], url);
}

TEST(PlainGates, PortMayMoveToAnotherAddress) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>(Plain(LinkType::kPull));
  const std::shared_ptr<GateCore> core = gates.newest();
  const std::string everywhere = "tcp://0.0.0.0" + url.substr(url.rfind(':'));
  // The new address needs the port of the old one, which is given up first; no other port is taken meanwhile.
  EXPECT_EQ(core->Bind({everywhere}, IfTaken::kTakeAnother).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(Await([&] { return core->Bind({everywhere}, IfTaken::kTakeAnother).ok(); }));
  EXPECT_EQ(core->urls(), std::vector<std::string>{everywhere});
}

}  // namespace
}  // namespace scoutlight::client
