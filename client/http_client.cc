#include "client/http_client.h"

#include <utility>

#include "base/clock.h"
#include "client/http/http_core.h"
#include "client/http/started_calls.h"
#include "client/wire/random_source.h"

namespace scoutlight {
namespace {

HttpRequest RequestOf(HttpMethod method, absl::string_view url) { return {.method = method, .url = std::string(url)}; }

HttpRequest RequestOf(HttpMethod method, absl::string_view url, std::string body, absl::string_view content_type) {
  HttpRequest request = RequestOf(method, url);
  request.headers.push_back({"Content-Type", std::string(content_type)});
  request.body = std::move(body);
  return request;
}

}  // namespace

void HttpCall::Cancel() { call_->Cancel(); }
void HttpCall::Resume() { call_->Resume(); }

absl::StatusOr<HttpClient> HttpClient::Open(Locator& locator, HttpClientOptions options) {
  if (absl::Status wrong = CheckOptions(options); !wrong.ok()) return wrong;
  const auto random = std::make_shared<client::RandomSource>();
  client::HttpCore::Parts parts = {.pick = [&locator](absl::string_view service, const ResolveOptions& resolve,
                                                      const PickOptions& pick) { return locator.TryResolve(service, resolve, pick); },
                                   .clock = &Clock::System(),
                                   .unit_random = [random] { return random->Unit(); }};
  return HttpClient(std::make_shared<client::HttpCore>(std::move(parts), std::move(options)));
}

HttpClient::HttpClient(std::shared_ptr<client::HttpCore> core) : core_(std::move(core)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&& other) noexcept {
  if (this == &other) return *this;
  if (core_ != nullptr) core_->Close();
  core_ = std::move(other.core_);
  return *this;
}
HttpClient::~HttpClient() {
  if (core_ != nullptr) core_->Close();
}

absl::StatusOr<HttpResponse> HttpClient::Call(HttpRequest request) {
  // The client may go meanwhile.
  const std::shared_ptr<client::HttpCore> core = core_;
  return core->Call(std::move(request));
}

absl::StatusOr<HttpCall> HttpClient::Start(HttpRequest request, HttpDone done) {
  absl::StatusOr<std::shared_ptr<client::StartedCall>> started = core_->Start(std::move(request), std::move(done));
  if (!started.ok()) return started.status();
  return HttpCall(*std::move(started));
}

absl::StatusOr<HttpResponse> HttpClient::Get(absl::string_view url) { return Call(RequestOf(HttpMethod::kGet, url)); }
absl::StatusOr<HttpResponse> HttpClient::Post(absl::string_view url, std::string body, absl::string_view content_type) {
  return Call(RequestOf(HttpMethod::kPost, url, std::move(body), content_type));
}
absl::StatusOr<HttpResponse> HttpClient::Put(absl::string_view url, std::string body, absl::string_view content_type) {
  return Call(RequestOf(HttpMethod::kPut, url, std::move(body), content_type));
}
absl::StatusOr<HttpResponse> HttpClient::Delete(absl::string_view url) { return Call(RequestOf(HttpMethod::kDelete, url)); }

}  // namespace scoutlight
