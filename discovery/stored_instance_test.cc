#include "discovery/stored_instance.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "discovery/shipped_schemas.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

const InstanceName kName{"c", "s", "i"};

StoredValue Text(absl::string_view text, Revision revision = 2, LeaseId lease_id = 0) {
  return {.value = {Value::Form::kText, std::string(text)}, .create_revision = revision, .mod_revision = revision, .lease_id = lease_id};
}

StoredValue Record(const InstanceRecord& record, Revision revision = 2, LeaseId lease_id = 0) {
  return Text(EncodeInstanceRecord(record), revision, lease_id);
}

// A key for each property, and no rules but those given.
Schema Plain(PropertyRules rules = {}) {
  return {.name = "plain", .layout = Layout::Create("/{cluster}/p/{service}/{instance}[/{property}]", "text").value(), .properties = rules};
}

auto IsProblem(const std::string& property, const std::string& message) {
  return AllOf(Field("property", &Problem::property, property), Field("message", &Problem::message, HasSubstr(message)));
}

TEST(StoredInstance, OverrideAloneMakesNoInstance) {
  StoredInstance stored;
  EXPECT_TRUE(stored.empty());
  stored.override = Text("{}");
  EXPECT_FALSE(stored.empty());
  EXPECT_FALSE(stored.exists());
  stored.record = Text("");
  EXPECT_TRUE(stored.exists());
  stored.record.reset();
  stored.entries["port"] = Text("80");
  EXPECT_TRUE(stored.exists());
}

TEST(StoredInstance, WrittenByHandIsUpAndNobodys) {
  StoredInstance stored;
  stored.entries = {{"hostname", Text("h", 5)}, {"port", Text("80", 3, 77)}};
  const Instance instance = ReadInstance(kName, stored, *ShippedSchemas()[0]);
  EXPECT_EQ(instance.name, kName);
  EXPECT_THAT(instance.properties, ElementsAre(Pair("hostname", "h"), Pair("port", "80")));
  EXPECT_EQ(instance.status, Status::kUp);
  EXPECT_EQ(instance.epoch, 0);
  EXPECT_EQ(instance.lease_id, 77);
  EXPECT_EQ(instance.create_revision, 3);
  EXPECT_EQ(instance.mod_revision, 5);
  EXPECT_EQ(instance.registered_at, absl::InfinitePast());
  EXPECT_THAT(instance.problems, IsEmpty());
  EXPECT_TRUE(instance.resolvable());
}

// What its schema asks for is there: a stray value beside it is a problem, and takes nothing away.
TEST(StoredInstance, WhatIsStrayKeepsNobodyOutOfWork) {
  StoredInstance by_keys;
  by_keys.entries = {{"", Text("stray")}, {"port", Text("80")}};
  const Instance of_keys = ReadInstance(kName, by_keys, Plain());
  EXPECT_THAT(of_keys.problems, ElementsAre(IsProblem("", "value in its own key")));
  EXPECT_TRUE(of_keys.resolvable());
  const auto members = ShippedSchemas()[2];
  ASSERT_EQ(members->name, "members");
  const auto read = [&](absl::string_view json) {
    StoredInstance stored;
    stored.entries[""] = Text(json);
    return ReadInstance(kName, stored, *members);
  };
  const Instance of_json = read(R"({"hostname": "h", "port": "80", "a/b": "1", "list": [1]})");
  EXPECT_EQ(of_json.problems.size(), 2u);
  EXPECT_TRUE(of_json.resolvable());
  for (const char* whole : {R"({"hostname": "h", "port": )", "[1]", "7", ""}) {
    EXPECT_FALSE(read(whole).resolvable()) << whole;
    EXPECT_FALSE(read(whole).problems.empty()) << whole;
  }
}

TEST(StoredInstance, WhoIsCriticalIsFitAndTakesNoWork) {
  StoredInstance stored;
  stored.entries = {{"health", Text("critical")}, {"port", Text("80")}};
  const Instance instance = ReadInstance(kName, stored, Plain());
  EXPECT_TRUE(instance.IsFit());
  EXPECT_FALSE(instance.resolvable());
}

