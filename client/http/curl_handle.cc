#include "client/http/curl_handle.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"

namespace scoutlight::client {
namespace {

CurlCallbacks* CallbacksOf(void* handle) { return static_cast<CurlHandle*>(handle)->callbacks(); }

size_t HeaderCallback(char* data, size_t size, size_t count, void* handle) {
  return CallbacksOf(handle)->OnHeaderLine({data, size * count});
}
size_t WriteCallback(char* data, size_t size, size_t count, void* handle) { return CallbacksOf(handle)->OnBytes({data, size * count}); }
size_t ReadCallback(char* data, size_t size, size_t count, void* handle) {
  return CallbacksOf(handle)->OnRead(absl::MakeSpan(data, size * count));
}
int SeekCallback(void* handle, curl_off_t offset, int origin) { return CallbacksOf(handle)->OnSeek(offset, origin); }
int PrereqCallback(void* handle, char*, char*, int, int) { return CallbacksOf(handle)->OnIssue(); }

bool SetPem(CURL* easy, CURLoption option, const std::string& pem) {
  if (pem.empty()) return true;
  curl_blob blob = {.data = const_cast<char*>(pem.data()), .len = pem.size(), .flags = CURL_BLOB_NOCOPY};
  return curl_easy_setopt(easy, option, &blob) == CURLE_OK;
}

absl::Status NoMemoryForRequest() { return absl::ResourceExhaustedError("libcurl has no memory for a request"); }

bool HasBody(const HttpExchangeRequest& request) {
  if (request.source != nullptr || !request.body.empty()) return true;
  // Servers expect a length of these.
  return request.method == HttpMethod::kPost || request.method == HttpMethod::kPut || request.method == HttpMethod::kPatch;
}

}  // namespace

std::unique_ptr<CurlHandle> CurlHandle::Make(const CurlSettings& settings) {
  CURL* const easy = curl_easy_init();
  if (easy == nullptr) return nullptr;
  std::unique_ptr<CurlHandle> handle(new CurlHandle(settings, easy));
  return handle->SetUp() ? std::move(handle) : nullptr;
}

CurlHandle::~CurlHandle() {
  Clear();
  curl_easy_cleanup(easy_);
}

bool CurlHandle::SetUp() {
  const bool http2 = settings_.version == HttpVersion::k2OverTls;
  bool set = Option(CURLOPT_NOSIGNAL, 1L) && Option(CURLOPT_QUICK_EXIT, 1L) && Option(CURLOPT_ERRORBUFFER, error_.data()) &&
             Option(CURLOPT_PRIVATE, this) && Option(CURLOPT_HEADERFUNCTION, &HeaderCallback) && Option(CURLOPT_HEADERDATA, this) &&
             Option(CURLOPT_WRITEFUNCTION, &WriteCallback) && Option(CURLOPT_WRITEDATA, this) &&
             Option(CURLOPT_READFUNCTION, &ReadCallback) && Option(CURLOPT_READDATA, this) && Option(CURLOPT_SEEKFUNCTION, &SeekCallback) &&
             Option(CURLOPT_SEEKDATA, this) && Option(CURLOPT_PREREQFUNCTION, &PrereqCallback) && Option(CURLOPT_PREREQDATA, this);
  set = set && Option(CURLOPT_PROTOCOLS_STR, "http,https") && Option(CURLOPT_PATH_AS_IS, 1L) && Option(CURLOPT_TCP_KEEPALIVE, 1L) &&
        Option(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) &&
        Option(CURLOPT_HTTP_VERSION, static_cast<long>(http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)) &&
        Option(CURLOPT_PIPEWAIT, http2 ? 1L : 0L);
  if (settings_.idle_connections_max == 0) set = set && Option(CURLOPT_FORBID_REUSE, 1L);
  // Without the latter libcurl looks for no_proxy in the environment at each transfer.
  if (settings_.proxies == HttpProxies::kNone) set = set && Option(CURLOPT_PROXY, "") && Option(CURLOPT_NOPROXY, "*");
  return set && SetPem(easy_, CURLOPT_CAINFO_BLOB, settings_.tls.root_ca) &&
         SetPem(easy_, CURLOPT_SSLCERT_BLOB, settings_.tls.certificate_chain) &&
         SetPem(easy_, CURLOPT_SSLKEY_BLOB, settings_.tls.private_key);
}

bool CurlHandle::SetMethod(const HttpExchangeRequest& request) {
  const bool is_plain_get = request.method == HttpMethod::kGet && !HasBody(request);
  if (is_plain_get && is_plain_get_) return true;
  // Takes back what the one before has set.
  is_plain_get_ = false;
  if (!Option(CURLOPT_CUSTOMREQUEST, static_cast<char*>(nullptr)) || !DropFields() || !Option(CURLOPT_HTTPGET, 1L)) return false;
  is_plain_get_ = is_plain_get;
  if (request.method == HttpMethod::kHead) return Option(CURLOPT_NOBODY, 1L);
  if (HasBody(request) && !SetBody(request)) return false;
  // An upload is a PUT by itself, other bodies are a POST.
  if (request.method == HttpMethod::kGet) return true;
  return Option(CURLOPT_CUSTOMREQUEST, std::string(MethodText(request.method)).c_str());
}

bool CurlHandle::SetBody(const HttpExchangeRequest& request) {
  if (request.source != nullptr) {
    return Option(CURLOPT_UPLOAD, 1L) && Option(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.source->length().value_or(-1)));
  }
  // An empty one may have no address; libcurl would ask the read function then.
  const char* const bytes = request.body.empty() ? "" : request.body.data();
  has_fields_ = true;
  return Option(CURLOPT_POST, 1L) && Option(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size())) &&
         Option(CURLOPT_POSTFIELDS, bytes);
}

