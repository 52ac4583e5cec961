#ifndef SCOUTLIGHT_CLIENT_HTTP_CURL_TRANSPORT_H_
#define SCOUTLIGHT_CLIENT_HTTP_CURL_TRANSPORT_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/http/curl_handle.h"
#include "client/http/parsed_urls.h"
#include "client/http_transport.h"

namespace scoutlight::client {

// Exchanges over one `multi` of libcurl: one connection cache, in one thread at a time. Connections that a server has closed meanwhile are
// noticed when one is looked for. Names are resolved in threads of libcurl, for which a cancelled exchange does not wait.
class CurlTransport final : public HttpTransport {
 public:
  // Handles without an exchange that are kept.
  static constexpr size_t kHandlesKept = 32;

  // kResourceExhausted: libcurl has no memory, or no descriptors.
  static absl::StatusOr<std::unique_ptr<HttpTransport>> Make(std::shared_ptr<const CurlSettings> settings);
  ~CurlTransport() override;

  std::unique_ptr<HttpExchange> Begin(HttpExchangeRequest request, HttpExchangeEvents* events) override;
  void Poll(absl::Duration timeout) override;
  void Wake() override;

 private:
  class Exchange;

  CurlTransport(std::shared_ptr<const CurlSettings> settings, CURLM* multi);

  std::unique_ptr<CurlHandle> TakeHandle();
  // Whether any ended.
  bool TellEnds();

  const std::shared_ptr<const CurlSettings> settings_;
  CURLM* const multi_;
  ParsedUrls urls_;
  std::vector<std::unique_ptr<CurlHandle>> free_;
  std::vector<Exchange*> failed_;  // That could not begin, or ended in Resume(): told by the next Poll().
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_CURL_TRANSPORT_H_