TEST(StoredInstance, RecordSaysWhoseItIs) {
  StoredInstance stored;
  stored.entries["port"] = Text("80", 9, 77);
  stored.record = Record({.status = Status::kDraining, .epoch = 4, .session = "me", .registered_at = absl::UnixEpoch()}, 6, 78);
  const Instance instance = ReadInstance(kName, stored, Plain());
  EXPECT_EQ(instance.status, Status::kDraining);
  EXPECT_EQ(instance.epoch, 4);
  EXPECT_EQ(instance.lease_id, 78);
  EXPECT_EQ(instance.registered_at, absl::UnixEpoch());
  EXPECT_EQ(instance.create_revision, 6);
  EXPECT_EQ(instance.mod_revision, 9);
  EXPECT_FALSE(instance.resolvable());
  const Ownership ownership = ReadOwnership(stored);
  EXPECT_EQ(ownership.session, "me");
  EXPECT_EQ(ownership.record_revision, 6);
}

TEST(StoredInstance, RecordWithoutEpochHasItsOwnRevision) {
  StoredInstance stored;
  stored.record = Record({.status = Status::kUp, .epoch = 0, .session = "", .registered_at = absl::UnixEpoch()}, 6);
  EXPECT_EQ(ReadInstance(kName, stored, Plain()).epoch, 6);
  EXPECT_EQ(ReadOwnership(stored).epoch, 6);
  EXPECT_EQ(ReadOwnership(StoredInstance()).epoch, 0);
}

TEST(StoredInstance, UnreadableRecordIsAProblemAndStillAnOwner) {
  for (const char* text : {"", "nonsense", R"({"status": "ASLEEP"})", R"({"status": "UP", "epoch": -3})"}) {
    StoredInstance stored;
    stored.entries["port"] = Text("80");
    stored.record = Text(text, 7, 12);
    const Instance instance = ReadInstance(kName, stored, Plain());
    EXPECT_THAT(instance.problems, ElementsAre(IsProblem("", "has a record that cannot be read"))) << text;
    EXPECT_EQ(instance.epoch, 7) << text;
    EXPECT_EQ(instance.lease_id, 12) << text;
    EXPECT_EQ(instance.status, Status::kUp) << text;
    EXPECT_THAT(instance.properties, ElementsAre(Pair("port", "80"))) << text;
  }
}

TEST(StoredInstance, OverrideTakesItOutReadableOrNot) {
  StoredInstance stored;
  stored.entries["port"] = Text("80", 3);
  stored.override = Text(R"({"reason": "paper jam", "author": "me"})", 9);
  Instance instance = ReadInstance(kName, stored, Plain());
  ASSERT_TRUE(instance.override.has_value());
  EXPECT_EQ(instance.override->reason, "paper jam");
  EXPECT_FALSE(instance.resolvable());
  EXPECT_EQ(instance.create_revision, 3);
  EXPECT_EQ(instance.mod_revision, 9);
  stored.override = Text("nonsense", 10);
  instance = ReadInstance(kName, stored, Plain());
  EXPECT_EQ(instance.override, Override());
  EXPECT_FALSE(instance.resolvable());
}

TEST(StoredInstance, HalfWrittenIsListedWithWhatIsMissing) {
  PropertyRules rules;
  rules.definitions["hostname"] = {.type = PropertyType::kHost, .required = true};
  rules.definitions["port"] = {.type = PropertyType::kPort, .required = true};
  rules.definitions["protocol"] = {.type = PropertyType::kString, .required = true, .default_value = "http"};
  StoredInstance stored;
  stored.entries["port"] = Text("80");
  Instance instance = ReadInstance(kName, stored, Plain(rules));
  EXPECT_THAT(instance.problems, ElementsAre(IsProblem("hostname", "is missing")));
  EXPECT_FALSE(instance.resolvable());
  EXPECT_THAT(instance.properties, ElementsAre(Pair("port", "80"), Pair("protocol", "http")));
  stored.entries["hostname"] = Text("h");
  EXPECT_TRUE(ReadInstance(kName, stored, Plain(rules)).resolvable());
  // Its record alone.
  stored.entries.clear();
  stored.record = Record({.status = Status::kUp, .epoch = 0, .session = "", .registered_at = absl::UnixEpoch()});
  instance = ReadInstance(kName, stored, Plain(rules));
  EXPECT_THAT(instance.problems, ElementsAre(IsProblem("hostname", "is missing"), IsProblem("port", "is missing")));
  EXPECT_FALSE(instance.resolvable());
}

