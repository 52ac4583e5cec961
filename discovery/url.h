#ifndef SCOUTLIGHT_DISCOVERY_URL_H_
#define SCOUTLIGHT_DISCOVERY_URL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace scoutlight::discovery {

// A port is 1..65535; 0 stands for none.
inline constexpr int kPortMax = 65'535;

// An absolute URL, in parts (RFC 3986, without user names: a registry is no place for credentials).
struct Url {
  std::string scheme;  // In lower case.
  std::string host;    // An IPv6 address without brackets; empty where the URL names a place on this machine (`ipc:///run/x`).
  int port = 0;        // 0: the URL names none.
  std::string rest;    // Path, query and fragment: `/x?y#z`; may be empty.

  friend bool operator==(const Url&, const Url&) = default;
};

// Whether `text` is a DNS name (at most 253 bytes, labels of letters, digits, `-` and `_` of at most 63; one dot may end it), an IPv4
// or an IPv6 address, the latter with or without brackets. Thread-safe.
bool IsHost(absl::string_view text);

// A decimal number 1..65535 without sign and leading zeros; 0: `text` is none. Thread-safe.
int ParsePort(absl::string_view text);

// Reads `scheme://host[:port][rest]` of at most limits::kUrlBytesMax bytes, printable ASCII; without host only with a path.
// kInvalidArgument with what is wrong, in words that go on after the field's name. Thread-safe.
absl::StatusOr<Url> ParseUrl(absl::string_view text);

// `host[:port]`, an IPv6 address in brackets. Thread-safe, as the next.
std::string HostText(const Url& url);

// The text of `url`: ParseUrl of it gives `url` again.
std::string UrlText(const Url& url);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_URL_H_
