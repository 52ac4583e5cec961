#include "cli/instance_records.h"

#include <gtest/gtest.h>

namespace scoutlight::cli {
namespace {

std::string TextOf(const Record& record, const std::string& field) {
  for (const Field& one : record.fields) {
    if (one.name == field) return one.text.value_or(one.value.is_string() ? one.value.get<std::string>() : one.value.dump());
  }
  return "(no such field)";
}

TEST(InstanceRecordsTest, WhyItTakesNoWorkIsSaid) {
  discovery::Instance instance;
  instance.name = {"default", "Printer", "a"};
  EXPECT_EQ(TextOf(InstanceRecord(instance), "problems"), "-");
  instance.problems = {{"port", "is missing"}, {"", "cannot be read"}};
  instance.override = discovery::Override{.reason = "paper jam", .author = "me"};
  EXPECT_EQ(TextOf(InstanceRecord(instance), "problems"), "out of service: paper jam; port is missing; cannot be read");
  EXPECT_EQ(TextOf(InstanceRecord(instance), "resolvable"), "false");
}

TEST(InstanceRecordsTest, AnIpv6AddressIsInBrackets) {
  discovery::Instance instance;
  instance.properties = {{"hostname", "::1"}, {"port", "80"}};
  EXPECT_EQ(TextOf(InstanceRecord(instance), "endpoint"), "[::1]:80");
  instance.properties["protocol"] = "https";
  EXPECT_EQ(TextOf(InstanceRecord(instance), "endpoint"), "https://[::1]:80");
}

TEST(InstanceRecordsTest, TheDefaultClusterIsNotNamed) {
  EXPECT_EQ(ShownName({"default", "Printer", "a"}), "Printer/a");
  EXPECT_EQ(ShownName({"office", "Printer", "a"}), "office:Printer/a");
}

TEST(InstanceRecordsTest, ADrainSaysHowFarItHasCome) {
  EXPECT_EQ(DrainText({.complete = true}), "is drained: every subscriber has confirmed");
  const DrainReport::Laggard subscriber{.subscriber_id = "s", .peer = "ipv4:10.0.0.1:5"};
  const DrainReport::Laggard server{.peer = "10.0.0.2:7400"};
  EXPECT_EQ(DrainText({.laggards = {subscriber}}), "is draining: 1 subscriber has not confirmed yet");
  EXPECT_EQ(DrainText({.laggards = {subscriber}, .laggards_omitted = 2}), "is draining: 3 subscribers have not confirmed yet");
  EXPECT_EQ(DrainText({.laggards = {server}}), "is draining: 1 server has not answered");
  EXPECT_EQ(DrainText({.laggards = {server, server, subscriber}}),
            "is draining: 1 subscriber has not confirmed yet, 2 servers have not answered");
  EXPECT_EQ(DrainText({}), "is draining: the server has started only now, and does not know yet who may still send it work");
}

TEST(InstanceRecordsTest, ALaggardIsASubscriberOrAServer) {
  EXPECT_EQ(LaggardText({.subscriber_id = "s", .peer = "ipv4:10.0.0.1:5"}), "s at ipv4:10.0.0.1:5");
  EXPECT_EQ(LaggardText({.subscriber_id = "s", .peer = "ipv4:10.0.0.1:5", .gone = true}),
            "s at ipv4:10.0.0.1:5, which is gone without goodbye");
  EXPECT_EQ(LaggardText({.peer = "10.0.0.2:7400"}), "the server at 10.0.0.2:7400, which has not answered");
}

}  // namespace
}  // namespace scoutlight::cli
