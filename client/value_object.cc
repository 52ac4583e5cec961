#include "client/value_object.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/shown.h"
#include "discovery/property_type.h"

namespace scoutlight::client {
namespace {

using discovery::PropertyType;

template <typename Number>
std::string ShortestText(Number number) {
  char text[64];
  const std::to_chars_result end = std::to_chars(text, text + sizeof(text), number);
  return std::string(text, end.ptr);
}

std::string Outside(absl::string_view text, const std::string& min, const std::string& max) {
  return absl::StrCat("is ", Shown(text), ", must be from ", min, " to ", max);
}

}  // namespace

std::string WriteText(bool value) { return value ? "true" : "false"; }
std::string WriteText(int64_t value) { return absl::StrCat(value); }
std::string WriteText(uint64_t value) { return absl::StrCat(value); }
std::string WriteText(double value) { return ShortestText(value); }
std::string WriteText(float value) { return ShortestText(value); }
std::string WriteText(absl::Duration value) { return absl::FormatDuration(value); }

std::string ReadText(absl::string_view text, bool* value) {
  *value = text == "true";
  return discovery::TypeFault(PropertyType::kBoolean, text);
}

std::string ReadText(absl::string_view text, double* value) {
  const std::optional<double> read = discovery::ParseNumber(text);
  *value = read.value_or(0);
  return discovery::TypeFault(PropertyType::kNumber, text);
}

std::string ReadText(absl::string_view text, float* value) {
  double read = 0;
  std::string fault = ReadText(text, &read);
  // The nearest float, straight from the text: by way of a double it could be another one.
  const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), *value);
  if (fault.empty() && end.ec != std::errc()) {
    fault = Outside(text, ShortestText(std::numeric_limits<float>::lowest()), ShortestText(std::numeric_limits<float>::max()));
  }
  return fault;
}

std::string ReadText(absl::string_view text, absl::Duration* value) {
  *value = discovery::ParseFiniteDuration(text).value_or(absl::ZeroDuration());
  return discovery::TypeFault(PropertyType::kDuration, text);
}

std::string ReadText(absl::string_view text, std::string* value) {
  *value = std::string(text);
  return "";
}

std::string ReadInteger(absl::string_view text, int64_t min, int64_t max, int64_t* value) {
  const std::optional<int64_t> read = discovery::ParseInteger(text);
  if (!read.has_value()) return discovery::TypeFault(PropertyType::kInteger, text);
  *value = *read;
  return *read < min || *read > max ? Outside(text, absl::StrCat(min), absl::StrCat(max)) : "";
}

std::string ReadInteger(absl::string_view text, uint64_t max, uint64_t* value) {
  const bool is_digits = !text.empty() && text.find_first_not_of("0123456789") == absl::string_view::npos;
  const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), *value);
  if (is_digits && end.ec == std::errc() && *value <= max) return "";
  if (is_digits || discovery::ParseInteger(text).has_value()) return Outside(text, "0", absl::StrCat(max));
  return discovery::TypeFault(PropertyType::kInteger, text);
}

std::string Unwritable(double value) { return std::isfinite(value) ? "" : absl::StrCat("is ", value, ", a finite number is wanted"); }

std::string Unwritable(absl::Duration value) {
  const bool is_finite = value != absl::InfiniteDuration() && value != -absl::InfiniteDuration();
  return is_finite ? "" : absl::StrCat("is ", absl::FormatDuration(value), ", a finite duration is wanted");
}

std::string UnnamedValue(int64_t value) { return absl::StrCat("is the value ", value, ", which has no name"); }

std::string UnknownName(absl::string_view text, const std::vector<absl::string_view>& names) {
  return absl::StrCat("is ", Shown(text), ", one of ", absl::StrJoin(names, ", "), " is wanted");
}

}  // namespace scoutlight::client
