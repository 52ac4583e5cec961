#include "topology/topology_document.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::topology {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// "field: description" of each mistake.
std::vector<std::string> MistakesOf(absl::string_view document) {
  const absl::StatusOr<Topology> topology = ParseTopology(document);
  std::vector<std::string> mistakes;
  if (topology.ok()) return mistakes;
  EXPECT_EQ(topology.status().code(), absl::StatusCode::kInvalidArgument) << topology.status();
  const ErrorDetails details = *DetailsOf(topology.status());
  for (const FieldViolation& violation : details.violations) {
    mistakes.push_back(absl::StrCat(violation.field, ": ", violation.description));
  }
  return mistakes;
}

constexpr char kMails[] = R"({"encryptor": {"links": [{"outgate": "emailsink", "queue": "encrypted", "type": "PUSH"},
                           {"addresses": ["tcp://0.0.0.0:4567"], "queue": "plaintext", "type": "PULL"}]},
 "feeder":    {"links": [{"outgate": "encryptor", "queue": "plaintext", "type": "PUSH"}]},
 "emailsink": {"links": [{"addresses": ["tcp://0.0.0.0:5678"], "queue": "crypted_mails", "type": "PULL"}]}})";

TEST(ParseTopology, TheDocumentOfTheDesignIsTakenAsItStands) {
  const absl::StatusOr<Topology> topology = ParseTopology(kMails);
  ASSERT_TRUE(topology.ok()) << topology.status();
  ASSERT_EQ(topology->services.size(), 3u);

  const ServiceLinks& encryptor = topology->services.at("encryptor");
  EXPECT_THAT(encryptor.in,
              ElementsAre(InLink{
                  .queue = "plaintext", .type = LinkType::kPull, .addresses = {{.scheme = "tcp", .host = "0.0.0.0", .port = 4567}}}));
  EXPECT_THAT(encryptor.out, ElementsAre(OutLink{.queue = "encrypted", .service = "emailsink", .to_queue = "crypted_mails"}))
      << "the only one there";
  EXPECT_EQ(encryptor.FindOut("encrypted"), &encryptor.out.front());
  EXPECT_EQ(encryptor.FindOut("plaintext"), nullptr) << "that is an in link's";
  EXPECT_EQ(encryptor.FindIn("plaintext"), &encryptor.in.front());

  const ServiceLinks& feeder = topology->services.at("feeder");
  EXPECT_THAT(feeder.in, IsEmpty());
  EXPECT_THAT(feeder.out, ElementsAre(OutLink{.queue = "plaintext", .service = "encryptor", .to_queue = "plaintext"}));
}

TEST(ParseTopology, EveryTypeIsLinkedWithItsComplement) {
  for (const auto& [out, in] : std::vector<std::pair<std::string, std::string>>{
           {"PUSH", "PULL"}, {"PULL", "PUSH"}, {"PUB", "SUB"}, {"SUB", "PUB"}, {"REQ", "REP"}, {"REP", "REQ"}, {"PAIR", "PAIR"}}) {
    const std::string document =
        absl::StrCat(R"({"a": {"links": [{"outgate": "b", "queue": "q", "type": ")", out,
                     R"("}]}, "b": {"links": [{"addresses": ["ipc:///run/b"], "queue": "q", "type": ")", in, R"("}]}})");
    EXPECT_TRUE(ParseTopology(document).ok()) << document;
  }
}

TEST(ParseTopology, TheOtherEndIsTheNamedElseTheOneOfTheSameQueueElseTheOnlyOne) {
  constexpr char kSinks[] = R"("b": {"links": [{"addresses": ["tcp://h:1"], "queue": "x", "type": "PULL"},
                                             {"addresses": ["tcp://h:2"], "queue": "y", "type": "PULL"},
                                             {"addresses": ["tcp://h:3"], "queue": "z", "type": "SUB"}]})";
  const auto to_queue = [&](const std::string& link) {
    const absl::StatusOr<Topology> topology =
        ParseTopology(absl::StrCat(R"({"a": {"links": [{"outgate": "b", )", link, "}]}, ", kSinks, "}"));
    EXPECT_TRUE(topology.ok()) << topology.status();
    return topology.ok() ? topology->services.at("a").out.front().to_queue : "";
  };
  EXPECT_EQ(to_queue(R"("queue": "x", "to_queue": "y", "type": "PUSH")"), "y");
  EXPECT_EQ(to_queue(R"("queue": "x", "type": "PUSH")"), "x");
  EXPECT_EQ(to_queue(R"("queue": "events", "type": "PUB")"), "z");
  EXPECT_EQ(to_queue(R"("queue": "x", "type": "PUB")"), "z") << "that of the same name is of another type, but one only fits";
}

