#include "discovery/property_definition.h"

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

TEST(PropertyDefinition, ValuesOnBothSidesOfEachBound) {
  const PropertyDefinition small = {.type = PropertyType::kInteger, .min = "-5", .max = "10"};
  const PropertyDefinition share = {.type = PropertyType::kNumber, .min = "0", .max = "1"};
  const PropertyDefinition high_port = {.type = PropertyType::kPort, .min = "1024"};
  const PropertyDefinition wait = {.type = PropertyType::kDuration, .min = "1s", .max = "1m"};
  const PropertyDefinition protocol = {.type = PropertyType::kEnum, .values = {"http", "https"}};
  const PropertyDefinition hex = {.type = PropertyType::kString, .pattern = *Regex::Parse("[0-9a-f]{2,4}")};
  const struct {
    const PropertyDefinition& definition;
    std::string value;
    bool fits;
  } cases[] = {
      {small, "-5", true},        {small, "-6", false},        {small, "10", true},       {small, "11", false},
      {small, "x", false},        {share, "0", true},          {share, "-0.001", false},  {share, "1", true},
      {share, "1.001", false},    {share, "1e-9", true},       {high_port, "1024", true}, {high_port, "1023", false},
      {high_port, "65535", true}, {high_port, "65536", false}, {wait, "1s", true},        {wait, "999ms", false},
      {wait, "60s", true},        {wait, "60001ms", false},    {protocol, "http", true},  {protocol, "HTTP", false},
      {protocol, "", false},      {hex, "ab", true},           {hex, "a", false},         {hex, "abcd", true},
      {hex, "abcde", false},
  };
  for (const auto& c : cases) EXPECT_EQ(ValueFault(c.definition, c.value).empty(), c.fits) << c.value;
  EXPECT_EQ(ValueFault(small, "11"), "is 11, at most 10 is allowed");
  EXPECT_EQ(ValueFault(protocol, "ftp"), "is \"ftp\", allowed are http, https");
}

TEST(PropertyDefinition, MistakesInDefinitionsAreAllFound) {
  EXPECT_THAT(CheckDefinition({}), IsEmpty());
  EXPECT_THAT(CheckDefinition({.type = PropertyType::kEnum}), ElementsAre(Field(&FieldViolation::field, "values")));
  EXPECT_THAT(CheckDefinition({.type = PropertyType::kEnum, .values = {"a", "a"}}),
              ElementsAre(FieldViolation{"values", "list \"a\" twice"}));
  EXPECT_THAT(
      CheckDefinition({.type = PropertyType::kString, .values = {"a"}, .min = "1", .max = "2"}),
      ElementsAre(Field(&FieldViolation::field, "values"), Field(&FieldViolation::field, "min"), Field(&FieldViolation::field, "max")));
  EXPECT_THAT(CheckDefinition({.type = PropertyType::kPort, .min = "0", .max = "65536"}),
              ElementsAre(Field(&FieldViolation::field, "min"), Field(&FieldViolation::field, "max")));
  EXPECT_THAT(CheckDefinition({.type = PropertyType::kInteger, .min = "10", .max = "9"}),
              ElementsAre(FieldViolation{"min", "is 10, more than the max of 9"}));
  EXPECT_THAT(CheckDefinition({.type = PropertyType::kInteger, .min = "10", .max = "10"}), IsEmpty());
  EXPECT_THAT(CheckDefinition({.type = PropertyType::kInteger, .default_value = "7", .max = "6"}),
              ElementsAre(FieldViolation{"default", "is 7, at most 6 is allowed"}));
}

TEST(PropertyDefinition, ValuesOfAnEnumAreBoundedInclusively) {
  PropertyDefinition definition = {.type = PropertyType::kEnum};
  for (int i = 0; i < limits::kEnumValuesMax; ++i) definition.values.push_back(absl::StrCat(i));
  EXPECT_THAT(CheckDefinition(definition), IsEmpty());
  definition.values.push_back("one more");
  EXPECT_THAT(CheckDefinition(definition), ElementsAre(Field(&FieldViolation::description, HasSubstr("257, at most 256"))));
}

PropertyRules Rules() {
  PropertyRules rules;
  rules.definitions["hostname"] = {.type = PropertyType::kHost, .required = true};
  rules.definitions["port"] = {.type = PropertyType::kPort, .required = true};
  rules.definitions["protocol"] = {.type = PropertyType::kEnum, .required = true, .default_value = "http", .values = {"http", "https"}};
  rules.definitions["weight"] = {.type = PropertyType::kNumber, .min = "0"};
  return rules;
}

TEST(PropertyRules, ReportEveryViolatedPropertyAtOnce) {
  PropertyRules rules = Rules();
  rules.extra_allowed = false;
  EXPECT_THAT(rules.Validate({{"port", "70000"}, {"protocol", "ftp"}, {"weight", "-1"}, {"colour", "red"}}),
              ElementsAre(Field(&Problem::property, "colour"), Problem{"hostname", "is missing"}, Field(&Problem::property, "port"),
                          Field(&Problem::property, "protocol"), Field(&Problem::property, "weight")));
  EXPECT_THAT(rules.Validate({{"hostname", "h"}, {"port", "1"}}), IsEmpty());
}

TEST(PropertyRules, ExtraPropertiesAreAllowedUnlessSaidOtherwise) {
  PropertyRules rules = Rules();
  const Properties properties = {{"hostname", "h"}, {"port", "1"}, {"colour", "red"}};
  EXPECT_THAT(rules.Validate(properties), IsEmpty());
  rules.extra_allowed = false;
  EXPECT_THAT(rules.Validate(properties), ElementsAre(Field(&Problem::property, "colour")));
}

TEST(PropertyRules, OnlyRequiredPropertiesDecideWhetherAnInstanceIsResolved) {
  const PropertyRules rules = Rules();
  EXPECT_TRUE(rules.RequiredHold({{"hostname", "h"}, {"port", "1"}}));
  EXPECT_TRUE(rules.RequiredHold({{"hostname", "h"}, {"port", "1"}, {"weight", "heavy"}})) << "not required";
  EXPECT_FALSE(rules.RequiredHold({{"hostname", "h"}}));
  EXPECT_FALSE(rules.RequiredHold({{"hostname", "h"}, {"port", "0"}}));
  EXPECT_FALSE(rules.RequiredHold({{"hostname", "h"}, {"port", "1"}, {"protocol", "ftp"}})) << "a default is for what is missing";
}

TEST(PropertyRules, DefaultsFillOnlyWhatIsMissing) {
  EXPECT_EQ(Rules().WithDefaults({{"port", "1"}}), (Properties{{"port", "1"}, {"protocol", "http"}}));
  EXPECT_EQ(Rules().WithDefaults({{"protocol", "https"}}), (Properties{{"protocol", "https"}}));
}

}  // namespace
}  // namespace scoutlight::discovery
