// Machines whose parts are replaced: what they make of a topology, and how gates follow it. No registry.
#include "client/machine.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "client/gates/barrier.h"
#include "client/gates/fake_socket.h"
#include "client/gates/gate_fixture.h"
#include "client/gates/machine_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight {
namespace {

using client::Await;
using client::kLong;

class MachineTest : public ::testing::Test {
 protected:
  MachineTest() { topology_->Set(Mails(kAnyPort, "encryptor")); }

  Machine Open(const std::string& service) {
    absl::StatusOr<Machine> machine = Machine::Open({.service = service, .topology = topology_, .resolver = resolver_});
    EXPECT_TRUE(machine.ok()) << machine.status();
    return *std::move(machine);
  }

  const std::shared_ptr<SettableTopology> topology_ = std::make_shared<SettableTopology>();
  const std::shared_ptr<SettableResolver> resolver_ = std::make_shared<SettableResolver>();
};

TEST_F(MachineTest, OutGateFollowsWhatStandsBehindItsLink) {
  Machine feeding = Open("feeder");
  Machine encrypting[] = {Open("encryptor"), Open("encryptor")};
  absl::StatusOr<OutGate> out = feeding.OutGate("plaintext");
  ASSERT_TRUE(out.ok()) << out.status();
  ASSERT_TRUE(out->Push("before anybody is there", kLong).ok());
  absl::StatusOr<InGate> in[] = {encrypting[0].InGate("plaintext"), encrypting[1].InGate("plaintext")};
  const auto url = [&in](int i) { return in[i]->Look().bound[0]; };
  resolver_->Set("encryptor/plaintext", {url(0)});
  EXPECT_EQ(in[0]->Pull(kLong)->body(), "before anybody is there");
  resolver_->Set("encryptor/plaintext", {url(0), url(1)});
  ASSERT_TRUE(Await([&] { return out->Look().counters.peers == 2; }));
  resolver_->Set("encryptor/plaintext", {url(1)});
  ASSERT_TRUE(Await([&] { return out->Look().endpoints.size() == 1; }));
  ASSERT_TRUE(out->Push("moved", kLong).ok());
  EXPECT_EQ(in[1]->Pull(kLong)->body(), "moved");
}

TEST_F(MachineTest, GovernorIsReplaceable) {
  for (const bool follows : {true, false}) {
    absl::StatusOr<Machine> machine = Machine::Open(
        {.service = "feeder", .topology = topology_, .resolver = resolver_, .governor = follows ? FollowGovernor() : NoGovernor()});
    resolver_->Set("encryptor/plaintext", {"tcp://127.0.0.1:1"});
    absl::StatusOr<OutGate> out = machine->OutGate("plaintext");
    ASSERT_TRUE(Await([&] { return out->Look().endpoints.size() == 1; }));
    resolver_->Set("encryptor/plaintext", {"tcp://127.0.0.1:2"});
    // Both are asked; each does what it is for. One that follows keeps the first for a while beside the second.
    ASSERT_TRUE(Await([&] { return !follows || out->Look().endpoints[0].endpoint.url == "tcp://127.0.0.1:2"; }));
    ASSERT_EQ(out->Look().endpoints.size(), 1);
    EXPECT_EQ(out->Look().endpoints[0].endpoint.url, follows ? "tcp://127.0.0.1:2" : "tcp://127.0.0.1:1");
  }
}

TEST_F(MachineTest, SocketIsReplaceable) {
  client::FakeSockets sockets;
  absl::StatusOr<Machine> machine = Machine::Open({.socket = sockets.maker()});
  absl::StatusOr<OutGate> out = machine->OutGate({.type = LinkType::kPush, .endpoints = {"tcp://a:1"}});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_EQ(out->Look().endpoints.size(), 1);
  ASSERT_EQ(sockets.size(), 1);
  EXPECT_EQ(sockets.at(0).url, "tcp://a:1");
}

TEST_F(MachineTest, ChangedAddressesAreBoundAnew) {
  Machine encrypting = Open("encryptor");
  absl::StatusOr<InGate> in = encrypting.InGate("plaintext");
  const std::string before = in->Look().bound[0];
  topology_->Set(Mails(R"("tcp://127.0.0.1:0", "inproc://machine_test")", "encryptor"));
  ASSERT_TRUE(Await([&] { return in->Look().bound.size() == 2; }));
  topology_->Set(Mails(R"("inproc://machine_test")", "encryptor"));
  ASSERT_TRUE(Await([&] { return in->Look().bound.size() == 1; }));
  EXPECT_EQ(in->Look().bound[0], "inproc://machine_test");
  absl::StatusOr<Machine> plain = Machine::Open({});
  absl::StatusOr<OutGate> out = plain->OutGate({.type = LinkType::kPush, .endpoints = {"inproc://machine_test"}});
  ASSERT_TRUE(out->Push("in the process", kLong).ok());
  EXPECT_EQ(in->Pull(kLong)->body(), "in the process");
}

TEST_F(MachineTest, LinkOfAnotherTypeUnlinksTheGate) {
  Machine encrypting = Open("encryptor");
  absl::StatusOr<InGate> in = encrypting.InGate("plaintext");
  topology_->Set(R"({"encryptor": {"links": [{"addresses": ["tcp://127.0.0.1:0"], "queue": "plaintext", "type": "SUB"}]}})");
  ASSERT_TRUE(Await([&] { return in->Look().bound.empty(); }));
  EXPECT_EQ(in->Look().problem.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(MachineTest, QueueIsBoundByOneGateAtATime) {
  Machine encrypting = Open("encryptor");
  absl::StatusOr<InGate> in = encrypting.InGate("plaintext");
  ASSERT_TRUE(in.ok()) << in.status();
  EXPECT_EQ(encrypting.InGate("plaintext").status().code(), absl::StatusCode::kAlreadyExists);
  in->Close(absl::ZeroDuration());
  EXPECT_TRUE(encrypting.InGate("plaintext").ok());
}

TEST_F(MachineTest, GatesMayOutliveTheirMachine) {
  absl::StatusOr<InGate> in = absl::UnknownError("");
  absl::StatusOr<OutGate> out = absl::UnknownError("");
  {
    absl::StatusOr<Machine> machine = Machine::Open({});
    in = machine->InGate({.queue = "q", .type = LinkType::kPull, .addresses = {"tcp://127.0.0.1:0"}});
    out = machine->OutGate({.type = LinkType::kPush, .endpoints = {in->Look().bound[0]}});
  }
  ASSERT_TRUE(out->Push("still", kLong).ok());
  EXPECT_EQ(in->Pull(kLong)->body(), "still");
}

TEST_F(MachineTest, TopologyThatNeverComesIsToldInTime) {
  const auto never = std::make_shared<SettableTopology>();
  EXPECT_EQ(Machine::Open({.service = "s", .topology = never, .topology_timeout = absl::Milliseconds(10)}).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(MachineTest, UnlinkedGateKeepsItsMessagesUntilItIsLinkedAgain) {
  Machine feeding = Open("feeder");
  Machine encrypting = Open("encryptor");
  absl::StatusOr<OutGate> out = feeding.OutGate("plaintext");
  absl::StatusOr<InGate> in = encrypting.InGate("plaintext");
  resolver_->Set("encryptor/plaintext", in->Look().bound);
  ASSERT_TRUE(Await([&] { return out->Look().counters.peers == 1; }));
  topology_->Set(R"({"encryptor": {"links": [{"addresses": ["tcp://127.0.0.1:0"], "queue": "plaintext", "type": "PULL"}]},
                     "feeder": {"links": []}})");
  ASSERT_TRUE(Await([&] { return out->Look().endpoints.empty(); }));
  EXPECT_EQ(out->Look().problem.code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(out->Push("waits", kLong).ok());
  topology_->Set(Mails(kAnyPort, "encryptor"));
  ASSERT_TRUE(Await([&] { return in->Look().bound.size() == 1; }));
  resolver_->Set("encryptor/plaintext", in->Look().bound);
  EXPECT_EQ(in->Pull(kLong)->body(), "waits");
  EXPECT_TRUE(out->Look().problem.ok());
}

TEST_F(MachineTest, GatesMayDoWithoutTopologyOrRegistry) {
  absl::StatusOr<Machine> plain = Machine::Open({});
  ASSERT_TRUE(plain.ok()) << plain.status();
  absl::StatusOr<InGate> in = plain->InGate({.queue = "q", .type = LinkType::kPull, .addresses = {"tcp://127.0.0.1:0"}});
  ASSERT_TRUE(in.ok()) << in.status();
  absl::StatusOr<OutGate> out = plain->OutGate({.type = LinkType::kPush, .endpoints = {in->Look().bound[0]}});
  ASSERT_TRUE(out.ok()) << out.status();
  ASSERT_TRUE(out->Push("listed", kLong).ok());
  EXPECT_EQ(in->Pull(kLong)->body(), "listed");
}

TEST_F(MachineTest, ResolversAreReplaceable) {
  absl::StatusOr<Machine> bound = Machine::Open({});
  absl::StatusOr<InGate> in = bound->InGate({.queue = "plaintext", .type = LinkType::kPull, .addresses = {"tcp://127.0.0.1:0"}});
  const std::string url = in->Look().bound[0];
  const std::shared_ptr<EndpointResolver> resolvers[] = {StaticResolver({url}),
                                                         FunctionResolver(
                                                             [url](const std::string& service, const std::string& queue) {
                                                               EXPECT_EQ(service + "/" + queue, "encryptor/plaintext");
                                                               return std::vector<GateEndpoint>{{.url = url}};
                                                             },
                                                             absl::Milliseconds(1))};
  for (const auto& resolver : resolvers) {
    absl::StatusOr<Machine> machine = Machine::Open({.service = "feeder", .topology = topology_, .resolver = resolver});
    ASSERT_TRUE(machine.ok()) << machine.status();
    absl::StatusOr<OutGate> out = machine->OutGate("plaintext");
    ASSERT_TRUE(out->Push("found", kLong).ok());
    EXPECT_EQ(in->Pull(kLong)->body(), "found");
  }
}

// It was called on the machine's thread, which all gates of the machine share.
TEST_F(MachineTest, FunctionThatTakesItsTimeHoldsUpNoGate) {
  const auto barrier = std::make_shared<client::Barrier>();
  absl::StatusOr<Machine> bound = Machine::Open({});
  absl::StatusOr<InGate> in = bound->InGate({.type = LinkType::kPull, .addresses = {"tcp://127.0.0.1:0"}});
  const auto ask = [barrier, url = in->Look().bound[0]](const std::string&, const std::string&) {
    return barrier->Wait() ? std::vector<GateEndpoint>{{.url = url}} : std::vector<GateEndpoint>();
  };
  absl::StatusOr<Machine> machine = Machine::Open({.service = "feeder", .topology = topology_, .resolver = FunctionResolver(ask)});
  absl::StatusOr<OutGate> out = machine->OutGate("plaintext");
  ASSERT_TRUE(out.ok()) << out.status();
  ASSERT_TRUE(Await([&] { return barrier->came() == 1; }));
  // Nor does a gate that goes wait for it.
  { absl::StatusOr<OutGate> gone = machine->OutGate({.queue = "plaintext", .service = "encryptor"}); }
  EXPECT_TRUE(out->Look().endpoints.empty());
  ASSERT_TRUE(out->Push("found in the end", kLong).ok());
  barrier->Open();
  EXPECT_EQ(in->Pull(kLong)->body(), "found in the end");
}

TEST_F(MachineTest, WhatIsWrongIsTold) {
  Machine feeding = Open("feeder");
  const absl::Status unknown = feeding.OutGate("plain").status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(unknown.message().find("plaintext (PUSH)"), absl::string_view::npos) << unknown;
  EXPECT_EQ(feeding.InGate("plaintext").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(Machine::Open({.service = "nobody", .topology = topology_}).status()), Reason::kServiceNotFound);
  EXPECT_EQ(Machine::Open({.topology = topology_}).status().code(), absl::StatusCode::kInvalidArgument);
  absl::StatusOr<Machine> plain = Machine::Open({});
  EXPECT_EQ(plain->OutGate("q").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(plain->OutGate({.service = "s", .type = LinkType::kPush}).status().code(), absl::StatusCode::kInvalidArgument);
  const absl::Status wrong = plain->OutGate({.type = LinkType::kPush, .endpoints = {"tcp://0.0.0.0:1"}, .messages_max = 0}).status();
  ASSERT_TRUE(DetailsOf(wrong).has_value()) << wrong;
  EXPECT_EQ(DetailsOf(wrong)->violations.size(), 2);
}

TEST_F(MachineTest, GatesWithoutANameMayBindSideBySide) {
  absl::StatusOr<Machine> plain = Machine::Open({});
  absl::StatusOr<InGate> one = plain->InGate({.type = LinkType::kPull, .addresses = {"tcp://127.0.0.1:0"}});
  absl::StatusOr<InGate> other = plain->InGate({.type = LinkType::kPull, .addresses = {"tcp://127.0.0.1:0"}});
  EXPECT_TRUE(one.ok()) << one.status();
  EXPECT_TRUE(other.ok()) << other.status();
}

TEST_F(MachineTest, WhyTheTopologyIsNotKnownIsTold) {
  struct Broken final : TopologySource {
    absl::StatusOr<std::unique_ptr<TopologySourceWatch>> Watch(Callback callback) override {
      callback(absl::PermissionDeniedError("nobody may read it"));
      return std::make_unique<TopologySourceWatch>();
    }
  };
  const absl::Status late =
      Machine::Open({.service = "s", .topology = std::make_shared<Broken>(), .topology_timeout = absl::Milliseconds(50)}).status();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_NE(late.message().find("nobody may read it"), absl::string_view::npos) << late;
}

}  // namespace
}  // namespace scoutlight
