#include "discovery/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/limits.h"

namespace scoutlight::discovery {
namespace {

bool IsAddress(int family, absl::string_view text) {
  unsigned char address[sizeof(in6_addr)];
  return text.size() < INET6_ADDRSTRLEN && inet_pton(family, std::string(text).c_str(), address) == 1;
}

bool IsLabel(absl::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(), [](unsigned char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_'; });
}

bool IsDnsName(absl::string_view text) {
  absl::ConsumeSuffix(&text, ".");
  if (text.empty() || text.size() > 253) return false;
  const std::vector<absl::string_view> labels = absl::StrSplit(text, '.');
  // A last label of digits alone is a mistyped IPv4 address (RFC 3696, section 2).
  if (std::all_of(labels.back().begin(), labels.back().end(), [](unsigned char c) { return absl::ascii_isdigit(c); })) return false;
  return std::all_of(labels.begin(), labels.end(), IsLabel);
}

bool IsScheme(absl::string_view text) {
  if (text.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(text.front()))) return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {  //
    return absl::ascii_isalnum(c) || c == '+' || c == '-' || c == '.';
  });
}

absl::Status Wrong(absl::string_view message) { return absl::InvalidArgumentError(message); }

// Fills host and port of `url` from `authority`, host[:port].
absl::Status ReadAuthority(absl::string_view authority, Url* url) {
  if (absl::StrContains(authority, '@')) return Wrong("names a user, which is not allowed");
  const size_t bracket = authority.find(']');
  const size_t colon = authority.find(':', bracket == absl::string_view::npos ? 0 : bracket);
  absl::string_view host = authority.substr(0, colon);
  const bool bracketed = absl::StartsWith(host, "[");
  if (!IsHost(host) || (!bracketed && absl::StrContains(host, ':'))) return Wrong(absl::StrCat("has no valid host: \"", host, "\""));
  if (colon != absl::string_view::npos) {
    const absl::string_view port = authority.substr(colon + 1);
    url->port = ParsePort(port);
    if (url->port == 0) return Wrong(absl::StrCat("has the port \"", port, "\", 1 to 65535 are allowed"));
  }
  if (bracketed) host = host.substr(1, host.size() - 2);
  url->host = std::string(host);
  return absl::OkStatus();
}

}  // namespace

bool IsHost(absl::string_view text) {
  if (absl::StartsWith(text, "[")) return absl::EndsWith(text, "]") && IsAddress(AF_INET6, text.substr(1, text.size() - 2));
  return IsDnsName(text) || IsAddress(AF_INET, text) || IsAddress(AF_INET6, text);
}

int ParsePort(absl::string_view text) {
  if (text.empty() || text.size() > 5 || text.front() == '0') return 0;
  if (!std::all_of(text.begin(), text.end(), [](unsigned char c) { return absl::ascii_isdigit(c); })) return 0;
  int port = 0;
  return absl::SimpleAtoi(text, &port) && port <= kPortMax ? port : 0;
}

absl::StatusOr<Url> ParseUrl(absl::string_view text) {
  if (text.size() > limits::kUrlBytesMax) {
    return Wrong(absl::StrCat("is ", text.size(), " bytes long, at most ", limits::kUrlBytesMax, " are allowed"));
  }
  const auto bad = std::find_if(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c > '~'; });
  if (bad != text.end()) return Wrong(absl::StrCat("has a character at byte ", bad - text.begin(), " that must be escaped in a URL"));
  const size_t separator = text.find("://");
  if (separator == absl::string_view::npos || !IsScheme(text.substr(0, separator))) {
    return Wrong("does not begin with a scheme, such as https://");
  }
  Url url = {.scheme = absl::AsciiStrToLower(text.substr(0, separator))};
  text.remove_prefix(separator + 3);
  const size_t end = std::min(text.find_first_of("/?#"), text.size());
  const absl::string_view authority = text.substr(0, end);
  url.rest = std::string(text.substr(end));
  if (authority.empty()) {
    if (!absl::StartsWith(url.rest, "/")) return Wrong("has neither host nor path");
    return url;
  }
  if (absl::Status status = ReadAuthority(authority, &url); !status.ok()) return status;
  return url;
}

std::string HostText(const Url& url) {
  const bool brackets = absl::StrContains(url.host, ':');
  const absl::AlphaNum port(url.port);
  return absl::StrCat(brackets ? "[" : "", url.host, brackets ? "]" : "", url.port != 0 ? ":" : "", url.port != 0 ? port.Piece() : "");
}

std::string UrlText(const Url& url) { return absl::StrCat(url.scheme, "://", HostText(url), url.rest); }

}  // namespace scoutlight::discovery
