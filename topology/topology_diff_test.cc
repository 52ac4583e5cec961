#include "topology/topology_diff.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "topology/topology_document.h"

namespace scoutlight::topology {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Topology Parsed(absl::string_view document) {
  absl::StatusOr<Topology> topology = ParseTopology(document);
  EXPECT_TRUE(topology.ok()) << topology.status();
  return topology.ok() ? *std::move(topology) : Topology();
}

// "service end queue: before -> after" of each change.
std::vector<std::string> Diff(absl::string_view before, absl::string_view after) {
  std::vector<std::string> lines;
  for (const LinkChange& change : DiffTopologies(Parsed(before), Parsed(after))) {
    lines.push_back(
        absl::StrCat(change.service, " ", LinkEndText(change.end), " ", change.queue, ": ", change.before, " -> ", change.after));
  }
  return lines;
}

constexpr char kMails[] = R"({
  "feeder": {"links": [{"outgate": "sink", "queue": "q", "type": "PUSH"}]},
  "sink": {"links": [{"addresses": ["tcp://0.0.0.0:1"], "queue": "q", "type": "PULL"}]}})";

TEST(DiffTopologies, TheSameLinksAreNoDifferenceHoweverTheyAreWritten) {
  EXPECT_THAT(Diff(kMails, kMails), IsEmpty());
  EXPECT_THAT(Diff(kMails, R"({
    "sink": {"links": [{"type": "PULL", "delivery": "plain", "port": "free", "queue": "q", "addresses": ["tcp://0.0.0.0:1"]}]},
    "idle": {"links": []},
    "feeder": {"links": [{"queue": "q", "to_queue": "q", "outgate": "sink", "type": "PUSH"}]}})"),
              IsEmpty());
}

TEST(DiffTopologies, TellsWhatIsAddedRemovedAndChanged) {
  EXPECT_THAT(
      Diff(kMails, R"({
        "sink": {"links": [{"addresses": ["tcp://0.0.0.0:2", "ipc:///run/sink"], "queue": "q", "type": "PULL"},
                           {"addresses": ["tcp://[::]"], "advertise": "h", "port": "fixed", "delivery": "acked", "queue": "r",
                            "type": "PULL"}]}})"),
      ElementsAre(
          R"(feeder out q: {"outgate":"sink","queue":"q","to_queue":"q","type":"PUSH"} -> )",
          R"(sink in q: {"addresses":["tcp://0.0.0.0:1"],"queue":"q","type":"PULL"} -> )"
          R"({"addresses":["tcp://0.0.0.0:2","ipc:///run/sink"],"queue":"q","type":"PULL"})",
          R"(sink in r:  -> {"addresses":["tcp://[::]:0"],"queue":"r","type":"PULL","delivery":"acked","advertise":"h","port":"fixed"})"));
}

TEST(DiffTopologies, AnInLinkAndAnOutLinkOfOneQueueAreTwoLinks) {
  constexpr char kRelay[] = R"({
    "relay": {"links": [{"addresses": ["tcp://h:1"], "queue": "q", "type": "PULL"}, {"outgate": "sink", "queue": "q", "type": "PUSH"}]},
    "sink": {"links": [{"addresses": ["tcp://h:2"], "queue": "q", "type": "PULL"}]}})";
  constexpr char kEnd[] = R"({
    "relay": {"links": [{"addresses": ["tcp://h:1"], "queue": "q", "type": "PULL"}]},
    "sink": {"links": [{"addresses": ["tcp://h:2"], "queue": "q", "type": "PULL"}]}})";
  EXPECT_THAT(Diff(kRelay, kEnd), ElementsAre(R"(relay out q: {"outgate":"sink","queue":"q","to_queue":"q","type":"PUSH"} -> )"));
}

TEST(DiffTopologies, WhatAnOutLinkLeavesToBeFoundIsPartOfIt) {
  // The document of `a` stays as it is; where its link leads does not.
  const auto document = [](absl::string_view queue, absl::string_view delivery) {
    return absl::StrCat(R"({"a": {"links": [{"outgate": "b", "queue": "q", "type": "PUSH"}]},
        "b": {"links": [{"addresses": ["tcp://h:1"], "type": "PULL", "queue": ")",
                        queue, R"(", "delivery": ")", delivery, R"("}]}})");
  };
  EXPECT_THAT(Diff(document("q", "plain"), document("q", "acked")),
              ElementsAre(R"(a out q: {"outgate":"b","queue":"q","to_queue":"q","type":"PUSH"} -> )"
                          R"({"outgate":"b","queue":"q","to_queue":"q","type":"PUSH","delivery":"acked"})",
                          R"(b in q: {"addresses":["tcp://h:1"],"queue":"q","type":"PULL"} -> )"
                          R"({"addresses":["tcp://h:1"],"queue":"q","type":"PULL","delivery":"acked"})"));
}

TEST(LinkText, AsADocumentReadsTheSame) {
  const Topology topology = Parsed(kMails);
  EXPECT_EQ(Parsed(absl::StrCat(R"({"feeder": {"links": [)", LinkText(topology.services.at("feeder").out[0]), R"(]}, "sink": {"links": [)",
                                LinkText(topology.services.at("sink").in[0]), "]}}")),
            topology);
}

}  // namespace
}  // namespace scoutlight::topology
