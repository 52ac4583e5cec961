#ifndef SCOUTLIGHT_CLIENT_HTTP_PARSED_URLS_H_
#define SCOUTLIGHT_CLIENT_HTTP_PARSED_URLS_H_

#include <curl/curl.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace scoutlight::client {

// URLs that libcurl need not parse again: those that were asked for last. Not thread-safe.
class ParsedUrls {
 public:
  static constexpr size_t kKeptMax = 16;

  // Never changed; whoever has set it as CURLOPT_CURLU holds it. kUnavailable: libcurl takes it for no URL, or it has
  // the zone of an IPv6 address. kResourceExhausted: no memory.
  absl::StatusOr<std::shared_ptr<CURLU>> Parse(const std::string& url);

 private:
  struct Parsed {
    std::string text;
    std::shared_ptr<CURLU> url;
  };

  std::vector<Parsed> kept_;  // In order of use, the last used first.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_PARSED_URLS_H_
