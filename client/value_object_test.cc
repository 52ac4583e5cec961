#include "client/value_object.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scoutlight/discovery/v1/discovery.pb.h"

namespace scoutlight {
namespace {

using discovery::Properties;
using ::testing::ElementsAre;
using ::testing::Pair;

enum class Paper { kA4 = 1, kLetter = 2 };

struct Printer {
  std::string hostname;
  uint16_t port = 0;
  std::string protocol = "http";
  bool color = false;
  int8_t trays = 1;
  int64_t pages = 0;
  uint64_t serial = 0;
  float speed = 0;
  std::optional<double> weight;
  absl::Duration warm_up;
  std::optional<Paper> paper;

  static auto Fields() {
    return std::tuple(Field("hostname", &Printer::hostname), Field("port", &Printer::port),
                      Field("protocol", &Printer::protocol).OrDefault(), Field("color", &Printer::color).OrDefault(),
                      Field("trays", &Printer::trays).OrDefault(), Field("pages", &Printer::pages).OrDefault(),
                      Field("serial", &Printer::serial).OrDefault(), Field("speed", &Printer::speed).OrDefault(),
                      Field("weight", &Printer::weight), Field("warm_up", &Printer::warm_up).OrDefault(),
                      Field("paper", &Printer::paper).Names({{Paper::kA4, "a4"}, {Paper::kLetter, "letter"}}));
  }
  friend bool operator==(const Printer&, const Printer&) = default;
};

// The violated fields, with their descriptions.
std::vector<std::string> Violations(const absl::Status& status) {
  std::vector<std::string> violations;
  for (const FieldViolation& violation : DetailsOf(status).value_or(ErrorDetails()).violations) {
    violations.push_back(absl::StrCat(violation.field, " ", violation.description));
  }
  return violations;
}

TEST(ValueObjectTest, AnObjectIsItsFieldsAsTexts) {
  const Printer printer{.hostname = "10.0.0.1", .port = 8001, .color = true, .trays = -2, .speed = 0.5, .warm_up = absl::Seconds(90)};
  EXPECT_THAT(ToProperties(printer).value(), ElementsAre(Pair("color", "true"), Pair("hostname", "10.0.0.1"), Pair("pages", "0"),
                                                         Pair("port", "8001"), Pair("protocol", "http"), Pair("serial", "0"),
                                                         Pair("speed", "0.5"), Pair("trays", "-2"), Pair("warm_up", "1m30s")));
}

TEST(ValueObjectTest, OptionalAndDefaultedFieldsMayBeMissing) {
  const absl::StatusOr<Printer> printer = FromProperties<Printer>({{"hostname", "h"}, {"port", "1"}, {"unknown", "x"}});
  ASSERT_TRUE(printer.ok()) << printer.status();
  EXPECT_EQ(*printer, (Printer{.hostname = "h", .port = 1}));
}

TEST(ValueObjectTest, EveryPropertyThatDoesNotFitIsNamed) {
  const absl::StatusOr<Printer> printer = FromProperties<Printer>({{"port", "70000"},
                                                                   {"color", "yes"},
                                                                   {"trays", "128"},
                                                                   {"pages", "9223372036854775808"},
                                                                   {"serial", "-1"},
                                                                   {"speed", "1e39"},
                                                                   {"weight", "heavy"},
                                                                   {"warm_up", "inf"},
                                                                   {"paper", "a5"}});
  EXPECT_EQ(printer.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(printer.status()), Reason::kInvalidField);
  const std::vector<std::string> violations = Violations(printer.status());
  ASSERT_EQ(violations.size(), 10);
  EXPECT_EQ(violations[0], "properties.hostname is missing");
  EXPECT_EQ(violations[1], "properties.port is \"70000\", must be from 0 to 65535");
  EXPECT_THAT(violations[2], ::testing::HasSubstr("properties.color is \"yes\", true or false"));
  EXPECT_EQ(violations[3], "properties.trays is \"128\", must be from -128 to 127");
  EXPECT_THAT(violations[4], ::testing::HasSubstr("properties.pages is \"9223372036854775808\", an integer of 64 bits"));
  EXPECT_THAT(violations[5], ::testing::HasSubstr("properties.serial is \"-1\", must be from 0 to 18446744073709551615"));
  EXPECT_THAT(violations[6], ::testing::HasSubstr("properties.speed is \"1e39\", must be from -3.4"));
  EXPECT_THAT(violations[7], ::testing::HasSubstr("properties.weight is \"heavy\", a finite number"));
  EXPECT_THAT(violations[8], ::testing::HasSubstr("properties.warm_up is \"inf\", a duration"));
  EXPECT_EQ(violations[9], "properties.paper is \"a5\", one of a4, letter is wanted");
}

TEST(ValueObjectTest, WhatHasNoTextIsNamed) {
  Printer printer{.hostname = "h", .speed = std::numeric_limits<float>::infinity(), .warm_up = absl::InfiniteDuration()};
  printer.weight = std::nan("");
  printer.paper = static_cast<Paper>(7);
  EXPECT_THAT(Violations(ToProperties(printer).status()),
              ElementsAre("properties.speed is inf, a finite number is wanted", "properties.weight is nan, a finite number is wanted",
                          "properties.warm_up is inf, a finite duration is wanted", "properties.paper is the value 7, which has no name"));
}

// Any bits that make a finite number.
template <typename Number>
Number DrawNumber(std::mt19937_64* random) {
  for (;;) {
    const uint64_t bits = (*random)();
    Number number;
    static_assert(sizeof(number) <= sizeof(bits));
    std::memcpy(&number, &bits, sizeof(number));
    if (std::isfinite(number)) return number;
  }
}

TEST(ValueObjectTest, WhatIsWrittenReadsAsTheSame) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    Printer printer{.hostname = std::string(random() % 5, static_cast<char>('a' + random() % 26)),
                    .port = static_cast<uint16_t>(random()),
                    .protocol = random() % 2 == 0 ? "" : "https",
                    .color = random() % 2 == 0,
                    .trays = static_cast<int8_t>(random()),
                    .pages = static_cast<int64_t>(random()),
                    .serial = random(),
                    .speed = DrawNumber<float>(&random),
                    .warm_up = absl::Nanoseconds(static_cast<int64_t>(random()) >> (random() % 64))};
    if (random() % 2 == 0) printer.weight = DrawNumber<double>(&random);
    if (random() % 2 == 0) printer.paper = random() % 2 == 0 ? Paper::kA4 : Paper::kLetter;
    const absl::StatusOr<Properties> properties = ToProperties(printer);
    ASSERT_TRUE(properties.ok()) << properties.status();
    const absl::StatusOr<Printer> again = FromProperties<Printer>(*properties);
    ASSERT_TRUE(again.ok()) << again.status();
    ASSERT_EQ(*again, printer) << "warm_up " << printer.warm_up << ", then " << again->warm_up;
  }
}