TEST(StoredInstance, PropertyThatIsNotAllowedIsShownAndTold) {
  PropertyRules rules;
  rules.extra_allowed = false;
  rules.definitions["port"] = {.type = PropertyType::kPort};
  StoredInstance stored;
  stored.entries = {{"port", Text("80")}, {"colour", Text("red")}};
  const Instance instance = ReadInstance(kName, stored, Plain(rules));
  EXPECT_THAT(instance.problems, ElementsAre(IsProblem("colour", "is not a property of the schema")));
  EXPECT_THAT(instance.properties, ElementsAre(Pair("colour", "red"), Pair("port", "80")));
  EXPECT_TRUE(instance.resolvable()) << "its required properties are there";
}

TEST(StoredInstance, WrongHealthIsAProblemAndPasses) {
  StoredInstance stored;
  stored.entries["health"] = Text("critical");
  EXPECT_EQ(ReadInstance(kName, stored, Plain()).health, Health::kCritical);
  stored.entries["health"] = Text("so so");
  const Instance instance = ReadInstance(kName, stored, Plain());
  EXPECT_EQ(instance.health, Health::kPassing);
  EXPECT_THAT(instance.problems, ElementsAre(IsProblem("health", "is \"so so\", known are passing, warning and critical")));
}

TEST(StoredInstance, WrongEndpointsAreProblems) {
  StoredInstance stored;
  stored.entries = {
      {"hostname", Text("h")}, {"port", Text("70000")}, {"endpoint.amqp", Text("no url")}, {"endpoint.grpc", Text("grpc://h:1")}};
  const Instance instance = ReadInstance(kName, stored, Plain());
  EXPECT_THAT(instance.problems, ElementsAre(IsProblem("port", "is \"70000\""), IsProblem("endpoint.amqp", "")));
  EXPECT_TRUE(instance.valid);
}

TEST(StoredInstance, ValueThatIsNoTextIsLeftOutAndHidesNoOther) {
  StoredInstance stored;
  stored.entries = {{"blob", Text("\xff\xfe")}, {"port", Text("80")}, {"big", Text(std::string(limits::kPropertyValueBytesMax + 1, 'x'))}};
  stored.entries["blob"].value.form = Value::Form::kData;
  const Instance instance = ReadInstance(kName, stored, Plain());
  EXPECT_THAT(instance.properties, ElementsAre(Pair("port", "80")));
  EXPECT_THAT(instance.problems, ElementsAre(IsProblem("big", ""), IsProblem("blob", "")));
}

TEST(StoredInstance, ValueThatCannotBeReadAtAllLeavesNothingToResolve) {
  StoredInstance stored;
  stored.entries[""] = Text("{\"port\": ");
  const Instance instance = ReadInstance(kName, stored, *ShippedSchemas()[2]);
  ASSERT_FALSE(instance.problems.empty());
  EXPECT_EQ(instance.problems[0].property, "");
  EXPECT_FALSE(instance.resolvable());
}

TEST(StoredInstance, ExtraPropertiesKeepNobodyOutOfWork) {
  StoredInstance stored;
  stored.entries = {{"hostname", Text("h")}, {"port", Text("80")}, {"health", Text("warning")}};
  for (int i = 0; i < 10 * limits::kPropertiesMax; ++i) stored.entries[absl::StrCat(10'000 + i)] = Text("x");
  const Instance instance = ReadInstance(kName, stored, *ShippedSchemas()[0]);
  EXPECT_EQ(instance.properties.size(), static_cast<size_t>(limits::kPropertiesMax));
  EXPECT_EQ(instance.properties.at("hostname"), "h");
  EXPECT_EQ(instance.properties.at("port"), "80");
  EXPECT_EQ(instance.health, Health::kWarning);
  EXPECT_TRUE(instance.resolvable());
  EXPECT_EQ(instance.problems.size(), static_cast<size_t>(limits::kProblemsPerInstanceMax));
}

TEST(StoredInstance, ProblemsAreBounded) {
  PropertyRules rules;
  rules.extra_allowed = false;
  StoredInstance stored;
  for (int i = 0; i <= limits::kProblemsPerInstanceMax; ++i) stored.entries[absl::StrCat("p", i)] = Text("x");
  EXPECT_EQ(ReadInstance(kName, stored, Plain(rules)).problems.size(), static_cast<size_t>(limits::kProblemsPerInstanceMax));
}

TEST(StoredInstance, SoftValuesAreShown) {
  StoredInstance stored;
  stored.entries["port"] = Text("80");
  stored.soft.load = 0.5;
  EXPECT_EQ(ReadInstance(kName, stored, Plain()).soft, stored.soft);
}

}  // namespace
}  // namespace scoutlight::discovery
