#include "client/gates/gate_link.h"

#include <string>

#include "base/error.h"
#include "client/gates/barrier.h"
#include "gtest/gtest.h"
#include "topology/topology_document.h"

namespace scoutlight::client {
namespace {

topology::Topology Mails() {
  return *topology::ParseTopology(R"({
    "encryptor": {"links": [{"outgate": "emailsink", "queue": "encrypted", "type": "PUSH"},
                            {"addresses": ["tcp://0.0.0.0:4567", "tcp://127.0.0.1:0"], "queue": "plaintext", "type": "PULL",
                             "delivery": "acked", "advertise": "enc.example", "port": "fixed"}]},
    "relay":     {"links": [{"outgate": "emailsink", "queue": "both", "type": "PUSH", "to_queue": "crypted_mails"},
                            {"addresses": ["tcp://0.0.0.0:1"], "queue": "both", "type": "PULL"}]},
    "feeder":    {"links": [{"outgate": "encryptor", "queue": "plaintext", "type": "PUSH"}]},
    "emailsink": {"links": [{"addresses": ["tcp://0.0.0.0:5678"], "queue": "crypted_mails", "type": "PULL"}]}})");
}

TEST(GateLink, TopologySaysWhatIsDialledAndBound) {
  const topology::Topology mails = Mails();
  EXPECT_EQ(*FindLink(mails, "feeder", "plaintext", GateKind::kOut),
            (GateLink{.type = LinkType::kPush, .delivery = Delivery::kAcked, .service = "encryptor", .to_queue = "plaintext"}));
  EXPECT_EQ(*FindLink(mails, "encryptor", "encrypted", GateKind::kOut),
            (GateLink{.type = LinkType::kPush, .service = "emailsink", .to_queue = "crypted_mails"}));
  EXPECT_EQ(*FindLink(mails, "encryptor", "plaintext", GateKind::kIn), (GateLink{.type = LinkType::kPull,
                                                                                 .delivery = Delivery::kAcked,
                                                                                 .addresses = {"tcp://0.0.0.0:4567", "tcp://127.0.0.1:0"},
                                                                                 .advertise = "enc.example",
                                                                                 .port_is_fixed = true}));
}

TEST(GateLink, QueueOnBothSidesIsToldApartByItsKind) {
  const topology::Topology mails = Mails();
  EXPECT_EQ(FindLink(mails, "relay", "both", GateKind::kOut)->service, "emailsink");
  EXPECT_EQ(FindLink(mails, "relay", "both", GateKind::kIn)->addresses.size(), 1);
}

TEST(GateLink, UnknownQueueIsToldWithThoseThatExist) {
  const topology::Topology mails = Mails();
  const absl::Status unknown = FindLink(mails, "encryptor", "plain", GateKind::kOut).status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(unknown.message(),
            "service \"encryptor\" has no queue \"plain\" that is an out gate; it has encrypted (PUSH), plaintext (PULL)");
  EXPECT_EQ(FindLink(mails, "encryptor", "plaintext", GateKind::kOut).status().code(), absl::StatusCode::kNotFound);
}

TEST(GateLink, UnknownServiceIsToldWithThoseThatExist) {
  const absl::Status unknown = FindLink(Mails(), "decryptor", "plain", GateKind::kOut).status();
  EXPECT_EQ(ReasonOf(unknown), Reason::kServiceNotFound);
  EXPECT_EQ(unknown.message(), "the topology has no service \"decryptor\"; it has emailsink, encryptor, feeder, relay");
}

TEST(GateLink, OptionsSayOnePlaceAndAType) {
  EXPECT_EQ(LinkOf({.queue = "q", .service = "s", .type = LinkType::kPub}, GateKind::kOut)->to_queue, "q");
  EXPECT_EQ(LinkOf({.service = "s"}, GateKind::kOut)->type, LinkType::kPush);
  EXPECT_EQ(LinkOf({.addresses = {"tcp://a:1"}}, GateKind::kIn)->type, LinkType::kPull);
  const absl::Status wrong = LinkOf({.service = "s", .endpoints = {"tcp://a:1"}}, GateKind::kInOut).status();
  ASSERT_TRUE(DetailsOf(wrong).has_value());
  EXPECT_EQ(DetailsOf(wrong)->violations,
            (std::vector<FieldViolation>{{"service", "is one of three of which a gate has one: service, endpoints, addresses"},
                                         {"type", "is missing"}}));
  EXPECT_EQ(DetailsOf(LinkOf({.service = "s", .type = LinkType::kPull}, GateKind::kOut).status())->violations[0].description,
            "is PULL, which is no out gate");
}

TEST(GateLink, AdvertisedUrlsNeverStandForAllAddresses) {
  EXPECT_EQ(AdvertisedUrl("tcp://0.0.0.0:80", "", "10.0.0.5"), "tcp://10.0.0.5:80");
  EXPECT_EQ(AdvertisedUrl("tcp://[::]:80", "", "fd00::5"), "tcp://[fd00::5]:80");
  EXPECT_EQ(AdvertisedUrl("tcp://0.0.0.0:80", "", ""), "");
  EXPECT_EQ(AdvertisedUrl("tcp://127.0.0.1:80", "", "10.0.0.5"), "tcp://127.0.0.1:80");
  EXPECT_EQ(AdvertisedUrl("tcp://127.0.0.1:80", "gate.example", "10.0.0.5"), "tcp://gate.example:80");
  EXPECT_EQ(AdvertisedUrl("ipc:///run/gate", "gate.example", "10.0.0.5"), "ipc:///run/gate");
}

TEST(GateLink, AddressTowardsLoopbackIsLoopback) {
  EXPECT_EQ(AddressTowards("127.0.0.1:7400", absl::Minutes(1)), "127.0.0.1");
  EXPECT_EQ(AddressTowards("no such host:1", absl::Minutes(1)), "");
}

TEST(GateLink, NameThatIsLookedUpForTooLongIsNotWaitedFor) {
  const auto barrier = std::make_shared<Barrier>();
  const auto find = [barrier](const discovery::Url& target) {
    EXPECT_EQ(target.host, "registry");
    EXPECT_EQ(target.port, 7400);
    return barrier->Wait() ? "192.0.2.1" : "";
  };
  EXPECT_EQ(AddressTowards("registry:7400", absl::Milliseconds(20), find), "");
  barrier->Open();
  EXPECT_EQ(AddressTowards("registry:7400", absl::Minutes(1), find), "192.0.2.1");
}

}  // namespace
}  // namespace scoutlight::client
