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
  EXPECT_EQ(DrainText({.laggards = {{}}}), "is draining: 1 subscriber has not confirmed yet");
  EXPECT_EQ(DrainText({.laggards = {{}}, .laggards_omitted = 2}), "is draining: 3 subscribers have not confirmed yet");
  EXPECT_EQ(DrainText({}), "is draining: the server has started only now, and does not know yet who may still send it work");
}

}  // namespace
}  // namespace scoutlight::cli