TEST(ParseTopology, WhatIsNotSaidIsAsTheOtherEndOrTheDefault) {
  const absl::StatusOr<Topology> topology = ParseTopology(R"({
    "a": {"links": [{"outgate": "b", "queue": "q", "type": "PUSH"}]},
    "b": {"links": [{"addresses": ["tcp://0.0.0.0:0", "tcp://[::]:80", "inproc://b"], "queue": "q", "type": "PULL", "delivery": "acked",
                     "advertise": "gateway.example.com", "port": "fixed"}]}})");
  ASSERT_TRUE(topology.ok()) << topology.status();
  EXPECT_EQ(topology->services.at("a").out.front().delivery, Delivery::kAcked);
  const InLink& in = topology->services.at("b").in.front();
  EXPECT_THAT(in.addresses,
              ElementsAre(discovery::Url{.scheme = "tcp", .host = "0.0.0.0"}, discovery::Url{.scheme = "tcp", .host = "::", .port = 80},
                          discovery::Url{.scheme = "inproc", .host = "b"}));
  EXPECT_EQ(in.advertise, "gateway.example.com");
  EXPECT_TRUE(in.port_is_fixed);
}

TEST(ParseTopology, LinksMayGoInCirclesAndToThemselves) {
  EXPECT_TRUE(ParseTopology(R"({
    "a": {"links": [{"outgate": "b", "queue": "q", "type": "PUSH"}, {"addresses": ["tcp://h:1"], "queue": "q", "type": "PULL"}]},
    "b": {"links": [{"outgate": "a", "queue": "q", "type": "PUSH"}, {"addresses": ["tcp://h:1"], "queue": "q", "type": "PULL"},
                    {"outgate": "b", "queue": "again", "to_queue": "q", "type": "PUSH"}]}})")
                  .ok());
}

TEST(ParseTopology, AllMistakesAreToldAtOnceByTheirPath) {
  EXPECT_THAT(MistakesOf(R"({
    "a b/c": {"links": []},
    "no links": {},
    "shapes": {"links": [7, {}, {"queue": "q", "type": "PUSH", "outgate": "sink", "addresses": ["tcp://h:1"]}], "more": 1},
    "words": {"links": [{"outgate": "sink", "queue": "q", "type": "push", "delivery": "sure", "topic": "x"},
                        {"addresses": [], "queue": "", "type": "PULL", "port": "any", "advertise": "0.0.0.0"}]}})"),
              ElementsAre(HasSubstr("[\"a b/c\"]: the name"), "[\"no links\"].links: is missing", "shapes.more: is not known",
                          "shapes.links[0]: is number, an object is wanted", "shapes.links[1].queue: is missing",
                          "shapes.links[1].type: is missing", "shapes.links[1]: has neither `outgate` nor `addresses`",
                          "shapes.links[2]: has both `outgate` and `addresses`",
                          "words.links[0].type: is \"push\"; known are PUSH, PULL, PUB, SUB, REQ, REP, PAIR",
                          "words.links[0].delivery: is \"sure\"; known are plain, acked", "words.links[0].topic: is not known",
                          "words.links[1].queue: is empty", "words.links[1].addresses: are 0, 1 to 16 are allowed",
                          "words.links[1].advertise: is \"0.0.0.0\", a host that others can dial is wanted",
                          "words.links[1].port: is \"any\"; known are fixed, free"));
}

