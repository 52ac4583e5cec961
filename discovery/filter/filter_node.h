#ifndef SCOUTLIGHT_DISCOVERY_FILTER_FILTER_NODE_H_
#define SCOUTLIGHT_DISCOVERY_FILTER_FILTER_NODE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "discovery/regex.h"

namespace scoutlight::discovery {

// A number of a filter or a property.
struct FilterNumber {
  double approximate = 0;
  std::optional<int64_t> exact;  // If it is an integer of 64 bits.

  // nullopt: `text` is no number.
  static std::optional<FilterNumber> Parse(absl::string_view text);

  // Negative, 0, positive; exact between integers.
  static int Compare(const FilterNumber& a, const FilterNumber& b);
};

struct FilterLiteral {
  std::string text;                    // Of a number or duration: its canonical form.
  std::optional<FilterNumber> number;  // Set: compared as a number.
  absl::Duration duration;             // For `age`.
};

enum class FilterField : uint8_t { kProperty, kStatus, kHealth, kAge };
// `==` is kIn of one literal; `!=` and `not in` are a negation above.
enum class FilterOperator : uint8_t { kIn, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kMatches };
enum class FilterKind : uint8_t { kComparison, kNot, kAnd, kOr };

// A node of a filter's tree. Children are at most limits::kFilterDepthMax deep.
struct FilterNode {
  FilterKind kind = FilterKind::kComparison;
  std::vector<FilterNode> children;  // kNot: one; kAnd, kOr: at least two.

  // Of a comparison.
  FilterField field = FilterField::kProperty;
  FilterOperator op = FilterOperator::kIn;
  std::string property;                 // Of kProperty.
  std::vector<FilterLiteral> literals;  // One, but for kIn; none for kMatches.
  std::optional<Regex> regex;           // Of kMatches.
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_FILTER_FILTER_NODE_H_
