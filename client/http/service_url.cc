#include "client/http/service_url.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/http_request.h"
#include "discovery/url.h"

namespace scoutlight::client {
namespace {

constexpr size_t kUrlBytesMax = kHttpTargetBytesMax + 1024;  // A service's name has at most 200 bytes, escaped three times that.

// `text` with its escapes resolved; nullopt: one is none.
std::optional<std::string> Unescape(absl::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size() || !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) ||
        !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]))) {
      return std::nullopt;
    }
    plain += absl::HexStringToBytes(text.substr(i + 1, 2));
    i += 2;
  }
  return plain;
}

// Servers resolve them, escaped ones too: a target would leave the path of its endpoint.
bool HasUpSegment(absl::string_view target) {
  if (!absl::StrContains(target, '.') && !absl::StrContains(target, '%')) return false;
  const absl::string_view path = target.substr(0, target.find('?'));
  const std::string plain = absl::StrReplaceAll(absl::AsciiStrToLower(path), {{"%2e", "."}, {"%2f", "/"}, {"%5c", "/"}, {"\\", "/"}});
  const std::vector<absl::string_view> segments = absl::StrSplit(plain, '/');
  return std::find(segments.begin(), segments.end(), "..") != segments.end();
}

}  // namespace

absl::StatusOr<ServiceTarget> ReadServiceUrl(absl::string_view url) {
  if (url.size() > kUrlBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("has ", url.size(), " bytes, at most ", kUrlBytesMax, " are allowed"));
  }
  const size_t separator = url.find("://");
  if (separator == absl::string_view::npos || !absl::EqualsIgnoreCase(url.substr(0, separator), kServiceScheme)) {
    return absl::InvalidArgumentError(absl::StrCat("does not begin with ", kServiceScheme, "://"));
  }
  url.remove_prefix(separator + 3);
  const size_t end = std::min(url.find_first_of("/?#"), url.size());
  const std::optional<std::string> service = Unescape(url.substr(0, end));
  if (!service.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("has a service with a % that begins no escape: \"", url.substr(0, end), "\""));
  }
  const absl::string_view rest = url.substr(end, url.find('#') - end);
  return ServiceTarget{*service, absl::StrCat(absl::StartsWith(rest, "/") ? "" : "/", rest)};
}

std::string TargetFault(absl::string_view target) {
  if (target.size() > kHttpTargetBytesMax) {
    return absl::StrCat("has ", target.size(), " bytes, at most ", kHttpTargetBytesMax, " are allowed");
  }
  if (!absl::StartsWith(target, "/")) return "does not begin with /";
  const auto bad = std::find_if(target.begin(), target.end(), [](unsigned char c) { return c <= ' ' || c > '~' || c == '#'; });
  if (bad != target.end()) return absl::StrCat("has a character at byte ", bad - target.begin(), " that must be escaped in a URL");
  if (HasUpSegment(target)) return "has a segment `..`";
  return "";
}

bool IsHttp(const discovery::Endpoint& endpoint) {
  const std::string& scheme = endpoint.url.scheme;
  return !endpoint.url.host.empty() && (scheme == "http" || scheme == "https" || scheme.empty());
}

std::optional<discovery::Endpoint> FirstHttpEndpoint(const discovery::Properties& properties) {
  discovery::Endpoints read = discovery::ReadEndpoints(properties);
  const auto found = std::find_if(read.endpoints.begin(), read.endpoints.end(), IsHttp);
  if (found == read.endpoints.end()) return std::nullopt;
  return std::move(*found);
}

std::string UrlAt(const discovery::Url& endpoint, absl::string_view target) {
  absl::string_view prefix = absl::string_view(endpoint.rest).substr(0, endpoint.rest.find_first_of("?#"));
  absl::ConsumeSuffix(&prefix, "/");
  const absl::string_view scheme = endpoint.scheme.empty() ? "http" : absl::string_view(endpoint.scheme);
  return absl::StrCat(scheme, "://", discovery::HostText(endpoint), prefix, target);
}

}  // namespace scoutlight::client