TEST(ParseTopology, LinksWithoutAnOtherEndAreToldWithWhatThereIs) {
  constexpr char kSinks[] = R"("sink": {"links": [{"addresses": ["tcp://h:1"], "queue": "x", "type": "PULL"},
                                                {"addresses": ["tcp://h:2"], "queue": "y", "type": "PULL"}]},
                               "silent": {"links": []})";
  const auto mistakes = [&](const std::string& link) {
    return MistakesOf(absl::StrCat(R"({"a": {"links": [{)", link, "}]}, ", kSinks, "}"));
  };
  EXPECT_THAT(mistakes(R"("outgate": "sunk", "queue": "x", "type": "PUSH")"),
              ElementsAre("a.links[0].outgate: is \"sunk\", which is no service of the document"));
  EXPECT_THAT(mistakes(R"("outgate": "silent", "queue": "x", "type": "PUSH")"),
              ElementsAre("a.links[0].outgate: is \"silent\", which has no link with addresses"));
  EXPECT_THAT(mistakes(R"("outgate": "sink", "queue": "x", "to_queue": "z", "type": "PUSH")"),
              ElementsAre("a.links[0].to_queue: is \"z\", but the queues of \"sink\" are \"x\" (PULL), \"y\" (PULL)"));
  EXPECT_THAT(mistakes(R"("outgate": "sink", "queue": "x", "type": "REQ")"),
              ElementsAre("a.links[0].type: is REQ, which needs REP at the other end, but \"sink\" has \"x\" (PULL), \"y\" (PULL)"));
  EXPECT_THAT(mistakes(R"("outgate": "sink", "queue": "q", "to_queue": "y", "type": "PUB")"),
              ElementsAre("a.links[0].type: is PUB, which needs SUB at the other end, but \"y\" (PULL) of \"sink\" is none"));
  EXPECT_THAT(
      mistakes(R"("outgate": "sink", "queue": "q", "type": "PUSH")"),
      ElementsAre("a.links[0].outgate: is \"sink\", of which any of \"x\" (PULL), \"y\" (PULL) could be meant: name one by `to_queue`"));
  EXPECT_THAT(mistakes(R"("outgate": "sink", "queue": "x", "type": "PUSH", "delivery": "acked")"),
              ElementsAre("a.links[0].delivery: is acked, but that of \"x\" of \"sink\" is plain"));
}

TEST(ParseTopology, AMistakeAtOneEndIsNotToldAgainAtTheOther) {
  EXPECT_THAT(
      MistakesOf(R"({"a": {"links": [{"outgate": "b", "queue": "q", "type": "PUSH"}, {"outgate": "c", "queue": "r", "type": "PUSH"}]},
                            "b": {"links": [{"addresses": ["tcp://h:1"], "queue": "q", "type": "pull"}]}})"),
      ElementsAre("b.links[0].type: is \"pull\"; known are PUSH, PULL, PUB, SUB, REQ, REP, PAIR",
                  "a.links[1].outgate: is \"c\", which is no service of the document"));
}

TEST(ParseTopology, AQueueIsThereOnceAmongInLinksAndOnceAmongOutLinks) {
  EXPECT_THAT(MistakesOf(R"({"a": {"links": [{"outgate": "a", "queue": "q", "type": "PUSH"}, {"outgate": "a", "queue": "q", "type": "PUSH"},
                                             {"addresses": ["tcp://h:1"], "queue": "q", "type": "PULL"},
                                             {"addresses": ["tcp://h:1"], "queue": "q", "type": "PULL"}]}})"),
              ElementsAre("a.links[1].queue: is \"q\", which another link of the service with `outgate` has too",
                          "a.links[3].addresses[0]: is \"tcp://h:1\", which the service has twice",
                          "a.links[3].queue: is \"q\", which another link of the service with `addresses` has too"));
}

TEST(ParseTopology, AddressesAreCheckedByScheme) {
  const auto mistake = [](const std::string& address) {
    const std::vector<std::string> mistakes =
        MistakesOf(absl::StrCat(R"({"a": {"links": [{"queue": "q", "type": "PULL", "addresses": [")", address, R"("]}]}})"));
    return mistakes.empty() ? "" : mistakes.front();
  };
  for (const char* right :
       {"tcp://0.0.0.0", "tcp://0.0.0.0:0", "tcp://[::1]:65535", "tcp://host.example:1", "ipc:///run/gate", "inproc://x"}) {
    EXPECT_EQ(mistake(right), "") << right;
  }
  for (const char* wrong :
       {"", "4567", "tcp://", "tcp://h:65536", "tcp://h:8:0", "tcp://h:80/path", "udp://h:1", "ipc://host/x", "inproc://x:1"}) {
    EXPECT_THAT(mistake(wrong), HasSubstr("a.links[0].addresses[0]: ")) << wrong;
  }
  EXPECT_EQ(mistake("ipc:///" + std::string(106, 'x')), "");
  EXPECT_THAT(mistake("ipc:///" + std::string(107, 'x')), HasSubstr("a path of at most 107 bytes"));
}