// libcurl takes fields that are set for the body of any method when it sends a request once more, and does not ask a source to begin anew.
bool CurlHandle::DropFields() { return !std::exchange(has_fields_, false) || Option(CURLOPT_POSTFIELDS, static_cast<char*>(nullptr)); }

bool CurlHandle::SetHeaders(const HttpExchangeRequest& request) {
  const auto add = [this](const std::string& line) {
    curl_slist* const longer = curl_slist_append(headers_, line.c_str());
    if (longer == nullptr) return false;
    headers_ = longer;
    return true;
  };
  for (const HttpHeader& header : request.headers) {
    // Without a value, libcurl takes a colon for an order to leave its own out.
    if (!add(header.value.empty() ? absl::StrCat(header.name, ";") : absl::StrCat(header.name, ": ", header.value))) return false;
  }
  if (HasBody(request)) {
    if (!add("Expect:")) return false;
    if (FindHeader(request.headers, "Content-Type") == nullptr && !add("Content-Type:")) return false;
  }
  // Without any, there are none: Clear() has seen to that.
  return headers_ == nullptr || Option(CURLOPT_HTTPHEADER, headers_);
}

bool CurlHandle::SetTimes(const HttpExchangeRequest& request) {
  const absl::Duration idle = request.repeatable ? settings_.idle_timeout : std::min(settings_.idle_timeout, kHttpIdleUnsafeMax);
  const int64_t connect_ms = absl::ToInt64Milliseconds(std::clamp(request.connect_timeout, absl::Milliseconds(1), absl::Hours(1)));
  return Change(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_ms), &connect_ms_) &&
         Change(CURLOPT_MAXAGE_CONN, static_cast<long>(absl::ToInt64Seconds(idle)), &idle_s_);
}

absl::Status CurlHandle::SetUrl(const std::string& url, ParsedUrls* urls) {
  absl::StatusOr<std::shared_ptr<CURLU>> parsed = urls->Parse(url);
  if (!parsed.ok()) return parsed.status();
  if (*parsed == url_) return absl::OkStatus();
  // libcurl keeps the text of a parsed URL, whichever it is given next, until it is given a text, or none.
  if (!Option(CURLOPT_URL, static_cast<char*>(nullptr)) || !Option(CURLOPT_CURLU, parsed->get())) return NoMemoryForRequest();
  url_ = *std::move(parsed);
  return absl::OkStatus();
}

absl::Status CurlHandle::Set(const HttpExchangeRequest& request, ParsedUrls* urls, CurlCallbacks* callbacks) {
  callbacks_ = callbacks;
  error_[0] = '\0';
  if (absl::Status failed = SetUrl(request.url, urls); !failed.ok()) return failed;
  return SetMethod(request) && SetHeaders(request) && SetTimes(request) ? absl::OkStatus() : NoMemoryForRequest();
}

void CurlHandle::Clear() {
  callbacks_ = nullptr;
  DropFields();
  if (headers_ == nullptr) return;
  Option(CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
  curl_slist_free_all(headers_);
  headers_ = nullptr;
}

}  // namespace scoutlight::client
