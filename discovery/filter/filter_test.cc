#include "discovery/filter/filter.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/regex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

Instance Printer() {
  Instance instance;
  instance.name = {"c", "Printer", "640da"};
  instance.properties = {{"protocol", "https"}, {"port", "8001"},  {"zone", "a"}, {"endpoint.mq", "amqp://h"}, {"tls", "true"},
                         {"my prop", "x y"},    {"status", "odd"}, {"empty", ""}, {"big", "9007199254740993"}, {"ratio", "0.50"},
                         {"lines", "a\nb"}};
  instance.health = Health::kWarning;
  instance.registered_at = kNow - absl::Seconds(90);
  return instance;
}

// "true", "false", or the mistake.
std::string Evaluate(absl::string_view text) {
  const absl::StatusOr<Filter> filter = Filter::Parse(text, AgeTerms::kAllowed);
  if (!filter.ok()) return std::string(filter.status().message());
  return filter->Matches(Printer(), kNow) ? "true" : "false";
}

std::string Canonical(absl::string_view text) {
  const absl::StatusOr<Filter> filter = Filter::Parse(text, AgeTerms::kAllowed);
  return filter.ok() ? filter->text() : std::string(filter.status().message());
}

TEST(Filter, MeansWhatTheHeaderSays) {
  const struct {
    absl::string_view text;
    bool holds;
  } cases[] = {
      {"", true},
      {"  \n", true},
      {R"(protocol == "https")", true},
      {R"(protocol = 'https')", true},
      {R"(protocol == "http")", false},
      {R"(protocol != "http")", true},
      {R"(protocol < "i")", true},
      {R"(protocol >= "i")", false},
      {R"("protocol" == "https")", true},
      {R"(PROTOCOL == "https")", false},
      // Numbers: both sides are, or nothing is equal, less or greater.
      {"port == 8001", true},
      {"port == 8001.0", true},
      {"port == \"8001\"", true},
      {"port == \"8001.0\"", false},
      {"port > 999", true},
      {"port > \"999\"", false},  // Text.
      {"port >= 8001 and port <= 8001", true},
      {"port < 8001 or port > 8001", false},
      {"port != 8001", false},
      {"protocol == 1", false},
      {"protocol != 1", true},
      {"protocol < 1 or protocol >= 1", false},
      {"ratio == 0.5", true},
      {"ratio == \"0.5\"", false},
      {"ratio > -1e3", true},
      {"big == 9007199254740993", true},
      {"big == 9007199254740992", false},
      {"big > 9007199254740992", true},
      {"tls == true", true},
      {"tls == \"true\"", true},
      {"tls == false", false},
      // Lists.
      {R"(zone in ("b", 'a'))", true},
      {R"(zone in ("b"))", false},
      {R"(zone not in ("b"))", true},
      {R"(port in ("x", 8001))", true},
      {R"(port not in (1, 8001))", false},
      // Missing properties, and empty ones, which are there.
      {R"(gone == "")", false},
      {R"(gone != "")", true},
      {R"(gone < "z")", false},
      {R"(not gone < "z")", true},
      {R"(gone in ("", "a"))", false},
      {R"(gone not in ("", "a"))", true},
      {R"(gone matches "(?s).*")", false},
      {R"(empty matches "(?s).*")", true},
      {R"(lines matches "(?s).*")", true},
      {R"(empty == "")", true},
      // Regular expressions match the whole value.
      {R"(protocol matches "https?")", true},
      {R"(protocol matches "http")", false},
      {R"(protocol matches ".*tp.*")", true},
      // Names.
      {R"(endpoint.mq matches "amqp:.*")", true},
      {R"("my prop" == "x y")", true},
      {R"("status" == "odd")", true},
      // Status, health, age.
      {"status == UP", true},
      {"status == \"UP\"", true},
      {"status != DRAINING", true},
      {"status in (DRAINING, OWNER_LOST)", false},
      {"health == warning", true},
      {"health in (passing, 'warning')", true},
      {"health matches \"warn.*\"", true},
      {"age >= 90s", true},
      {"age > 1m30s", false},
      {"age < 1h", true},
      {"age == 1.5m", true},
      {"age != 0s", true},
      // Structure: not before and before or.
      {R"(zone == "b" and zone == "b" or zone == "a")", true},
      {R"(zone == "b" and (zone == "b" or zone == "a"))", false},
      {R"(not zone == "b" and zone == "a")", true},
      {R"(not (zone == "b" or zone == "a"))", false},
      {R"(not not zone == "a")", true},
      {R"(zone == "a" AND Not zone IN ("b") OR zone == "c")", true},
      {R"(lines == "a\nb")", true},
  };
  for (const auto& c : cases) EXPECT_EQ(Evaluate(c.text), c.holds ? "true" : "false") << c.text;
}

