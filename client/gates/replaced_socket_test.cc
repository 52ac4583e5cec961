// Gates over another socket than nng's: what they ask of it, and how they take what it tells.
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/events/run_and_wait.h"
#include "client/gate.h"
#include "client/gates/fake_socket.h"
#include "client/gates/gate_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

class ReplacedSocketTest : public ::testing::Test {
 protected:
  template <typename G>
  G Make(LinkType type) {
    return gates_.Make<G>({.queue = "q", .type = type, .messages_max = 2, .linger = absl::Milliseconds(10)}, sockets_.maker());
  }
  // What the loop was asked to do has been done.
  void Settle() { (void)gates_.newest()->urls(); }

  FakeSockets sockets_;
  GateFactory gates_;
};

TEST_F(ReplacedSocketTest, EachMessageGoesToOneOfThoseThatCanTakeIt) {
  OutGate out = Make<OutGate>(LinkType::kPush);
  GateFactory::SetWanted(gates_.newest().get(), {"tcp://a:1", "tcp://b:1"});
  Settle();
  ASSERT_EQ(sockets_.size(), 2);
  EXPECT_EQ(sockets_.at(0).url, "tcp://a:1");
  ASSERT_TRUE(out.TryPush("waits").ok());
  sockets_.at(1).events.OnPeers(1);
  EXPECT_EQ(sockets_.at(1).sent, std::vector<std::string>{"waits"});
  // One at a time: it has not said yet that it has sent it.
  ASSERT_TRUE(out.TryPush("next").ok());
  EXPECT_EQ(sockets_.at(1).sent.size(), 1);
  sockets_.at(0).events.OnPeers(1);
  EXPECT_EQ(sockets_.at(0).sent, std::vector<std::string>{"next"});
}

TEST_F(ReplacedSocketTest, WhatIsGivenBackGoesToAnother) {
  OutGate out = Make<OutGate>(LinkType::kPush);
  GateFactory::SetWanted(gates_.newest().get(), {"tcp://a:1", "tcp://b:1"});
  Settle();
  sockets_.at(0).events.OnPeers(1);
  ASSERT_TRUE(out.TryPush("body").ok());
  sockets_.at(0).events.OnPeers(0);
  sockets_.at(1).events.OnPeers(1);
  sockets_.at(0).events.OnSent(absl::CancelledError(), "body");
  EXPECT_EQ(sockets_.at(1).sent, std::vector<std::string>{"body"});
  sockets_.at(1).events.OnSent(absl::OkStatus(), "");
  EXPECT_EQ(out.Look().counters.sent, 1);
  EXPECT_EQ(out.Look().counters.waiting, 0);
}

TEST_F(ReplacedSocketTest, EndpointIsGivenUpWhenItsLastMessageIsOut) {
  OutGate out = gates_.Make<OutGate>({.queue = "q", .type = LinkType::kPush, .linger = kLong}, sockets_.maker());
  const std::shared_ptr<GateCore> core = gates_.newest();
  GateFactory::SetWanted(core.get(), {"tcp://a:1"});
  Settle();
  sockets_.at(0).events.OnPeers(1);
  ASSERT_TRUE(out.TryPush("body").ok());
  sockets_.at(0).flushed = false;
  GateFactory::SetWanted(core.get(), {});
  Settle();
  EXPECT_FALSE(sockets_.at(0).closed);
  sockets_.at(0).events.OnSent(absl::OkStatus(), "");
  RunAndWait(gates_.loop().get(), [&] { sockets_.at(0).flushed = true; });
  EXPECT_TRUE(Await([&] {
    bool closed = false;
    RunAndWait(gates_.loop().get(), [&] { closed = sockets_.at(0).closed; });
    return closed;
  }));
}

TEST_F(ReplacedSocketTest, EndpointThatTakesNothingIsGivenUpInTime) {
  OutGate out = Make<OutGate>(LinkType::kPush);
  const std::shared_ptr<GateCore> core = gates_.newest();
  GateFactory::SetWanted(core.get(), {"tcp://a:1"});
  Settle();
  sockets_.at(0).events.OnPeers(1);
  ASSERT_TRUE(out.TryPush("body").ok());
  GateFactory::SetWanted(core.get(), {});
  EXPECT_TRUE(Await([&] {
    bool closed = false;
    RunAndWait(gates_.loop().get(), [&] { closed = sockets_.at(0).closed; });
    return closed;
  }));
}

TEST_F(ReplacedSocketTest, FullReceiverAsksForNothingMore) {
  InGate in = Make<InGate>(LinkType::kPull);
  ASSERT_TRUE(gates_.newest()->Bind({"tcp://a:1"}, IfTaken::kFail).ok());
  FakeSocket& socket = sockets_.at(0);
  EXPECT_EQ(socket.receives, 1);
  socket.events.OnReceived(ReceivedMessage{.body = "a"});
  EXPECT_EQ(socket.receives, 2);
  socket.events.OnReceived(ReceivedMessage{.body = "b"});
  EXPECT_EQ(socket.receives, 2);
  EXPECT_EQ(in.TryPull()->body(), "a");
  EXPECT_EQ(socket.receives, 3);
}

TEST_F(ReplacedSocketTest, TakenPortMakesPlaceForAnother) {
  InGate in = Make<InGate>(LinkType::kPull);
  const std::shared_ptr<GateCore> core = gates_.newest();
  const SocketMaker maker = [this](const SocketOptions& options, SocketEvents* events) {
    auto socket = sockets_.maker()(options, events);
    sockets_.at(sockets_.size() - 1).listen_error = absl::AlreadyExistsError("taken");
    return socket;
  };
  InGate other = gates_.Make<InGate>({.queue = "q", .type = LinkType::kPull}, maker);
  EXPECT_EQ(gates_.newest()->Bind({"tcp://a:1"}, IfTaken::kFail).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(gates_.newest()->urls().size(), 0);
  ASSERT_TRUE(gates_.newest()->Bind({"tcp://a:1"}, IfTaken::kTakeAnother).ok());
  EXPECT_EQ(gates_.newest()->urls(), std::vector<std::string>{"tcp://a:0"});
}

}  // namespace
}  // namespace scoutlight::client
