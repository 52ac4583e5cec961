#include "client/http/parsed_urls.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"

namespace scoutlight::client {
namespace {

// As libcurl parses a CURLOPT_URL with CURLOPT_PATH_AS_IS.
constexpr unsigned kFlags = CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS;

// libcurl 7.88 forgets it when it copies a parsed URL for a transfer.
bool HasZone(CURLU* url) {
  char* zone = nullptr;
  const bool has = curl_url_get(url, CURLUPART_ZONEID, &zone, 0) == CURLUE_OK;
  curl_free(zone);
  return has;
}

}  // namespace

absl::StatusOr<std::shared_ptr<CURLU>> ParsedUrls::Parse(const std::string& url) {
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&url](const Parsed& parsed) { return parsed.text == url; });
  if (found != kept_.end()) {
    std::rotate(kept_.begin(), found, found + 1);
    return kept_.front().url;
  }
  std::shared_ptr<CURLU> parsed(curl_url(), &curl_url_cleanup);
  const CURLUcode code = parsed == nullptr ? CURLUE_OUT_OF_MEMORY : curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), kFlags);
  if (code == CURLUE_OUT_OF_MEMORY) return absl::ResourceExhaustedError("libcurl has no memory for a URL");
  if (code != CURLUE_OK) return absl::UnavailableError(curl_url_strerror(code));
  if (HasZone(parsed.get())) return absl::UnavailableError("the zone of an IPv6 address is not supported");
  if (kept_.size() == kKeptMax) kept_.pop_back();
  kept_.insert(kept_.begin(), {.text = url, .url = parsed});
  return parsed;
}

}  // namespace scoutlight::client
