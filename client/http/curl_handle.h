#ifndef SCOUTLIGHT_CLIENT_HTTP_CURL_HANDLE_H_
#define SCOUTLIGHT_CLIENT_HTTP_CURL_HANDLE_H_

#include <curl/curl.h>

#include <array>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/connection_options.h"
#include "client/http/parsed_urls.h"
#include "client/http_client_options.h"
#include "client/http_transport.h"

namespace scoutlight::client {

struct CurlSettings {
  int idle_connections_max = 64;
  absl::Duration idle_timeout = absl::Seconds(30);
  HttpVersion version = HttpVersion::k11;
  HttpProxies proxies = HttpProxies::kNone;
  TlsCredentials tls;
};

// What libcurl calls while a handle's exchange is under way. Results as libcurl's of the option with that name.
class CurlCallbacks {
 public:
  virtual size_t OnHeaderLine(absl::string_view line) = 0;
  virtual size_t OnBytes(absl::string_view bytes) = 0;
  virtual size_t OnRead(absl::Span<char> out) = 0;
  virtual int OnSeek(curl_off_t offset, int origin) = 0;
  virtual int OnIssue() = 0;  // Connected; the request is sent next.

 protected:
  ~CurlCallbacks() = default;
};

// One `easy` of libcurl, set up once for what is the same of all exchanges. Not thread-safe.
class CurlHandle {
 public:
  // Null: no memory. `settings` outlive it.
  static std::unique_ptr<CurlHandle> Make(const CurlSettings& settings);
  ~CurlHandle();
  CurlHandle(const CurlHandle&) = delete;
  CurlHandle& operator=(const CurlHandle&) = delete;

  // Makes it ready for `request`, whose `body` and `source` are libcurl's until Clear(). Errors as those of ParsedUrls.
  absl::Status Set(const HttpExchangeRequest& request, ParsedUrls* urls, CurlCallbacks* callbacks);
  void Clear();

  CURL* easy() const { return easy_; }
  CurlCallbacks* callbacks() const { return callbacks_; }
  // What libcurl says of the last error; may be empty.
  absl::string_view error() const { return error_.data(); }

 private:
  CurlHandle(const CurlSettings& settings, CURL* easy) : settings_(settings), easy_(easy) {}

  bool SetUp();
  absl::Status SetUrl(const std::string& url, ParsedUrls* urls);
  bool SetTimes(const HttpExchangeRequest& request);
  bool SetMethod(const HttpExchangeRequest& request);
  bool SetBody(const HttpExchangeRequest& request);
  bool DropFields();
  bool SetHeaders(const HttpExchangeRequest& request);
  template <typename Value>
  bool Option(CURLoption option, Value value) {
    return curl_easy_setopt(easy_, option, value) == CURLE_OK;
  }
  // Of one that was last set to `*last`.
  bool Change(CURLoption option, long value, long* last) {
    if (value == *last) return true;
    if (!Option(option, value)) return false;
    *last = value;
    return true;
  }

  const CurlSettings& settings_;
  CURL* const easy_;
  CurlCallbacks* callbacks_ = nullptr;
  curl_slist* headers_ = nullptr;
  // What it was last set to; setting the same again is left out.
  std::shared_ptr<CURLU> url_;
  bool is_plain_get_ = false;
  bool has_fields_ = false;
  long connect_ms_ = -1;
  long idle_s_ = -1;
  std::array<char, CURL_ERROR_SIZE> error_ = {};
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_CURL_HANDLE_H_
