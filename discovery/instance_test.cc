#include "discovery/instance.h"

#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const InstanceName kName = {"clusterA", "Printer", "640da76bb2e3"};

TEST(Instance, TextOfStatusAndHealthReadsBack) {
  for (const Status status : {Status::kUp, Status::kDraining, Status::kOwnerLost}) EXPECT_EQ(ParseStatus(StatusText(status)), status);
  for (const Health health : {Health::kPassing, Health::kWarning, Health::kCritical}) EXPECT_EQ(ParseHealth(HealthText(health)), health);
  EXPECT_EQ(ParseStatus("up"), std::nullopt);
  EXPECT_EQ(ParseHealth(""), std::nullopt);
}

TEST(Instance, CheckReportsEveryViolationAtOnce) {
  const Properties properties = {{"port", "8001"}, {"a/b", "x"}, {"bad", "\xFF"}, {"", "\xFF"}};
  EXPECT_THAT(
      CheckInstance({"*", "", "a/b"}, properties),
      ElementsAre(Field(&FieldViolation::field, "cluster"), Field(&FieldViolation::field, "service"), Field(&FieldViolation::field, "id"),
                  Field(&FieldViolation::field, "properties[\"\"]"), Field(&FieldViolation::field, "properties[\"\"]"),
                  Field(&FieldViolation::field, "properties[\"a/b\"]"), FieldViolation{"properties.bad", "is not valid UTF-8 at byte 0"}));
}

TEST(Instance, CountOfPropertiesIsBoundedInclusively) {
  Properties properties;
  for (int i = 0; i < limits::kPropertiesMax; ++i) properties[absl::StrCat("p", i)] = "";
  EXPECT_THAT(CheckInstance(kName, properties), IsEmpty());
  properties["one.more"] = "";
  EXPECT_THAT(CheckInstance(kName, properties), ElementsAre(FieldViolation{"properties", "are 257, at most 256 are allowed"}));
}

TEST(Instance, BytesOfOneValueAndOfAllAreBoundedInclusively) {
  const std::string longest(limits::kPropertyValueBytesMax, 'v');
  EXPECT_THAT(CheckInstance(kName, {{"a", longest}}), IsEmpty());
  EXPECT_THAT(CheckInstance(kName, {{"a", longest + "v"}}),
              ElementsAre(FieldViolation{"properties.a", "is 32769 bytes long, at most 32768 are allowed"}));

  Properties full;
  for (const char* name : {"a", "b", "c"}) full[name] = longest;
  full["d"] = longest.substr(4);  // The names count: four bytes.
  EXPECT_THAT(CheckInstance(kName, full), IsEmpty());
  full["d"] += "v";
  EXPECT_THAT(CheckInstance(kName, full),
              ElementsAre(FieldViolation{"properties", "are 131073 bytes together, at most 131072 are allowed"}));
}

TEST(Instance, SoftValuesAreFiniteAndInRange) {
  EXPECT_THAT(CheckSoftValues({}), IsEmpty());
  EXPECT_THAT(CheckSoftValues({.load = 0, .reliability = 0, .counters = {{"calls", 3}}}), IsEmpty());
  EXPECT_THAT(CheckSoftValues({.load = 1.5, .reliability = 1}), IsEmpty());
  EXPECT_THAT(CheckSoftValues({.load = -0.1, .reliability = 1.1, .counters = {{"a/b", 1}}}),
              ElementsAre(Field(&FieldViolation::field, "load"), Field(&FieldViolation::field, "reliability"),
                          Field(&FieldViolation::field, "counters[\"a/b\"]")));
  EXPECT_THAT(CheckSoftValues({.load = std::nan(""), .reliability = std::numeric_limits<double>::infinity()}),
              ElementsAre(Field(&FieldViolation::field, "load"), Field(&FieldViolation::field, "reliability")));
  SoftValues many;
  for (size_t i = 0; i < limits::kSoftCountersMax; ++i) many.counters[absl::StrCat("c", i)] = 1;
  EXPECT_THAT(CheckSoftValues(many), IsEmpty());
  many.counters["one.more"] = 1;
  EXPECT_THAT(CheckSoftValues(many), ElementsAre(Field(&FieldViolation::description, HasSubstr("33, at most 32"))));
}

}  // namespace
}  // namespace scoutlight::discovery
