// Gates that the server's topology links, and whose ends discovery knows.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/endpoint_resolver.h"
#include "client/gates/server_topology.h"
#include "client/locator.h"
#include "client/machine.h"
#include "client/session.h"
#include "client/testing/server.h"
#include "client/topology.h"
#include "gtest/gtest.h"

namespace scoutlight {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr absl::string_view kLinked =
    R"({"feeder": {"links": [{"outgate": "sink", "queue": "mails", "type": "PUSH"}]},
        "sink":   {"links": [{"addresses": ["tcp://127.0.0.1:0"], "queue": "mails", "type": "PULL"}]},
        "spare":  {"links": [{"addresses": ["tcp://127.0.0.1:0"], "queue": "mails", "type": "PULL"}]}})";
constexpr absl::string_view kMoved =
    R"({"feeder": {"links": [{"outgate": "spare", "queue": "mails", "type": "PUSH"}]},
        "sink":   {"links": [{"addresses": ["tcp://127.0.0.1:0"], "queue": "mails", "type": "PULL"}]},
        "spare":  {"links": [{"addresses": ["tcp://127.0.0.1:0"], "queue": "mails", "type": "PULL"}]}})";

class GatesServerTest : public ::testing::Test {
 protected:
  void Apply(absl::string_view document) {
    const absl::StatusOr<ChangeTopologyResult> applied = topologies.Apply(std::string(document));
    ASSERT_TRUE(applied.ok()) << applied.status();
  }
  absl::StatusOr<Machine> Open(const std::string& service, Session* session = nullptr) {
    return Machine::Open(
        {.service = service, .topology = ServerTopology(server.Connect()), .resolver = DiscoveryResolver(locator), .session = session});
  }

  ::scoutlight::testing::Server server;
  Connection connection = server.Connect();
  Topologies topologies{connection};
  Locator locator = Locator::Open(connection).value();
  Session session = Session::Open(connection).value();
};

TEST_F(GatesServerTest, OperatorsLinkAndMoveThemWhileTheyRun) {
  Apply(kLinked);
  absl::StatusOr<Machine> sinks = Open("sink", &session);
  ASSERT_TRUE(sinks.ok()) << sinks.status();
  absl::StatusOr<Machine> spares = Open("spare", &session);
  ASSERT_TRUE(spares.ok()) << spares.status();
  absl::StatusOr<InGate> sink = sinks->InGate("mails");
  ASSERT_TRUE(sink.ok()) << sink.status();
  absl::StatusOr<InGate> spare = spares->InGate("mails");
  ASSERT_TRUE(spare.ok()) << spare.status();
  absl::StatusOr<Machine> feeders = Open("feeder");
  ASSERT_TRUE(feeders.ok()) << feeders.status();
  absl::StatusOr<OutGate> out = feeders->OutGate("mails");
  ASSERT_TRUE(out.ok()) << out.status();

  ASSERT_TRUE(out->Push("to the sink", kPatience).ok());
  const absl::StatusOr<Message> first = sink->Pull(kPatience);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->body(), "to the sink");

  Apply(kMoved);
  // Until the feeder has heard of it, the sink still gets some.
  absl::StatusOr<Message> moved = absl::DeadlineExceededError("");
  for (int i = 0; i < 600 && !moved.ok(); ++i) {
    ASSERT_TRUE(out->Push("to the spare", kPatience).ok());
    moved = spare->Pull(absl::Milliseconds(100));
  }
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->body(), "to the spare");
}

TEST_F(GatesServerTest, AServiceThatTheTopologyDoesNotHaveIsNamed) {
  EXPECT_EQ(ReasonOf(Open("feeder").status()), Reason::kServiceNotFound) << "there is no topology at all";
  Apply(kLinked);
  const absl::StatusOr<Machine> unknown = Open("fedeer");
  EXPECT_EQ(ReasonOf(unknown.status()), Reason::kServiceNotFound);
  EXPECT_NE(unknown.status().message().find("feeder"), absl::string_view::npos) << unknown.status();
}

}  // namespace
}  // namespace scoutlight
