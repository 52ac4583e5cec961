// Machines with the registry's server inside the test: topology, discovery, registration, counters.
#include "client/machine.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/gates/gate_fixture.h"
#include "client/gates/machine_fixture.h"
#include "client/locator.h"
#include "client/testing/server.h"
#include "gtest/gtest.h"

namespace scoutlight {
namespace {

using client::Await;
using client::kLong;

// A process with one instance of a service.
struct Member {
  explicit Member(const testing::Server& server)
      : connection(server.Connect()),
        session(*Session::Open(connection)),
        locator(*Locator::Open(connection)),
        resolver(DiscoveryResolver(locator)) {}

  MachineOptions Options(const std::string& service, std::shared_ptr<TopologySource> topology) {
    return {.service = service, .topology = std::move(topology), .resolver = resolver, .session = &session};
  }

  Connection connection;
  Session session;
  Locator locator;
  std::shared_ptr<EndpointResolver> resolver;
};

class MachineServerTest : public ::testing::Test {
 protected:
  MachineServerTest() { topology_->Set(Mails(kAnyPort, "encryptor")); }

  Machine Open(Member* member, const std::string& service) {
    absl::StatusOr<Machine> machine = Machine::Open(member->Options(service, topology_));
    EXPECT_TRUE(machine.ok()) << machine.status();
    return *std::move(machine);
  }
  // Of the only instance of a service that is registered.
  std::optional<discovery::Instance> InstanceOf(const std::string& service) {
    const auto snapshot = observer_.locator.SnapshotOf(service);
    std::optional<discovery::Instance> found;
    EXPECT_TRUE(observer_.locator.Follow({service}).ok());
    if (snapshot == nullptr) return found;
    snapshot->ForEachAfter("", [&](const discovery::InstancePtr& instance) {
      found = *instance;
      return true;
    });
    return found;
  }

  testing::Server server_;
  Member observer_{server_};
  const std::shared_ptr<SettableTopology> topology_ = std::make_shared<SettableTopology>();
};

TEST_F(MachineServerTest, OutGateFindsTheInGateThatRegisters) {
  Member feeder(server_);
  Machine feeding = Open(&feeder, "feeder");
  absl::StatusOr<OutGate> out = feeding.OutGate("plaintext");
  ASSERT_TRUE(out.ok()) << out.status();
  ASSERT_TRUE(out->Push("before anybody is there", kLong).ok());

  Member encryptor(server_);
  Machine encrypting = Open(&encryptor, "encryptor");
  absl::StatusOr<InGate> in = encrypting.InGate("plaintext");
  ASSERT_TRUE(in.ok()) << in.status();
  EXPECT_EQ(in->Pull(kLong)->body(), "before anybody is there");
  ASSERT_TRUE(Await([&] { return InstanceOf("encryptor").has_value(); }));
  EXPECT_EQ(InstanceOf("encryptor")->properties.at("endpoint.gate.plaintext"), in->Look().bound[0]);
}

TEST_F(MachineServerTest, ClosedInGateLosesNothing) {
  Member feeder(server_);
  Machine feeding = Open(&feeder, "feeder");
  absl::StatusOr<OutGate> out = feeding.OutGate("plaintext");
  Member encryptors[2] = {Member(server_), Member(server_)};
  std::vector<Machine> machines;
  std::vector<InGate> ins;
  for (Member& member : encryptors) {
    machines.push_back(Open(&member, "encryptor"));
    ins.push_back(*machines.back().InGate("plaintext"));
  }
  ASSERT_TRUE(Await([&] { return out->Look().counters.peers == 2; }));
  constexpr int kMessages = 2'000;
  int pulled = 0;
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_TRUE(out->Push(absl::StrCat(i), kLong).ok());
    if (i == kMessages / 2) ins[0].Close(kLong);
    for (InGate& in : ins) pulled += in.TryPull().ok();
  }
  ASSERT_EQ(out->Close(kLong).unsent, 0);
  EXPECT_TRUE(Await([&] {
    for (InGate& in : ins) pulled += in.TryPull().ok();
    return pulled == kMessages;
  })) << pulled;
}

TEST_F(MachineServerTest, RegistryThatGoesAndComesChangesNothing) {
  Member feeder(server_);
  Member encryptor(server_);
  Machine feeding = Open(&feeder, "feeder");
  Machine encrypting = Open(&encryptor, "encryptor");
  absl::StatusOr<OutGate> out = feeding.OutGate("plaintext");
  absl::StatusOr<InGate> in = encrypting.InGate("plaintext");
  ASSERT_TRUE(Await([&] { return out->Look().counters.peers == 1; }));
  server_.Stop();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(out->Push(absl::StrCat(i), kLong).ok());
    EXPECT_EQ(in->Pull(kLong)->body(), absl::StrCat(i));
  }
  server_.Start();
  ASSERT_TRUE(out->Push("after", kLong).ok());
  EXPECT_EQ(in->Pull(kLong)->body(), "after");
  EXPECT_EQ(out->Look().counters.peers, 1);
}