TEST(ParseTopology, BoundsAreTold) {
  const auto links = [](int count) {
    std::string document = R"({"a": {"links": [)";
    for (int i = 0; i < count; ++i) {
      absl::StrAppend(&document, i == 0 ? "" : ",", R"({"addresses": ["tcp://h:)", i + 1, R"("], "queue": "q)", i, R"(", "type": "PULL"})");
    }
    return document + "]}}";
  };
  EXPECT_THAT(MistakesOf(links(kLinksOfServiceMax)), IsEmpty());
  EXPECT_THAT(MistakesOf(links(kLinksOfServiceMax + 1)), ElementsAre("a.links: are 101, at most 100 are allowed"));

  const auto services = [](int count) {
    std::string document = "{";
    for (int i = 0; i < count; ++i) absl::StrAppend(&document, i == 0 ? "" : ",", "\"s", i, R"(": {"links": []})");
    return document + "}";
  };
  EXPECT_THAT(MistakesOf(services(kServicesMax)), IsEmpty());
  EXPECT_THAT(MistakesOf(services(kServicesMax + 1)), ElementsAre("document: has 1001 services, at most 1000 are allowed"));

  const auto queue = [](size_t bytes) {
    return absl::StrCat(R"({"a": {"links": [{"addresses": ["tcp://h:1"], "type": "PULL", "queue": ")", std::string(bytes, 'q'), "\"}]}}");
  };
  EXPECT_THAT(MistakesOf(queue(kQueueBytesMax)), IsEmpty());
  EXPECT_THAT(MistakesOf(queue(kQueueBytesMax + 1)), ElementsAre("a.links[0].queue: has 101 bytes, at most 100 are allowed"));

  std::string blank = "{}";
  EXPECT_THAT(MistakesOf(blank + std::string(kDocumentBytesMax - 2, ' ')), IsEmpty());
  EXPECT_THAT(MistakesOf(blank + std::string(kDocumentBytesMax - 1, ' ')),
              ElementsAre("document: is 262145 bytes long, at most 262144 are allowed"));
  EXPECT_THAT(MistakesOf(""), ElementsAre("document: is missing or empty, a JSON object is wanted"));
  EXPECT_THAT(MistakesOf("{"), ElementsAre(HasSubstr("document: is no JSON")));
  EXPECT_THAT(MistakesOf("[]"), ElementsAre("document: is array, an object is wanted"));
  EXPECT_THAT(MistakesOf(R"({"a": {"links": [], "links": []}})"), ElementsAre("a.links: is there twice"));
}

TEST(ParseTopology, OfManyThatCouldBeMeantAFewAreNamed) {
  std::string document = R"({"a": {"links": [{"outgate": "b", "queue": "q", "type": "PUSH"}]}, "b": {"links": [)";
  for (int i = 0; i < 10; ++i) {
    absl::StrAppend(&document, i == 0 ? "" : ",", R"({"addresses": ["tcp://h:)", i + 1, R"("], "queue": "q)", i, R"(", "type": "PULL"})");
  }
  EXPECT_THAT(MistakesOf(document + "]}}"), ElementsAre(HasSubstr("\"q7\" (PULL) and 2 more could be meant")));
}

TEST(ParseTopology, NoMoreMistakesAreToldThanAllowed) {
  std::string document = "{";
  for (int i = 0; i < 200; ++i) absl::StrAppend(&document, i == 0 ? "" : ",", "\"s", i, R"(": 7)");
  EXPECT_EQ(MistakesOf(document + "}").size(), static_cast<size_t>(kMistakesMax));
}

}  // namespace
}  // namespace scoutlight::topology
