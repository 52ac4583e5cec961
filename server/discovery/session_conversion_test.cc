#include "server/discovery/session_conversion.h"

#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

storage::Traits SomeTraits() { return {.ttl_min = absl::Seconds(1), .ttl_max = absl::Hours(24)}; }

std::vector<std::string> FieldsOf(const wire::SessionRequest& request) {
  std::vector<std::string> fields;
  const absl::Status status = SessionStepOf(request, SomeTraits()).status();
  for (const FieldViolation& violation : DetailsOf(status).value_or(ErrorDetails()).violations) fields.push_back(violation.field);
  return fields;
}

wire::SessionRequest OpenOf(const std::string& id, int64_t seconds) {
  wire::SessionRequest request;
  request.mutable_open()->set_session_id(id);
  request.mutable_open()->mutable_ttl()->set_seconds(seconds);
  return request;
}

wire::SessionRequest DeclareOf(int instances) {
  wire::SessionRequest request;
  for (int i = 0; i < instances; ++i) {
    wire::Registration& one = *request.mutable_declare()->add_set();
    one.set_service("s");
    one.set_id(absl::StrCat("i", i));
  }
  return request;
}

TEST(SessionStepOf, AStepMustBeSet) { EXPECT_THAT(FieldsOf(wire::SessionRequest()), ElementsAre("step")); }

TEST(SessionStepOf, OpenHasBounds) {
  EXPECT_THAT(FieldsOf(OpenOf("a", 1)), IsEmpty());
  EXPECT_THAT(FieldsOf(OpenOf(std::string(limits::kSessionIdBytesMax, 'a'), 24 * 3600)), IsEmpty());
  EXPECT_THAT(FieldsOf(OpenOf("", 0)), ElementsAre("open.session_id", "open.ttl"));
  EXPECT_THAT(FieldsOf(OpenOf(std::string(limits::kSessionIdBytesMax + 1, 'a'), 24 * 3600 + 1)),
              ElementsAre("open.session_id", "open.ttl"));
}

TEST(SessionStepOf, EveryFaultOfADeclarationIsTold) {
  wire::SessionRequest request = DeclareOf(3);
  request.mutable_declare()->mutable_set(1)->clear_id();
  request.mutable_declare()->mutable_set(2)->set_service("*");
  request.mutable_declare()->add_remove()->set_service("s");
  EXPECT_THAT(FieldsOf(request), ElementsAre("declare.set[1].id", "declare.set[2].service", "declare.remove[0].id"));
}

TEST(SessionStepOf, WhatIsWrongWithPropertiesIsNotTheMessages) {
  wire::SessionRequest request = DeclareOf(2);
  (*request.mutable_declare()->mutable_set(0)->mutable_properties())["port"] = std::string(limits::kPropertyValueBytesMax + 1, '1');
  (*request.mutable_declare()->mutable_set(1)->mutable_properties())["a/b"] = "1";
  EXPECT_THAT(FieldsOf(request), IsEmpty());
}

TEST(SessionStepOf, AnInstanceHasSoManyProperties) {
  wire::SessionRequest request;
  wire::Registration* const one = request.mutable_declare()->add_set();
  one->set_service("Printer");
  one->set_id("a");
  for (int i = 0; i < limits::kPropertiesMax; ++i) (*one->mutable_properties())[absl::StrCat("p", i)] = "";
  EXPECT_THAT(FieldsOf(request), IsEmpty());
  (*one->mutable_properties())["one more"] = "";
  EXPECT_THAT(FieldsOf(request), ElementsAre("declare.set[0].properties"));
}

TEST(SessionStepOf, AnInstanceIsNamedOnce) {
  wire::SessionRequest request = DeclareOf(2);
  *request.mutable_declare()->add_set() = request.declare().set(0);
  request.mutable_declare()->mutable_set(2)->set_cluster("default");
  request.mutable_declare()->add_remove()->set_service("s");
  request.mutable_declare()->mutable_remove(0)->set_id("i1");
  EXPECT_THAT(FieldsOf(request), ElementsAre("declare.set[2].id", "declare.remove[0].id"));
}

TEST(SessionStepOf, SoManyMayBeNamed) {
  EXPECT_THAT(FieldsOf(DeclareOf(limits::kSessionInstancesMax)), IsEmpty());
  EXPECT_THAT(FieldsOf(DeclareOf(limits::kSessionInstancesMax + 1)), ElementsAre("declare.set"));
  wire::SessionRequest request;
  for (int i = 0; i <= limits::kSessionInstancesMax; ++i) request.mutable_declare()->add_remove();
  EXPECT_THAT(FieldsOf(request), ElementsAre("declare.remove"));
  for (int i = 0; i <= limits::kSessionInstancesMax; ++i) request.mutable_heartbeat()->add_values();
  EXPECT_THAT(FieldsOf(request), ElementsAre("heartbeat.values"));
}

TEST(SessionStepOf, DeclarationIsReadAsItIs) {
  wire::SessionRequest request = DeclareOf(1);
  (*request.mutable_declare()->mutable_set(0)->mutable_properties())["port"] = "80";
  request.mutable_declare()->add_remove()->set_service("t");
  request.mutable_declare()->mutable_remove(0)->set_id("j");
  request.mutable_declare()->set_take_over(true);
  request.mutable_declare()->set_more(true);
  request.mutable_declare()->set_number(7);
  const absl::StatusOr<SessionStep> step = SessionStepOf(request, SomeTraits());
  ASSERT_TRUE(step.ok()) << step.status();
  const Declaration& declaration = std::get<Declaration>(*step);
  ASSERT_EQ(declaration.set.size(), 1u);
  EXPECT_EQ(declaration.set[0].name, (discovery::InstanceName{"default", "s", "i0"}));
  EXPECT_EQ(declaration.set[0].properties, (discovery::Properties{{"port", "80"}}));
  EXPECT_THAT(declaration.remove, ElementsAre(discovery::InstanceName{"default", "t", "j"}));
  EXPECT_TRUE(declaration.take_over);
  EXPECT_FALSE(declaration.replace);
  EXPECT_TRUE(declaration.more);
  EXPECT_EQ(declaration.number, 7);
  EXPECT_EQ(RangesOf(*step).size(), 2u);
}

TEST(SessionStepOf, SoftValuesAreChecked) {
  wire::SessionRequest request;
  auto& good = *request.mutable_heartbeat()->add_values();
  good.mutable_name()->set_service("s");
  good.mutable_name()->set_id("i");
  good.mutable_soft()->set_load(1.5);
  (*good.mutable_soft()->mutable_counters())["served"] = 7;
  const absl::StatusOr<SessionStep> step = SessionStepOf(request, SomeTraits());
  ASSERT_TRUE(step.ok()) << step.status();
  const SoftUpdate& update = std::get<SessionHeartbeat>(*step).updates.front();
  EXPECT_EQ(update.soft, (discovery::SoftValues{.load = 1.5, .counters = {{"served", 7}}}));
  auto& bad = *request.mutable_heartbeat()->add_values();
  bad.mutable_name()->set_service("s");
  bad.mutable_soft()->set_load(-1);
  bad.mutable_soft()->set_reliability(2);
  EXPECT_THAT(FieldsOf(request),
              ElementsAre("heartbeat.values[1].name.id", "heartbeat.values[1].soft.load", "heartbeat.values[1].soft.reliability"));
}

}  // namespace
}  // namespace scoutlight::server
