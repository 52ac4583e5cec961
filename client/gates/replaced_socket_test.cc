// Gates over another socket than nng's: what they ask of it, and how they take what it tells.
#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/events/run_and_wait.h"
#include "client/gate.h"
#include "client/gates/fake_socket.h"
#include "client/gates/gate_fixture.h"
#include "client/governor.h"
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

TEST_F(ReplacedSocketTest, WhatCannotBeDialledIsTriedAgain) {
  int refusals = 1;
  const SocketMaker maker = [&](const SocketOptions& options, SocketEvents* events) -> absl::StatusOr<std::shared_ptr<Socket>> {
    if (refusals-- > 0) return absl::ResourceExhaustedError("no memory for a socket");
    return sockets_.maker()(options, events);
  };
  OutGate out = gates_.Make<OutGate>({.queue = "q", .type = LinkType::kPush}, maker);
  GateFactory::SetWanted(gates_.newest().get(), {"tcp://a:1"});
  ASSERT_EQ(out.Look().endpoints.size(), 1);
  EXPECT_EQ(out.Look().endpoints[0].problem, "no memory for a socket");
  EXPECT_TRUE(Await([&] { return out.Look().endpoints[0].problem.empty(); }));
}

TEST_F(ReplacedSocketTest, GovernorCannotDialWhatIsNeverDialled) {
  struct Inventive final : Governor {
    GovernorStep Decide(const std::vector<GateEndpoint>&, const std::vector<DialledEndpoint>&) override {
      return {.dial = {{.url = "tcp://0.0.0.0:1"}}, .undial = {"tcp://nobody:1"}, .ask_again = absl::ZeroDuration()};
    }
  };
  gates_.SetGovernor([] { return std::make_unique<Inventive>(); });
  OutGate out = Make<OutGate>(LinkType::kPush);
  GateFactory::SetWanted(gates_.newest().get(), {"tcp://a:1"});
  ASSERT_EQ(out.Look().endpoints.size(), 1);
  EXPECT_EQ(out.Look().endpoints[0].problem, "is \"tcp://0.0.0.0:1\", an address that is only bound, never dialled");
  EXPECT_EQ(sockets_.size(), 0);
}

// Only FollowGovernor kept a bound.
TEST_F(ReplacedSocketTest, WhateverItsGovernorSaysAGateHasSoManyEndpointsAtMost) {
  struct Greedy final : Governor {
    GovernorStep Decide(const std::vector<GateEndpoint>& wanted, const std::vector<DialledEndpoint>& dialled) override {
      if (wanted.empty()) return {.undial = {dialled[0].endpoint.url}};
      GovernorStep step;
      for (int i = 1; i <= kDialledMax + 5; ++i) step.dial.push_back({.url = absl::StrCat("tcp://a:", i)});
      return step;
    }
  };
  gates_.SetGovernor([] { return std::make_unique<Greedy>(); });
  OutGate out = Make<OutGate>(LinkType::kPush);
  const std::shared_ptr<GateCore> core = gates_.newest();
  GateFactory::SetWanted(core.get(), {"tcp://a:1"});
  const GateReport full = out.Look();
  EXPECT_EQ(sockets_.size(), kDialledMax);
  ASSERT_EQ(full.endpoints.size(), kDialledMax + 5);
  EXPECT_EQ(full.endpoints.back().endpoint.url, absl::StrCat("tcp://a:", kDialledMax + 5));
  EXPECT_EQ(full.endpoints.back().problem,
            "is not dialled: the gate has 10000 endpoints, and 0 more that it is giving up, at most 10000 together are allowed");
  // What goes makes place for another, as soon as it has gone.
  GateFactory::SetWanted(core.get(), {});
  EXPECT_EQ(out.Look().endpoints.size(), kDialledMax - 1);
  EXPECT_TRUE(Await([&] {
    GateFactory::SetWanted(core.get(), {"tcp://a:1"});
    Settle();
    return sockets_.size() == kDialledMax + 1;
  }));
}

// It would hold up all gates of the machine.
TEST_F(ReplacedSocketTest, WhyEndpointsAreNotConnectedIsNotAskedOnTheMachinesThread) {
  OutGate out = Make<OutGate>(LinkType::kPush);
  GateFactory::SetWanted(gates_.newest().get(), {"tcp://a:1", "tcp://b:1"});
  Settle();
  std::vector<std::thread::id> askers;
  for (size_t i = 0; i < 2; ++i) {
    sockets_.at(i).problem = [&askers] {
      askers.push_back(std::this_thread::get_id());
      return std::string("refused");
    };
  }
  sockets_.at(1).events.OnPeers(1);
  const GateReport report = out.Look();
  ASSERT_EQ(report.endpoints.size(), 2);
  EXPECT_EQ(report.endpoints[0].problem, "refused");
  EXPECT_EQ(report.endpoints[1].problem, "") << "it is connected";
  EXPECT_EQ(askers, std::vector<std::thread::id>{std::this_thread::get_id()});
}

// One that takes 300 ms to close, for which Close() waits.
class SlowSocket final : public Socket {
 public:
  absl::StatusOr<std::string> Listen(const std::string& url) override { return url; }
  absl::Status Dial(const std::string&) override { return absl::OkStatus(); }
  absl::Status Send(std::string&&) override { return absl::FailedPreconditionError("closed"); }
  absl::Status Receive() override { return absl::OkStatus(); }
  absl::Status Ask(uint64_t, absl::string_view, absl::Duration) override { return absl::FailedPreconditionError("closed"); }
  bool IsFlushed() override { return true; }
  bool IsAlone() override { return true; }
  void StopListening() override {}
  bool TakeInNewcomers() override { return false; }
  std::string Problem() override { return std::string(); }
  void BeginClose() override { closed_at_ = std::min(closed_at_, Clock::System().SinceBoot() + absl::Milliseconds(300)); }
  bool IsClosed() override { return Clock::System().SinceBoot() >= closed_at_; }
  void Close() override {
    BeginClose();
    EXPECT_TRUE(Await([this] { return IsClosed(); }));
  }

 private:
  absl::Duration closed_at_ = absl::InfiniteDuration();
};

TEST_F(ReplacedSocketTest, EndpointsCloseAllAtTheSameTime) {
  const SocketMaker maker = [](const SocketOptions&, SocketEvents*) -> absl::StatusOr<std::shared_ptr<Socket>> {
    return std::make_shared<SlowSocket>();
  };
  std::vector<std::string> urls;
  for (int i = 1; i <= 40; ++i) urls.push_back(absl::StrCat("tcp://a:", i));
  for (const bool undials : {true, false}) {
    OutGate out = gates_.Make<OutGate>({.queue = "q", .type = LinkType::kPush, .delivery = Delivery::kAcked}, maker);
    GateFactory::SetWanted(gates_.newest().get(), urls);
    ASSERT_EQ(out.Look().endpoints.size(), 40);
    const absl::Duration start = Clock::System().SinceBoot();
    // Those that leave before do not hold up the machine's thread either.
    if (undials) GateFactory::SetWanted(gates_.newest().get(), {});
    EXPECT_EQ(out.Look().endpoints.size(), undials ? 0 : 40);
    out.Close(absl::ZeroDuration());
    EXPECT_LT(Clock::System().SinceBoot() - start, absl::Seconds(6)) << "one after the other they would take 12 s";
  }
}

}  // namespace
}  // namespace scoutlight::client
