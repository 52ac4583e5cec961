#include "discovery/schema_set.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "discovery/regex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::shared_ptr<const Schema> Make(absl::string_view name, absl::string_view pattern) {
  const bool per_property = pattern.find("{property}") != absl::string_view::npos;
  return std::make_shared<const Schema>(
      Schema{.name = std::string(name), .layout = Layout::Create(pattern, per_property ? "text" : "json").value()});
}

constexpr absl::string_view kPattern = "/{cluster}/mine/{service}/{instance}";
constexpr absl::string_view kTurned = "/{service}/mine/{cluster}/{instance}";

TEST(SchemaSet, WhatIsRefusedIsNotInAndHindersNobody) {
  SchemaSet set;
  EXPECT_THAT(set.Add(Make("a", kPattern)), IsEmpty());
  EXPECT_THAT(set.Add(Make("a", "/{cluster}/x/{service}/{instance}")), ElementsAre(Field(&FieldViolation::field, "name")));
  const std::vector<FieldViolation> turned = set.Add(Make("b", kTurned));
  EXPECT_THAT(turned, ElementsAre(Field(&FieldViolation::field, "pattern")));
  EXPECT_THAT(turned[0].description, HasSubstr("of b and that of a"));
  EXPECT_EQ(set.Find("b"), nullptr);
  EXPECT_THAT(set.Add(Make("b", kPattern)), IsEmpty());
  EXPECT_THAT(set.Add(Make("c", "/{cluster}/x/{service}/{instance}")), IsEmpty());
  EXPECT_EQ(set.all().size(), 3u);
  EXPECT_EQ(set.patterns().size(), 2u);
  EXPECT_EQ(set.Find("c"), set.all()[2]);
}

// With so many properties that have a regular expression.
std::shared_ptr<const Schema> WithRegexes(absl::string_view name, int regexes) {
  Schema schema = *Make(name, kPattern);
  const Regex regex = *Regex::Parse("x");
  for (int i = 0; i < regexes; ++i) schema.properties.definitions[absl::StrCat("p", i)].pattern = regex;
  return std::make_shared<const Schema>(schema);
}

TEST(SchemaSet, RegularExpressionsOfAllAreBounded) {
  SchemaSet set;
  int regexes = limits::kPropertiesMax - 1;
  ASSERT_THAT(set.Add(WithRegexes("first", regexes)), IsEmpty());
  for (int i = 0; regexes + limits::kPropertiesMax <= limits::kSchemaRegexesMax; ++i, regexes += limits::kPropertiesMax) {
    ASSERT_THAT(set.Add(WithRegexes(absl::StrCat("s", i), limits::kPropertiesMax)), IsEmpty());
  }
  const std::vector<FieldViolation> more = set.Add(WithRegexes("more", 2));
  ASSERT_THAT(more, ElementsAre(Field(&FieldViolation::field, "schemas")));
  EXPECT_EQ(more[0].description, "have 4095 regular expressions of properties without more, which has 2; at most 4096 are allowed");
  EXPECT_EQ(set.Find("more"), nullptr);
  EXPECT_THAT(set.Add(WithRegexes("more", 1)), IsEmpty()) << "what is refused counts for nothing";
  EXPECT_THAT(set.Add(WithRegexes("none", 0)), IsEmpty());
  EXPECT_THAT(set.Add(WithRegexes("one", 1)), ElementsAre(Field(&FieldViolation::field, "schemas")));
}

TEST(SchemaSet, PatternsAndSchemasAreBounded) {
  SchemaSet set;
  for (int i = 0; i < limits::kKeyPatternsMax; ++i) {
    ASSERT_THAT(set.Add(Make(absl::StrCat("s", i), absl::StrCat("/{cluster}/p", i, "/{service}/{instance}"))), IsEmpty());
  }
  const std::vector<FieldViolation> more = set.Add(Make("more", "/{cluster}/more/{service}/{instance}"));
  EXPECT_THAT(more, ElementsAre(Field(&FieldViolation::field, "schemas")));
  EXPECT_THAT(more[0].description, HasSubstr("more than the 32 different patterns"));
  while (static_cast<int>(set.all().size()) < limits::kSchemasMax) {
    ASSERT_THAT(set.Add(Make(absl::StrCat("t", set.all().size()), "/{cluster}/p0/{service}/{instance}")), IsEmpty());
  }
  EXPECT_THAT(set.Add(Make("more", "/{cluster}/p0/{service}/{instance}"))[0].description, HasSubstr("are 1001, at most 1000"));
}

}  // namespace
}  // namespace scoutlight::discovery