TEST_F(MachineServerTest, CountersArePublishedAsSoftValues) {
  Member encryptor(server_);
  Machine encrypting = Open(&encryptor, "encryptor");
  absl::StatusOr<InGate> in = encrypting.InGate("plaintext");
  Member feeder(server_);
  Machine feeding = Open(&feeder, "feeder");
  absl::StatusOr<OutGate> out = feeding.OutGate("plaintext");
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(out->Push("m", kLong).ok());
  EXPECT_TRUE(Await([&] {
    const std::optional<discovery::Instance> instance = InstanceOf("encryptor");
    if (!instance.has_value()) return false;
    const auto counter = instance->soft.counters.find("gate.plaintext.received");
    return counter != instance->soft.counters.end() && counter->second == 7;
  }));
}

TEST_F(MachineServerTest, GateMayNameAServiceAlone) {
  Member encryptor(server_);
  Machine encrypting = Open(&encryptor, "encryptor");
  absl::StatusOr<InGate> plaintext = encrypting.InGate("plaintext");
  Member anybody(server_);
  absl::StatusOr<Machine> by_service = Machine::Open({.resolver = anybody.resolver});
  absl::StatusOr<OutGate> named = by_service->OutGate({.service = "encryptor", .type = LinkType::kPush});
  ASSERT_TRUE(named.ok()) << named.status();
  ASSERT_TRUE(named->Push("by service", kLong).ok());
  EXPECT_EQ(plaintext->Pull(kLong)->body(), "by service");
}

TEST_F(MachineServerTest, ChangedTopologyMovesLiveGates) {
  Member feeder(server_);
  Member encryptor(server_);
  Member emailsink(server_);
  Machine feeding = Open(&feeder, "feeder");
  Machine encrypting = Open(&encryptor, "encryptor");
  Machine sinking = Open(&emailsink, "emailsink");
  absl::StatusOr<OutGate> out = feeding.OutGate("plaintext");
  absl::StatusOr<InGate> plaintext = encrypting.InGate("plaintext");
  absl::StatusOr<InGate> mails = sinking.InGate("mails");
  ASSERT_TRUE(out->Push("to the encryptor", kLong).ok());
  EXPECT_EQ(plaintext->Pull(kLong)->body(), "to the encryptor");

  // An operator links the feeder with the sink: the old link is given up when the new one stands.
  const std::string sink_url = mails->Look().bound[0];
  topology_->Set(Mails(kAnyPort, "emailsink"));
  ASSERT_TRUE(Await([&] {
    const GateReport report = out->Look();
    return report.endpoints.size() == 1 && report.endpoints[0].endpoint.url == sink_url && report.endpoints[0].connected;
  }));
  ASSERT_TRUE(out->Push("to the sink", kLong).ok());
  EXPECT_EQ(mails->Pull(kLong)->body(), "to the sink");

  // Other addresses: the in gate binds anew and says so.
  const std::string before = plaintext->Look().bound[0];
  topology_->Set(Mails(R"("tcp://localhost:0")", "encryptor"));
  ASSERT_TRUE(Await([&] { return plaintext->Look().bound.size() == 1 && plaintext->Look().bound[0] != before; }));
  ASSERT_TRUE(Await([&] {
    const GateReport report = out->Look();
    return report.endpoints.size() == 1 && report.endpoints[0].endpoint.url == plaintext->Look().bound[0];
  }));
  ASSERT_TRUE(out->Push("bound anew", kLong).ok());
  EXPECT_EQ(plaintext->Pull(kLong)->body(), "bound anew");
}

TEST_F(MachineServerTest, QueuesOfTheSameNameAreCountedTogether) {
  topology_->Set(R"({"relay": {"links": [{"addresses": ["tcp://127.0.0.1:0"], "queue": "mails", "type": "PULL"},
                                         {"outgate": "sink", "queue": "mails", "type": "PUSH"}]},
                     "sink": {"links": [{"addresses": ["tcp://127.0.0.1:0"], "queue": "mails", "type": "PULL"}]},
                     "feeder": {"links": [{"outgate": "relay", "queue": "mails", "type": "PUSH"}]}})");
  Member members[] = {Member(server_), Member(server_), Member(server_)};
  Machine relaying = Open(&members[0], "relay");
  Machine sinking = Open(&members[1], "sink");
  Machine feeding = Open(&members[2], "feeder");
  absl::StatusOr<InGate> sink = sinking.InGate("mails");
  absl::StatusOr<OutGate> onward = relaying.OutGate("mails");
  absl::StatusOr<InGate> in = relaying.InGate("mails");
  absl::StatusOr<OutGate> out = feeding.OutGate("mails");
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(out->Push("m", kLong).ok());
    absl::StatusOr<Message> message = in->Pull(kLong);
    ASSERT_TRUE(message.ok()) << message.status();
    ASSERT_TRUE(onward->Push(message->TakeBody(), kLong).ok());
    ASSERT_TRUE(sink->Pull(kLong).ok());
  }
  EXPECT_TRUE(Await([&] {
    const std::optional<discovery::Instance> instance = InstanceOf("relay");
    if (!instance.has_value()) return false;
    const auto& counters = instance->soft.counters;
    return counters.contains("gate.mails.sent") && counters.at("gate.mails.sent") == 5 && counters.at("gate.mails.received") == 5;
  }));
}

