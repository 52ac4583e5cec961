#include "discovery/filter/filter.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "discovery/filter/filter_node.h"
#include "discovery/filter/filter_parser.h"
#include "discovery/filter/filter_text.h"

namespace scoutlight::discovery {
namespace {

bool Holds(FilterOperator op, int order) {
  switch (op) {
    case FilterOperator::kLess:
      return order < 0;
    case FilterOperator::kLessOrEqual:
      return order <= 0;
    case FilterOperator::kGreater:
      return order > 0;
    case FilterOperator::kGreaterOrEqual:
      return order >= 0;
    default:
      return order == 0;
  }
}

template <typename T>
int Order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

bool TextHolds(const FilterNode& node, absl::string_view value) {
  if (node.op == FilterOperator::kMatches) return node.regex->Matches(value);
  std::optional<FilterNumber> number;  // Of `value`, once a literal asks.
  bool parsed = false;
  for (const FilterLiteral& literal : node.literals) {
    if (!literal.number.has_value()) {
      if (Holds(node.op, Order(value, absl::string_view(literal.text)))) return true;
      continue;
    }
    if (!std::exchange(parsed, true)) number = FilterNumber::Parse(value);
    if (number.has_value() && Holds(node.op, FilterNumber::Compare(*number, *literal.number))) return true;
  }
  return false;
}

// The text that a comparison looks at; nullopt: the property is missing, or it looks at `age`.
std::optional<absl::string_view> TextOf(const FilterNode& node, const Instance& instance) {
  switch (node.field) {
    case FilterField::kStatus:
      return StatusText(instance.status);
    case FilterField::kHealth:
      return HealthText(instance.health);
    case FilterField::kAge:
      return std::nullopt;
    case FilterField::kProperty:
      break;
  }
  const std::string* const value = FindProperty(instance.properties, node.property);
  return value == nullptr ? std::nullopt : std::optional<absl::string_view>(*value);
}

bool ComparisonHolds(const FilterNode& node, const Instance& instance, absl::Time now) {
  if (node.field == FilterField::kAge) return Holds(node.op, Order(now - instance.registered_at, node.literals.front().duration));
  const std::optional<absl::string_view> text = TextOf(node, instance);
  return text.has_value() && TextHolds(node, *text);
}

int64_t RegexWorkOf(const FilterNode& node, const Instance& instance) {
  int64_t work = 0;
  for (const FilterNode& child : node.children) work += RegexWorkOf(child, instance);
  if (!node.regex.has_value()) return work;
  return work + node.regex->instructions() * static_cast<int64_t>(TextOf(node, instance).value_or("").size());
}

bool NodeHolds(const FilterNode& node, const Instance& instance, absl::Time now) {
  const auto holds = [&](const FilterNode& child) { return NodeHolds(child, instance, now); };
  switch (node.kind) {
    case FilterKind::kComparison:
      return ComparisonHolds(node, instance, now);
    case FilterKind::kNot:
      return !holds(node.children.front());
    case FilterKind::kAnd:
      return std::all_of(node.children.begin(), node.children.end(), holds);
    case FilterKind::kOr:
      return std::any_of(node.children.begin(), node.children.end(), holds);
  }
  return false;
}

// The place of `offset` in characters, from 1. `text` is valid UTF-8 up to there.
int ColumnOf(absl::string_view text, size_t offset) {
  const absl::string_view before = text.substr(0, offset);
  return 1 + static_cast<int>(std::count_if(before.begin(), before.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

absl::Status MistakeError(absl::string_view text, const FilterMistake& mistake, absl::string_view field) {
  const int column = ColumnOf(text, mistake.offset);
  ErrorDetails details = {.reason = Reason::kInvalidField};
  details.violations = {{std::string(field), absl::StrCat("at column ", column, " (byte ", mistake.offset, "): ", mistake.message)}};
  details.metadata = {{"offset", absl::StrCat(mistake.offset)}, {"column", absl::StrCat(column)}};
  return MakeError(absl::StatusCode::kInvalidArgument, absl::StrCat(field, ": ", details.violations.front().description), details);
}

}  // namespace

absl::StatusOr<Filter> Filter::Parse(absl::string_view text, AgeTerms age, absl::string_view field) {
  if (text.size() > limits::kFilterBytesMax) {
    return InvalidField(Reason::kInvalidField, field,
                        absl::StrCat("is ", text.size(), " bytes long, at most ", limits::kFilterBytesMax, " are allowed"));
  }
  if (const std::optional<size_t> bad = FindInvalidUtf8(text); bad.has_value()) return MistakeError(text, {*bad, "no valid UTF-8"}, field);
  Filter filter;
  if (absl::StripAsciiWhitespace(text).empty()) return filter;
  FilterParser parser(text, age);
  std::optional<FilterNode> root = parser.Parse();
  if (!root.has_value()) return MistakeError(text, parser.mistake(), field);
  Canonicalize(&*root);
  filter.text_ = FilterText(*root);
  filter.uses_age_ = parser.uses_age();
  filter.regexes_ = parser.regexes();
  filter.root_ = std::make_shared<const FilterNode>(*std::move(root));
  return filter;
}

bool Filter::Matches(const Instance& instance, absl::Time now) const { return root_ == nullptr || NodeHolds(*root_, instance, now); }

int64_t Filter::RegexWork(const Instance& instance) const { return regexes_ == 0 ? 0 : RegexWorkOf(*root_, instance); }

}  // namespace scoutlight::discovery