// A type of somebody else.
struct Point {
  int x = 0;
};

TEST(ValueObjectTest, AMessageIsItsFieldsThatAreSet) {
  discovery::v1::ResolveRequest message;
  message.set_service("Printer");
  message.set_strategy(discovery::v1::STRATEGY_RANDOM);
  message.set_count(-3);
  message.set_min_revision(1LL << 40);
  message.mutable_slow_start()->set_seconds(90);
  const absl::StatusOr<Properties> properties = ToProperties(message);
  ASSERT_TRUE(properties.ok()) << properties.status();
  EXPECT_THAT(*properties, ElementsAre(Pair("count", "-3"), Pair("min_revision", "1099511627776"), Pair("service", "Printer"),
                                       Pair("slow_start", "1m30s"), Pair("strategy", "STRATEGY_RANDOM")));
  const auto again = FromProperties<discovery::v1::ResolveRequest>(*properties);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), message.SerializeAsString());
}

TEST(ValueObjectTest, WhatAMessageHasThatIsNoPropertyIsNamed) {
  discovery::v1::SoftValues message;
  message.set_load(std::nan(""));
  (*message.mutable_counters())["c"] = 1;
  EXPECT_THAT(Violations(ToProperties(message).status()),
              ElementsAre("properties.load is nan, a finite number is wanted", "properties.counters is repeated: a property is one value"));
  const auto read = FromProperties<discovery::v1::ResolveRequest>({{"count", "2147483648"}, {"strategy", "FAST"}, {"slow_start", "soon"}});
  const std::vector<std::string> violations = Violations(read.status());
  ASSERT_EQ(violations.size(), 3);
  EXPECT_THAT(violations[0], ::testing::StartsWith("properties.strategy is \"FAST\", one of STRATEGY_UNSPECIFIED, "));
  EXPECT_EQ(violations[1], "properties.count is \"2147483648\", must be from -2147483648 to 2147483647");
  EXPECT_THAT(violations[2], ::testing::StartsWith("properties.slow_start is \"soon\", a duration"));
}

}  // namespace

template <>
struct ValueObject<Point> {
  static auto Fields() { return std::tuple(Field("x", &Point::x)); }
};

namespace {

TEST(ValueObjectTest, ATypeThatOneCannotChangeIsDeclaredBesideIt) {
  EXPECT_EQ(FromProperties<Point>(ToProperties(Point{7}).value())->x, 7);
  discovery::Instance instance;
  instance.properties = {{"x", "8"}};
  EXPECT_EQ(As<Point>(instance)->x, 8);
}

}  // namespace
}  // namespace scoutlight
