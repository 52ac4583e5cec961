// Holds filters against a naive evaluator with random expressions, and against garbage. SCOUTLIGHT_SEED repeats a run.
#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "discovery/filter/filter.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// Draws expressions together with what they mean, told by the plainest code there is.
class RandomFilter {
 public:
  using Meaning = std::function<bool(const Instance&, absl::Time)>;
  struct Drawn {
    std::string text;
    Meaning meaning;
  };

  explicit RandomFilter(uint64_t seed) : random_(seed) {}

  Drawn Draw(int depth) {
    switch (depth == 0 ? 0 : Below(6)) {
      case 1:
        return Join("and", depth);
      case 2:
        return Join("or", depth);
      case 3: {
        Drawn inner = Draw(depth - 1);
        return {absl::StrCat("not (", inner.text, ")"), [inner](const Instance& i, absl::Time now) { return !inner.meaning(i, now); }};
      }
      case 4: {
        Drawn inner = Draw(depth - 1);
        return {absl::StrCat("(", inner.text, ")"), inner.meaning};
      }
      default:
        return DrawComparison();
    }
  }

  Instance DrawInstance() {
    Instance instance;
    for (const char* name : kNames) {
      if (Below(3) != 0) instance.properties[name] = kValues[Below(std::size(kValues))];
    }
    instance.status = static_cast<Status>(1 + Below(3));
    instance.health = static_cast<Health>(1 + Below(3));
    instance.registered_at = kNow - absl::Seconds(Below(100));
    return instance;
  }

 private:
  static constexpr const char* kNames[] = {"a", "b.c", "d-e", "and", "age"};
  static constexpr const char* kValues[] = {"", "1", "2", "10", "1.0", "1.5", "-3", "x", "xy", "true", "1e1", " 1"};

  uint64_t Below(uint64_t n) { return random_() % n; }

  Drawn Join(const std::string& word, int depth) {
    Drawn a = Draw(depth - 1);
    Drawn b = Draw(depth - 1);
    const bool all = word == "and";
    return {absl::StrCat("(", a.text, ") ", word, Below(2) == 0 ? " " : "\n", "(", b.text, ")"),
            [a, b, all](const Instance& i, absl::Time now) {
              return all ? a.meaning(i, now) && b.meaning(i, now) : a.meaning(i, now) || b.meaning(i, now);
            }};
  }

  Drawn DrawComparison() {
    switch (Below(8)) {
      case 0: {
        const Status status = static_cast<Status>(1 + Below(3));
        return {absl::StrCat("status == ", StatusText(status)), [status](const Instance& i, absl::Time) { return i.status == status; }};
      }
      case 1: {
        const int64_t seconds = Below(100);
        return {absl::StrCat("age >= ", seconds, "s"),
                [seconds](const Instance& i, absl::Time now) { return now - i.registered_at >= absl::Seconds(seconds); }};
      }
      case 2: {
        const std::string name = kNames[Below(std::size(kNames))];
        return {absl::StrCat("\"", name, "\" matches \"x.?\""), [name](const Instance& i, absl::Time) {
                  const auto found = i.properties.find(name);
                  return found != i.properties.end() && (found->second == "x" || found->second == "xy");
                }};
      }
      default:
        return DrawOrder();
    }
  }

  Drawn DrawOrder() {
    const std::string name = kNames[Below(std::size(kNames))];
    static const char* const kOperators[] = {"==", "!=", "<", "<=", ">", ">="};
    const std::string op = kOperators[Below(std::size(kOperators))];
    const std::string value = kValues[Below(std::size(kValues))];
    double number = 0;
    const bool as_number = Below(2) == 0 && !value.empty() && value[0] != ' ' && absl::SimpleAtod(value, &number);
    const std::string text = absl::StrCat("\"", name, "\" ", op, " ", as_number ? value : absl::StrCat("'", value, "'"));
    return {text, [=](const Instance& i, absl::Time) {
              const auto found = i.properties.find(name);
              if (found == i.properties.end()) return op == "!=";
              const std::string& mine = found->second;
              int order = mine.compare(value);
              if (as_number) {
                double my_number = 0;
                if (mine.empty() || mine[0] == ' ' || !absl::SimpleAtod(mine, &my_number)) return op == "!=";
                order = my_number < number ? -1 : my_number > number;
              }
              if (op == "==") return order == 0;
              if (op == "!=") return order != 0;
              if (op == "<") return order < 0;
              if (op == "<=") return order <= 0;
              return op == ">" ? order > 0 : order >= 0;
            }};
  }

