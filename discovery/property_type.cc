#include "discovery/property_type.h"

#include <charconv>
#include <system_error>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/shown.h"
#include "discovery/names.h"
#include "discovery/url.h"

namespace scoutlight::discovery {
namespace {

struct NamedType {
  PropertyType type;
  absl::string_view text;
};

constexpr NamedType kTypes[] = {
    {PropertyType::kString, "string"},   {PropertyType::kInteger, "integer"}, {PropertyType::kNumber, "number"},
    {PropertyType::kBoolean, "boolean"}, {PropertyType::kEnum, "enum"},       {PropertyType::kHost, "host"},
    {PropertyType::kPort, "port"},       {PropertyType::kUrl, "url"},         {PropertyType::kDuration, "duration"},
};

template <typename T>
int Sign(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

// Whether `text` begins as a number is written: a digit, behind at most one minus. Keeps blanks, `+`, "inf" and "nan" out.
bool BeginsAsNumber(absl::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return !text.empty() && absl::ascii_isdigit(static_cast<unsigned char>(text.front()));
}

// All of `text` as a number of type T; nullopt: it is none, or out of range.
template <typename T>
std::optional<T> ParseAll(absl::string_view text) {
  T value = 0;
  if (!BeginsAsNumber(text)) return std::nullopt;
  const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string NoneFault(absl::string_view text, absl::string_view wanted) {
  return absl::StrCat("is ", Shown(text), ", ", wanted, " is wanted");
}

}  // namespace

absl::string_view PropertyTypeText(PropertyType type) {
  for (const NamedType& named : kTypes) {
    if (named.type == type) return named.text;
  }
  return "";
}

std::string PropertyTypeNames() {
  return absl::StrJoin(kTypes, ", ", [](std::string* out, const NamedType& named) { absl::StrAppend(out, named.text); });
}

std::optional<PropertyType> ParsePropertyType(absl::string_view text) {
  for (const NamedType& named : kTypes) {
    if (named.text == text) return named.type;
  }
  return std::nullopt;
}

std::optional<int64_t> ParseInteger(absl::string_view text) { return ParseAll<int64_t>(text); }

std::optional<double> ParseNumber(absl::string_view text) { return ParseAll<double>(text); }

std::optional<absl::Duration> ParseFiniteDuration(absl::string_view text) {
  absl::Duration value;
  if (!BeginsAsNumber(text) || !absl::ParseDuration(text, &value)) return std::nullopt;
  if (value == absl::InfiniteDuration() || value == -absl::InfiniteDuration()) return std::nullopt;
  return value;
}

std::string TypeFault(PropertyType type, absl::string_view text) {
  switch (type) {
    case PropertyType::kString:
    case PropertyType::kEnum:
      return "";
    case PropertyType::kInteger:
      return ParseInteger(text).has_value() ? "" : NoneFault(text, "an integer of 64 bits");
    case PropertyType::kNumber:
      return ParseNumber(text).has_value() ? "" : NoneFault(text, "a finite number");
    case PropertyType::kBoolean:
      return text == "true" || text == "false" ? "" : NoneFault(text, "true or false");
    case PropertyType::kHost:
      return IsHost(text) ? "" : NoneFault(text, "a host name or IP address");
    case PropertyType::kPort:
      return ParsePort(text) != 0 ? "" : NoneFault(text, "a port, 1 to 65535,");
    case PropertyType::kUrl: {
      const absl::StatusOr<Url> url = ParseUrl(text);
      return url.ok() ? "" : absl::StrCat(url.status().message(), "; a URL is wanted");
    }
    case PropertyType::kDuration:
      return ParseFiniteDuration(text).has_value() ? "" : NoneFault(text, "a duration, such as 30s,");
  }
  return "is of an unknown type";
}

bool IsOrdered(PropertyType type) {
  return type == PropertyType::kInteger || type == PropertyType::kNumber || type == PropertyType::kPort || type == PropertyType::kDuration;
}

int CompareOrdered(PropertyType type, absl::string_view a, absl::string_view b) {
  switch (type) {
    case PropertyType::kInteger:
      return Sign(*ParseInteger(a), *ParseInteger(b));
    case PropertyType::kNumber:
      return Sign(*ParseNumber(a), *ParseNumber(b));
    case PropertyType::kPort:
      return Sign(ParsePort(a), ParsePort(b));
    case PropertyType::kDuration:
      return Sign(*ParseFiniteDuration(a), *ParseFiniteDuration(b));
    default:
      return 0;
  }
}

}  // namespace scoutlight::discovery