TEST(Filter, UnknownRegistrationIsOlderThanEverything) {
  Instance instance = Printer();
  instance.registered_at = absl::InfinitePast();
  EXPECT_TRUE(Filter::Parse("age > 1000000h", AgeTerms::kAllowed)->Matches(instance, kNow));
}

TEST(Filter, MistakesAreToldWithTheirPlace) {
  const struct {
    std::string text;
    int offset;
    int column;
    std::string says;
  } cases[] = {
      {"protocol", 8, 9, "the end where a comparison"},
      {"protocol ==", 11, 12, "the end where a string"},
      {"protocol == https", 12, 13, "a text is written in quotes"},
      {"protocol == \"https", 12, 13, "a string without end"},
      {"a == \"\\x\"", 6, 7, "backslash"},
      {"a == \"b\" c", 9, 10, "\"c\" where `and`, `or` or the end"},
      {"(a == 1", 0, 1, "not closed"},
      {"(a == 1 b", 8, 9, "`and`, `or` or `)`"},
      {"a == 1)", 6, 7, "\")\" where `and`"},
      {"a in 1", 5, 6, "`(` and a list"},
      {"a in ()", 6, 7, "a string, a number"},
      {"a in (1", 7, 8, "`,` or `)`"},
      {"a not 1", 6, 7, "`in`"},
      {"a matches b", 10, 11, "regular expression in quotes"},
      {"a matches \"(\"", 10, 11, "missing )"},
      {"\"\xC3\xA9\" == 1 & b == 2", 10, 10, "\"&\" is no part"},
      {"and == 1", 0, 1, "where a property"},
      {"5 == a", 0, 1, "where a property"},
      {"a == 1x", 5, 6, "neither a number nor a duration"},
      {"a == 30s", 5, 6, "a string, a number"},
      {"a == 1e999", 5, 6, "neither"},
      {"\"a/b\" == 1", 0, 1, "slash"},
      {"\"\" == 1", 0, 1, "empty"},
      {"status == down", 10, 11, "UP, DRAINING or OWNER_LOST"},
      {"status < UP", 7, 8, "no order"},
      {"health == ill", 10, 11, "passing, warning or critical"},
      {"age < 30", 6, 7, "a duration"},
      {"age in (30s)", 7, 8, "`age` is compared by"},
      {"age matches \"x\"", 12, 13, "`age` is compared by"},
      {"a == \"\xFF\"", 6, 7, "UTF-8"},
      {"a == 1 and", 10, 11, "the end where a property"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Filter> filter = Filter::Parse(c.text, AgeTerms::kAllowed, "query");
    ASSERT_EQ(filter.status().code(), absl::StatusCode::kInvalidArgument) << c.text;
    const std::optional<ErrorDetails> details = DetailsOf(filter.status());
    ASSERT_EQ(details->violations.size(), 1u);
    EXPECT_EQ(details->violations[0].field, "query");
    EXPECT_THAT(details->violations[0].description, HasSubstr(c.says)) << c.text;
    EXPECT_THAT(details->violations[0].description, HasSubstr(absl::StrCat("at column ", c.column, " (byte ", c.offset, ")"))) << c.text;
    const std::vector<std::pair<std::string, std::string>> metadata = {{"offset", absl::StrCat(c.offset)},
                                                                       {"column", absl::StrCat(c.column)}};
    EXPECT_EQ(details->metadata, metadata);
  }
}

TEST(Filter, AgeIsRefusedWhereTheAnswerMayNotChangeByItself) {
  EXPECT_TRUE(Filter::Parse("age > 1s", AgeTerms::kAllowed)->uses_age());
  EXPECT_FALSE(Filter::Parse("zone == 1", AgeTerms::kAllowed)->uses_age());
  const absl::StatusOr<Filter> filter = Filter::Parse("zone == 1 and age > 1s", AgeTerms::kRefused);
  EXPECT_THAT(std::string(filter.status().message()), HasSubstr("at column 15 (byte 14): `age` is not allowed"));
  EXPECT_TRUE(Filter::Parse("\"age\" == 1", AgeTerms::kRefused).ok()) << "the property of that name";
}

TEST(Filter, BoundsAreInclusive) {
  const std::string blanks(limits::kFilterBytesMax - 6, ' ');
  EXPECT_EQ(Canonical("a == 1" + blanks), "a == 1");
  EXPECT_THAT(Canonical("a == 1 " + blanks), HasSubstr("4097 bytes long, at most 4096"));

  const auto nested = [](int depth) { return std::string(depth, '(') + "a == 1" + std::string(depth, ')'); };
  EXPECT_EQ(Canonical(nested(limits::kFilterDepthMax)), "a == 1");
  EXPECT_THAT(Canonical(nested(limits::kFilterDepthMax + 1)), HasSubstr("column 33 (byte 32): parentheses and `not` deeper than the 32"));
  std::string negated = "a == 1";
  for (int i = 0; i < limits::kFilterDepthMax; ++i) negated = "not " + negated;
  EXPECT_EQ(Canonical(negated), "a == 1");
  EXPECT_THAT(Canonical("not " + negated), HasSubstr("deeper"));

  std::string values = "a in (0";
  for (int i = 1; i < limits::kFilterTermsMax; ++i) absl::StrAppend(&values, ",", i);
  EXPECT_THAT(Canonical(values + ")"), HasSubstr("a in (0, 1, 10, 100"));
  EXPECT_THAT(Canonical(values + ",9)"), HasSubstr("one more than the 256"));
  EXPECT_THAT(Canonical(values + ") or a == 1"), HasSubstr("one more than the 256"));

  std::vector<std::string> regexes(limits::kFilterRegexesMax, "a matches \"x\"");
  EXPECT_EQ(Canonical(absl::StrJoin(regexes, " or ")), "a matches \"x\"");
  regexes.push_back(regexes[0]);
  EXPECT_THAT(Canonical(absl::StrJoin(regexes, " or ")), HasSubstr("one more than the 16 regular expressions"));
  EXPECT_THAT(Canonical(absl::StrCat("a matches \"", std::string(limits::kRegexBytesMax + 1, 'x'), "\"")), HasSubstr("513 bytes"));
}

TEST(Filter, RegexWorkCountsInstructionsAndTheBytesOfTheTexts) {
  const auto work = [](absl::string_view text) { return Filter::Parse(text, AgeTerms::kAllowed)->RegexWork(Printer()); };
  const int64_t x = Regex::Parse("x")->instructions();
  const int64_t many = Regex::Parse("[a-z]{100}")->instructions();
  EXPECT_EQ(work(""), 0);
  EXPECT_EQ(work("port > 1 and age < 1h"), 0);
  EXPECT_EQ(work("protocol matches 'x'"), 5 * x);
  EXPECT_EQ(work("protocol matches '[a-z]{100}'"), 5 * many);
  EXPECT_EQ(work("health matches 'x' or not (zone matches 'x' and age < 1h)"), 7 * x + x) << "warning, a";
  EXPECT_EQ(work("gone matches 'x' or empty matches 'x'"), 0);
  EXPECT_EQ(Filter().RegexWork(Printer()), 0);
}

TEST(Filter, EqualFiltersHaveOneCanonicalText) {
  const std::vector<std::vector<absl::string_view>> groups = {
      {"", " ", "\n"},
      {R"(a == "x")", R"(a="x")", R"(  a  == 'x' )", R"((a == "x"))", R"(not a != "x")", R"(not not a == "x")", R"("a" == "x")",
       R"(a in ("x"))", R"(a == "x" and a == "x")", R"(a in ('x', "x"))"},
      {R"(a != "x")", R"(not a == "x")", R"(a not in ("x"))", R"(not (a in ("x")))"},
      {"a == 1 and b == 2 and c == 3", "c == 3 and (b == 2 and a == 1)", "(a == 1.0 and b == 2e0) and c == 3"},
      {"a == 1 and (b == 2 or c == 3)", "(c == 3 or b == 2) and a == 1"},
      {"a == 1 and b == 2 or c == 3", "c == 3 or (b == 2 and a == 1)"},
      {"age > 90s", "age > 1m30s", "age > 1.5m"},
      {R"(status == UP)", R"(status == "UP")", "status in (UP)"},
      {R"("status" == "UP")"},
      {"a not in (1, 2)", "not a in (2, 1, 1)"},
      {"a < 1"},
      {"not a >= 1"},
      {"a == \"1\""},
      {"a == 1"},
  };
  std::vector<std::string> texts;
  for (const auto& group : groups) {
    const std::string text = Canonical(group.front());
    for (const absl::string_view equal : group) EXPECT_EQ(Canonical(equal), text) << equal;
    EXPECT_EQ(Canonical(text), text);
    for (const std::string& other : texts) EXPECT_NE(text, other);
    texts.push_back(text);
  }
  EXPECT_EQ(Canonical(R"(not (b == 'x"\n' or "my a" < 1e300) and not a matches "\\d")"),
            R"(not ("my a" < 1e+300 or b == "x\"\n") and not a matches "\\d")");
}

}  // namespace
}  // namespace scoutlight::discovery