TEST_F(MachineServerTest, GateBoundEverywhereNeedsAnAddressThatOthersCanDial) {
  topology_->Set(Mails(R"("tcp://0.0.0.0:0")", "encryptor"));
  Member encryptor(server_);
  MachineOptions options = encryptor.Options("encryptor", topology_);
  absl::StatusOr<Machine> nowhere = Machine::Open(options);
  ASSERT_TRUE(nowhere.ok()) << nowhere.status();
  const absl::Status unknown = nowhere->InGate("plaintext").status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(unknown.message().find("advertise"), absl::string_view::npos) << unknown;
  options.registry = server_.address();
  absl::StatusOr<Machine> somewhere = Machine::Open(options);
  absl::StatusOr<InGate> in = somewhere->InGate("plaintext");
  ASSERT_TRUE(in.ok()) << in.status();
  ASSERT_TRUE(Await(
      [&] { return InstanceOf("encryptor").has_value() && InstanceOf("encryptor")->properties.contains("endpoint.gate.plaintext"); }));
  EXPECT_EQ(InstanceOf("encryptor")->properties.at("endpoint.gate.plaintext").find("tcp://127.0.0.1:"), 0);
}

// The server is not asked: the session refuses by itself. The gate said that all was well from the second try on.
TEST_F(MachineServerTest, WhatCannotBeRegisteredIsNotTakenForRegistered) {
  Member encryptor(server_);
  MachineOptions options = encryptor.Options("encryptor", topology_);
  // There is room for the URL, but not for one with a long host.
  size_t left = limits::kInstanceBytesMax - 120;
  for (int i = 0; left > 0; ++i) {
    const std::string name = absl::StrCat("filler", i);
    const size_t bytes = std::min(left, limits::kPropertyValueBytesMax);
    options.registration.properties[name] = std::string(bytes - std::min(bytes, name.size()), 'x');
    left -= bytes;
  }
  std::atomic<int> refusals = 0;
  options.on_problem = [&refusals](const absl::Status&) { ++refusals; };
  absl::StatusOr<Machine> machine = Machine::Open(options);
  ASSERT_TRUE(machine.ok()) << machine.status();
  absl::StatusOr<InGate> in = machine->InGate("plaintext");
  ASSERT_TRUE(in.ok()) << in.status();
  topology_->Set(absl::StrReplaceAll(
      Mails(kAnyPort, "encryptor"),
      {{R"("queue": "plaintext", "type": "PULL")",
        absl::StrCat(R"("queue": "plaintext", "type": "PULL", "advertise": ")", std::string(60, 'a'), ".", std::string(60, 'b'), "\"")}}));
  EXPECT_TRUE(Await([&] { return refusals.load() >= 3; }));
  EXPECT_FALSE(in->Look().problem.ok());
}

// A second is promised. The median, because single ones also measure what else the machine does; the message shows all.
TEST_F(MachineServerTest, InstancesThatComeAndGoAreFollowedWithinASecond) {
  Member feeder(server_);
  Machine feeding = Open(&feeder, "feeder");
  absl::StatusOr<OutGate> out = feeding.OutGate("plaintext");
  Member stays(server_);
  Machine staying = Open(&stays, "encryptor");
  absl::StatusOr<InGate> first = staying.InGate("plaintext");
  Member comes(server_);
  Machine coming = Open(&comes, "encryptor");
  std::vector<absl::Duration> took;
  const auto measure = [&](const std::function<bool()>& is_so) {
    const absl::Duration start = Clock::System().SinceBoot();
    ASSERT_TRUE(Await(is_so));
    took.push_back(Clock::System().SinceBoot() - start);
  };
  for (int i = 0; i < 10; ++i) {
    absl::StatusOr<InGate> second = coming.InGate("plaintext");
    ASSERT_TRUE(second.ok()) << second.status();
    measure([&] { return out->Look().counters.peers == 2; });
    // It goes when its peer has hung up: another thread, so that the time is the peer's.
    std::thread closing([&second] { second->Close(kLong); });
    measure([&] { return out->Look().endpoints.size() == 1; });
    closing.join();
  }
  std::sort(took.begin(), took.end());
  EXPECT_LT(took[took.size() / 2], absl::Seconds(1))
      << absl::StrJoin(took, " ", [](std::string* text, absl::Duration one) { text->append(absl::FormatDuration(one)); });
}

}  // namespace
}  // namespace scoutlight