  std::mt19937_64 random_;
};

uint64_t Seed() {
  const char* const text = std::getenv("SCOUTLIGHT_SEED");
  const uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device()();
  std::cout << "SCOUTLIGHT_SEED=" << seed << std::endl;
  return seed;
}

TEST(FilterModel, AgreesWithANaiveEvaluatorAndSoDoesItsCanonicalText) {
  const uint64_t seed = Seed();
  RandomFilter random(seed);
  int held = 0;
  for (int round = 0; round < 3000; ++round) {
    const RandomFilter::Drawn drawn = random.Draw(4);
    const absl::StatusOr<Filter> filter = Filter::Parse(drawn.text, AgeTerms::kAllowed);
    ASSERT_TRUE(filter.ok()) << drawn.text << " " << filter.status() << " SCOUTLIGHT_SEED=" << seed;
    const absl::StatusOr<Filter> again = Filter::Parse(filter->text(), AgeTerms::kAllowed);
    ASSERT_TRUE(again.ok()) << filter->text() << " " << again.status() << " SCOUTLIGHT_SEED=" << seed;
    ASSERT_EQ(again->text(), filter->text()) << "SCOUTLIGHT_SEED=" << seed;
    for (int i = 0; i < 10; ++i) {
      const Instance instance = random.DrawInstance();
      const bool expected = drawn.meaning(instance, kNow);
      held += expected ? 1 : 0;
      ASSERT_EQ(filter->Matches(instance, kNow), expected) << drawn.text << " SCOUTLIGHT_SEED=" << seed;
      ASSERT_EQ(again->Matches(instance, kNow), expected) << filter->text() << " SCOUTLIGHT_SEED=" << seed;
    }
  }
  EXPECT_GT(held, 3000);
  EXPECT_LT(held, 27000);
}

// Garbage is refused with a place within it, or is a filter whose canonical text is one too.
TEST(FilterModel, GarbageDoesNoHarm) {
  const uint64_t seed = Seed();
  std::mt19937_64 random(seed);
  static const char* const kPieces[] = {"a",    "b.c", "and",  "or", "not", "in",   "matches",  "status", "health", "age", "(",
                                        ")",    ",",   "==",   "!=", "<",   ">=",   "=",        "\"",     "'",      "\\",  "1",
                                        "-2.5", "30s", "true", "UP", "\n",  "\xFF", "\xC3\xA9", "\"x\"",  "'y'",    "$",   "\0"};
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (uint64_t i = 0; i < random() % 24; ++i)
      absl::StrAppend(&text, kPieces[random() % std::size(kPieces)], random() % 3 == 0 ? "" : " ");
    const absl::StatusOr<Filter> filter = Filter::Parse(text, AgeTerms::kAllowed);
    if (filter.ok()) {
      ASSERT_EQ(Filter::Parse(filter->text(), AgeTerms::kAllowed)->text(), filter->text()) << text << " SCOUTLIGHT_SEED=" << seed;
      continue;
    }
    const std::optional<ErrorDetails> details = DetailsOf(filter.status());
    ASSERT_EQ(details->metadata.size(), 2u) << filter.status();
    ASSERT_LE(std::stoul(details->metadata[0].second), text.size()) << text << " SCOUTLIGHT_SEED=" << seed;
  }
}

}  // namespace
}  // namespace scoutlight::discovery
