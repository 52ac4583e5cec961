#include "discovery/schema_set.h"

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
