#include "discovery/filter/filter_node.h"

#include <cmath>

#include "discovery/property_type.h"

namespace scoutlight::discovery {

std::optional<FilterNumber> FilterNumber::Parse(absl::string_view text) {
  if (const std::optional<int64_t> exact = ParseInteger(text); exact.has_value()) return FilterNumber{static_cast<double>(*exact), exact};
  const std::optional<double> number = ParseNumber(text);
  if (!number.has_value()) return std::nullopt;
  // Up to here a double holds every integer, so 1.0 and 1e3 are the integers that they look like.
  constexpr double kExactMax = 9007199254740992.0;
  if (std::abs(*number) <= kExactMax && *number == std::floor(*number)) return FilterNumber{*number, static_cast<int64_t>(*number)};
  return FilterNumber{*number, std::nullopt};
}

int FilterNumber::Compare(const FilterNumber& a, const FilterNumber& b) {
  if (a.exact.has_value() && b.exact.has_value()) return *a.exact < *b.exact ? -1 : *a.exact > *b.exact;
  return a.approximate < b.approximate ? -1 : a.approximate > b.approximate;
}

}  // namespace scoutlight::discovery
