#include "cli/gate_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "topology/topology_document.h"

namespace scoutlight::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kDocument[] = R"({
  "relay": {"links": [{"addresses": ["tcp://127.0.0.1:0"], "queue": "mails", "type": "PULL", "delivery": "acked"},
                      {"outgate": "sink", "queue": "mails", "type": "PUSH"}]},
  "sink": {"links": [{"addresses": ["tcp://127.0.0.1:0"], "queue": "mails", "type": "PULL"}]}})";

std::vector<std::string> Shown(const discovery::Instance& instance) {
  std::vector<std::string> shown;
  for (const Record& record : GateRecords(instance, *topology::ParseTopology(kDocument))) {
    Json json = JsonOf(record);
    json.erase("service");
    json.erase("instance");
    shown.push_back(json.dump());
  }
  return shown;
}

discovery::Instance InstanceOf(const std::string& service) { return {.name = {"default", service, "one"}}; }

TEST(GateRecords, QueueOnBothSidesIsTwoGates) {
  discovery::Instance relay = InstanceOf("relay");
  relay.properties = {{"endpoint.gate.mails", "tcp://10.0.0.1:5000"}, {"endpoint.web", "http://10.0.0.1:80"}};
  relay.soft.counters = {{"gate.mails.received", 7}, {"gate.mails.sent", 0}, {"requests", 3}};
  EXPECT_THAT(
      Shown(relay),
      ElementsAre(R"({"queue":"mails","end":"in","type":"PULL","delivery":"acked","address":"tcp://10.0.0.1:5000","sent":0,"received":7})",
                  R"({"queue":"mails","end":"out","type":"PUSH","delivery":"plain","to_service":"sink","to_queue":"mails","sent":0,)"
                  R"("received":7})"));
}

TEST(GateRecords, WhatTheTopologyDoesNotHaveIsShownWithoutALink) {
  discovery::Instance stranger = InstanceOf("stranger");
  stranger.properties = {{"endpoint.gate.bound", "tcp://10.0.0.1:5000"}};
  stranger.soft.counters = {{"gate.with.dots.sent", 5}, {"gate.short", 1}};
  EXPECT_THAT(Shown(stranger),
              ElementsAre(R"({"queue":"bound","end":"in","address":"tcp://10.0.0.1:5000"})", R"({"queue":"with.dots","sent":5})"));
}

TEST(GateRecords, InstanceWithoutGatesHasNone) { EXPECT_THAT(Shown(InstanceOf("sink")), IsEmpty()); }

}  // namespace
}  // namespace scoutlight::cli
