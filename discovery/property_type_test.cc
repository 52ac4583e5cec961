#include "discovery/property_type.h"

#include <string>

#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

TEST(PropertyType, TextReadsBack) {
  for (const char* text : {"string", "integer", "number", "boolean", "enum", "host", "port", "url", "duration"}) {
    const std::optional<PropertyType> type = ParsePropertyType(text);
    ASSERT_TRUE(type.has_value()) << text;
    EXPECT_EQ(PropertyTypeText(*type), text);
  }
  EXPECT_EQ(ParsePropertyType("String"), std::nullopt);
}

TEST(PropertyType, ValuesOnBothSidesOfEachBound) {
  const struct {
    PropertyType type;
    std::string value;
    bool fits;
  } cases[] = {
      {PropertyType::kString, "", true},
      {PropertyType::kString, "anything\n", true},
      {PropertyType::kInteger, "9223372036854775807", true},
      {PropertyType::kInteger, "9223372036854775808", false},
      {PropertyType::kInteger, "-9223372036854775808", true},
      {PropertyType::kInteger, "-9223372036854775809", false},
      {PropertyType::kInteger, "0", true},
      {PropertyType::kInteger, "", false},
      {PropertyType::kInteger, "-", false},
      {PropertyType::kInteger, "+1", false},
      {PropertyType::kInteger, " 1", false},
      {PropertyType::kInteger, "1 ", false},
      {PropertyType::kInteger, "1.0", false},
      {PropertyType::kNumber, "1.5e300", true},
      {PropertyType::kNumber, "1e309", false},
      {PropertyType::kNumber, "1e-300", true},
      {PropertyType::kNumber, "1e-999", false},
      {PropertyType::kNumber, "", false},
      {PropertyType::kNumber, "-", false},
      {PropertyType::kNumber, "-inf", false},
      {PropertyType::kNumber, " 1", false},
      {PropertyType::kNumber, "1 ", false},
      {PropertyType::kNumber, "+1", false},
      {PropertyType::kNumber, "1e", false},
      {PropertyType::kNumber, "-0.25", true},
      {PropertyType::kNumber, "7", true},
      {PropertyType::kNumber, "nan", false},
      {PropertyType::kNumber, "inf", false},
      {PropertyType::kNumber, "1x", false},
      {PropertyType::kNumber, "0x10", false},
      {PropertyType::kBoolean, "true", true},
      {PropertyType::kBoolean, "false", true},
      {PropertyType::kBoolean, "True", false},
      {PropertyType::kBoolean, "1", false},
      {PropertyType::kHost, "a.example", true},
      {PropertyType::kHost, "a b", false},
      {PropertyType::kPort, "1", true},
      {PropertyType::kPort, "0", false},
      {PropertyType::kPort, "65535", true},
      {PropertyType::kPort, "65536", false},
      {PropertyType::kUrl, "https://a:1/x", true},
      {PropertyType::kUrl, "a:1/x", false},
      {PropertyType::kDuration, "1h30m", true},
      {PropertyType::kDuration, "-1.5ms", true},
      {PropertyType::kDuration, "0", true},
      {PropertyType::kDuration, "30", false},
      {PropertyType::kDuration, "inf", false},
      {PropertyType::kDuration, "1d", false},
  };
  for (const auto& c : cases) EXPECT_EQ(TypeFault(c.type, c.value).empty(), c.fits) << PropertyTypeText(c.type) << " " << c.value;
}

TEST(PropertyType, OrderIsThatOfTheValuesNotOfTheirText) {
  const struct {
    PropertyType type;
    std::string less;
    std::string more;
  } cases[] = {
      {PropertyType::kInteger, "9", "10"},
      {PropertyType::kNumber, "9.5", "1e1"},
      {PropertyType::kPort, "80", "443"},
      {PropertyType::kDuration, "59s", "1m"},
  };
  for (const auto& c : cases) {
    EXPECT_TRUE(IsOrdered(c.type));
    EXPECT_LT(CompareOrdered(c.type, c.less, c.more), 0);
    EXPECT_GT(CompareOrdered(c.type, c.more, c.less), 0);
    EXPECT_EQ(CompareOrdered(c.type, c.more, c.more), 0);
  }
  EXPECT_FALSE(IsOrdered(PropertyType::kString));
}

}  // namespace
}  // namespace scoutlight::discovery
