// Filters: what must hold of every text that is one, and of every text that is none. Input: the text.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/filter/filter.h"
#include "discovery/instance.h"
#include "tests/fuzz/fuzz_target.h"

namespace scoutlight::fuzz {
namespace {

using discovery::AgeTerms;
using discovery::Filter;
using discovery::Instance;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// Few, with values that texts of the corpus speak of.
std::vector<Instance> MakeInstances() {
  std::vector<Instance> instances(5);
  instances[1].properties = {{"a", "1"}, {"b.c", "x"}, {"zone", "eu"}};
  instances[2].properties = {{"a", "10"}, {"b.c", ""}, {"zone", "us"}, {"version", "2.10"}};
  instances[3].properties = {{"a", "-0.5"}, {"b.c", "xy"}, {"age", "7"}, {"not", "true"}};
  instances[4].properties = {{"a", "9223372036854775807"}, {"zone", "\xC3\xA9"}, {"status", "UP"}};
  instances[1].status = discovery::Status::kDraining;
  instances[2].health = discovery::Health::kWarning;
  instances[3].registered_at = kNow - absl::Minutes(90);
  instances[4].registered_at = kNow;
  return instances;
}

const std::vector<Instance>& Instances() {
  static const auto& instances = *new std::vector<Instance>(MakeInstances());
  return instances;
}

void RequireRefusal(const absl::Status& status, absl::string_view text) {
  Require(status.code() == absl::StatusCode::kInvalidArgument, status.ToString());
  const std::optional<ErrorDetails> details = DetailsOf(status);
  Require(details.has_value() && details->violations.size() == 1 && details->violations[0].field == "filter", status.ToString());
  for (const auto& [name, value] : details->metadata) {
    size_t place = 0;
    Require((name == "offset" || name == "column") && absl::SimpleAtoi(value, &place), name, " is ", value);
    Require(place <= text.size() + (name == "column" ? 1 : 0), name, " ", value, " lies behind the text");
  }
}

// `other` chooses what `filter` does, or, with `opposite`, what it does not.
void CompareChoices(const Filter& filter, const Filter& other, bool opposite) {
  for (const Instance& instance : Instances()) {
    Require((filter.Matches(instance, kNow) != other.Matches(instance, kNow)) == opposite, "\"", filter.text(), "\" and \"", other.text(),
            "\" ", opposite ? "agree" : "disagree");
  }
}

// What a filter stays in other words, as long as those are within the bounds.
void CompareForms(const Filter& filter, absl::string_view text) {
  const std::string in = absl::StrCat("(", text, ")");
  for (const std::string& same : {in, absl::StrCat("not not ", in), absl::StrCat(in, " and ", in), absl::StrCat(in, "or", in)}) {
    const absl::StatusOr<Filter> other = Filter::Parse(same, AgeTerms::kAllowed);
    if (!other.ok()) continue;
    Require(*other == filter, "canonical text \"", filter.text(), "\", in other words \"", other->text(), "\"");
    CompareChoices(filter, *other, /*opposite=*/false);
  }
  const absl::StatusOr<Filter> negation = Filter::Parse(absl::StrCat("not ", in), AgeTerms::kAllowed);
  if (negation.ok()) CompareChoices(filter, *negation, /*opposite=*/true);
}

}  // namespace

void FuzzFilter(absl::string_view bytes) {
  const absl::StatusOr<Filter> filter = Filter::Parse(bytes, AgeTerms::kAllowed);
  const absl::StatusOr<Filter> ageless = Filter::Parse(bytes, AgeTerms::kRefused);
  Require(ageless.ok() == (filter.ok() && !filter->uses_age()), "age is allowed where it may change answers, and nowhere else");
  if (!filter.ok()) return RequireRefusal(filter.status(), bytes);
  Require(filter->regexes() <= limits::kFilterRegexesMax, "regular expressions are bounded");
  if (filter->text().empty()) {
    for (const Instance& instance : Instances()) Require(filter->Matches(instance, kNow), "blank text chooses every instance");
    return;
  }
  if (filter->text().size() <= limits::kFilterBytesMax) {
    const absl::StatusOr<Filter> again = Filter::Parse(filter->text(), AgeTerms::kAllowed);
    Require(again.ok(), "canonical text \"", filter->text(), "\" is refused: ", again.status().ToString());
    Require(*again == *filter, "canonical text \"", filter->text(), "\" has another: \"", again->text(), "\"");
    CompareChoices(*filter, *again, /*opposite=*/false);
  }
  CompareForms(*filter, bytes);
}

}  // namespace scoutlight::fuzz
