#ifndef SCOUTLIGHT_DISCOVERY_PROPERTY_TYPE_H_
#define SCOUTLIGHT_DISCOVERY_PROPERTY_TYPE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace scoutlight::discovery {

// What the text of a property must be.
enum class PropertyType : uint8_t {
  kString,    // Anything.
  kInteger,   // Decimal, 64 bits: `-7`.
  kNumber,    // A decimal number within the range of a double: `0.5`, `1e9`.
  kBoolean,   // `true` or `false`.
  kEnum,      // One of the values that the definition lists.
  kHost,      // See url.h.
  kPort,      // 1..65535.
  kUrl,       // See url.h.
  kDuration,  // `30s`, `1h30m`, `-1.5ms`, `0`; finite.
};

// "string", "integer", ... as in schema documents. The parser takes exactly these.
absl::string_view PropertyTypeText(PropertyType type);
std::optional<PropertyType> ParsePropertyType(absl::string_view text);
// All of them, for people: "string, integer, ...".
std::string PropertyTypeNames();

// The readings of a text; nullopt: it is none. No blanks, no leading `+`. Thread-safe.
std::optional<int64_t> ParseInteger(absl::string_view text);
std::optional<double> ParseNumber(absl::string_view text);
std::optional<absl::Duration> ParseFiniteDuration(absl::string_view text);

// Why `text` is none of `type`, in words that go on after the property's name; empty: it is one. Of kEnum it says nothing. Thread-safe.
std::string TypeFault(PropertyType type, absl::string_view text);

// Whether values of `type` have an order, and so a range: integer, number, port, duration.
bool IsOrdered(PropertyType type);

// The order of two values of an ordered `type`: negative, 0, positive. Both are values of it.
int CompareOrdered(PropertyType type, absl::string_view a, absl::string_view b);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_PROPERTY_TYPE_H_
