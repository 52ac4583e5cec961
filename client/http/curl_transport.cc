#include "client/http/curl_transport.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace scoutlight::client {
namespace {

using Take = HttpExchangeEvents::Take;

// How often a request is issued at most: libcurl does it again by itself when a connection that it reused turns out dead.
constexpr int kIssuesMax = 2;

// libcurl counts how often it was asked for this, and never undoes it.
bool InitializeOnce() {
  static const bool done = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return done;
}

absl::Status NoMemory() { return absl::ResourceExhaustedError("libcurl has no memory"); }

// 100..599; 0: `line` is no status line.
int ParseStatusLine(absl::string_view line) {
  const absl::string_view rest = line.substr(std::min(line.find(' '), line.size()));
  if (rest.size() < 4 || !std::all_of(rest.begin() + 1, rest.begin() + 4, absl::ascii_isdigit)) return 0;
  const int status = (rest[1] - '0') * 100 + (rest[2] - '0') * 10 + (rest[3] - '0');
  return status >= 100 && status <= 599 ? status : 0;
}

}  // namespace

// Removes itself from the multi when it is destroyed.
class CurlTransport::Exchange final : public HttpExchange, public CurlCallbacks {
 public:
  Exchange(CurlTransport* transport, HttpExchangeRequest request, HttpExchangeEvents* events)
      : transport_(*transport), request_(std::move(request)), events_(*events) {}
  ~Exchange() override;

  void Begin();
  void Resume() override;
  bool WasSent() const override;
  // Tells the end, as of `code`, which may destroy this.
  void End(CURLcode code);
  void EndFailed() { events_.OnEnd({failure_, issued_ > 0}); }

  size_t OnHeaderLine(absl::string_view line) override;
  size_t OnBytes(absl::string_view bytes) override;
  size_t OnRead(absl::Span<char> out) override;
  int OnSeek(curl_off_t offset, int origin) override;
  int OnIssue() override;

 private:
  absl::Status StatusOf(CURLcode code) const;
  size_t TakeHead(size_t bytes);
  void Remove();
  // To be told by the next Poll().
  void Fail(absl::Status failure) {
    failure_ = std::move(failure);
    transport_.failed_.push_back(this);
  }

  CurlTransport& transport_;
  const HttpExchangeRequest request_;
  HttpExchangeEvents& events_;
  std::unique_ptr<CurlHandle> handle_;
  bool running_ = false;  // In the multi.
  int issued_ = 0;
  // Its handle is not used again: libcurl counts these over a handle's life, and gives up at five; and one that it was about to issue once
  // more is left to begin by going back in a source that is another's.
  bool reissued_ = false;
  bool is_whole_ = false;
  bool stopped_ = false;
  absl::Status failure_;
  // The head so far.
  int status_ = 0;
  size_t header_bytes_ = 0;
  HttpHeaders headers_;
  bool has_head_ = false;
};

CurlTransport::Exchange::~Exchange() {
  std::erase(transport_.failed_, this);
  Remove();
}

void CurlTransport::Exchange::Remove() {
  if (std::exchange(running_, false)) curl_multi_remove_handle(transport_.multi_, handle_->easy());
  if (handle_ == nullptr) return;
  handle_->Clear();
  const bool is_clean = !reissued_ && (is_whole_ || issued_ == 0);
  if (is_clean && transport_.free_.size() < kHandlesKept) transport_.free_.push_back(std::move(handle_));
  handle_ = nullptr;
}

void CurlTransport::Exchange::Begin() {
  handle_ = transport_.TakeHandle();
  if (handle_ == nullptr) return Fail(NoMemory());
  if (absl::Status failed = handle_->Set(request_, &transport_.urls_, this); !failed.ok()) return Fail(std::move(failed));
  if (curl_multi_add_handle(transport_.multi_, handle_->easy()) != CURLM_OK) return Fail(NoMemory());
  running_ = true;
}

void CurlTransport::Exchange::Resume() {
  if (!running_ || !failure_.ok()) return;
  const CURLcode code = curl_easy_pause(handle_->easy(), CURLPAUSE_CONT);
  // What was held back is told in there; libcurl does not end the transfer for what comes of it.
  if (code != CURLE_OK || stopped_) Fail(StatusOf(code == CURLE_OK ? CURLE_WRITE_ERROR : code));
}

void CurlTransport::Exchange::End(CURLcode code) {
  if (!failure_.ok()) return;
  is_whole_ = code == CURLE_OK;
  const HttpExchangeEnd end = {StatusOf(code), code == CURLE_OK || WasSent()};
  Remove();
  events_.OnEnd(end);
}

bool CurlTransport::Exchange::WasSent() const {
  if (issued_ == 0) return false;
  // Over TLS, what libcurl could not send may have been sent in part.
  if (issued_ > 1 || absl::StartsWith(request_.url, "https:")) return true;
  long bytes = 0;
  return curl_easy_getinfo(handle_->easy(), CURLINFO_REQUEST_SIZE, &bytes) != CURLE_OK || bytes > 0;
}

absl::Status CurlTransport::Exchange::StatusOf(CURLcode code) const {
  if (code == CURLE_OK) {
    return has_head_ ? absl::OkStatus() : absl::UnavailableError("the connection ended before a response");
  }
  if (header_bytes_ > kHttpHeaderBytesMax) {
    return absl::ResourceExhaustedError(absl::StrCat("the headers of the response have more than ", kHttpHeaderBytesMax, " bytes"));
  }
  if (stopped_) return absl::CancelledError("stopped");
  if (code == CURLE_OUT_OF_MEMORY) return NoMemory();
  if (code == CURLE_ABORTED_BY_CALLBACK) return absl::UnavailableError("the connection ended before a response");
  const absl::string_view error = handle_->error();
  return absl::UnavailableError(error.empty() ? absl::string_view(curl_easy_strerror(code)) : error);
}

size_t CurlTransport::Exchange::OnHeaderLine(absl::string_view line) {
  if (has_head_) return line.size();  // A trailer.
  header_bytes_ += line.size();
  if (header_bytes_ > kHttpHeaderBytesMax) return 0;
  const absl::string_view text = absl::StripTrailingAsciiWhitespace(line);
  if (text.empty()) return TakeHead(line.size());
  if (status_ == 0) {
    status_ = ParseStatusLine(text);
    return status_ == 0 ? 0 : line.size();
  }
  if ((line.front() == ' ' || line.front() == '\t') && !headers_.empty()) {
    absl::StrAppend(&headers_.back().value, " ", absl::StripLeadingAsciiWhitespace(text));
    return line.size();
  }
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos) return line.size();
  headers_.push_back({std::string(text.substr(0, colon)), std::string(absl::StripLeadingAsciiWhitespace(text.substr(colon + 1)))});
  return line.size();
}

size_t CurlTransport::Exchange::TakeHead(size_t bytes) {
  if (status_ < 200) {
    status_ = 0;
    headers_.clear();
    return bytes;
  }
  has_head_ = true;
  stopped_ = events_.OnHead(status_, std::move(headers_)) == Take::kStop;
  return stopped_ ? 0 : bytes;
}

size_t CurlTransport::Exchange::OnBytes(absl::string_view bytes) {
  if (bytes.empty()) return 0;
  if (stopped_) return 0;
  switch (events_.OnBody(bytes)) {
    case Take::kTaken:
      return bytes.size();
    case Take::kLater:
      return CURL_WRITEFUNC_PAUSE;
    case Take::kStop:
      break;
  }
  stopped_ = true;
  return 0;
}

size_t CurlTransport::Exchange::OnRead(absl::Span<char> out) {
  if (request_.source == nullptr) return 0;
  const absl::StatusOr<HttpPiece> piece = request_.source->Read(out);
  if (!piece.ok()) return CURL_READFUNC_ABORT;
  switch (piece->kind) {
    case HttpPiece::Kind::kBytes:
      return std::min(piece->bytes, out.size());
    case HttpPiece::Kind::kNotYet:
      return CURL_READFUNC_PAUSE;
    case HttpPiece::Kind::kEnd:
      break;
  }
  return 0;
}

int CurlTransport::Exchange::OnSeek(curl_off_t offset, int origin) {
  const bool to_begin = offset == 0 && origin == SEEK_SET && (request_.repeatable || issued_ == 0);
  if (!to_begin || request_.source == nullptr || !request_.source->Rewind()) return CURL_SEEKFUNC_FAIL;
  return CURL_SEEKFUNC_OK;
}

int CurlTransport::Exchange::OnIssue() {
  reissued_ = issued_ > 0;
  if (issued_ >= (request_.repeatable ? kIssuesMax : 1)) return CURL_PREREQFUNC_ABORT;
  ++issued_;
  return CURL_PREREQFUNC_OK;
}

absl::StatusOr<std::unique_ptr<HttpTransport>> CurlTransport::Make(std::shared_ptr<const CurlSettings> settings) {
  CURLM* const multi = InitializeOnce() ? curl_multi_init() : nullptr;
  if (multi == nullptr) return NoMemory();
  const long kept = std::max(settings->idle_connections_max, 1);
  if (curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, kept) != CURLM_OK) {
    curl_multi_cleanup(multi);
    return NoMemory();
  }
  return std::unique_ptr<HttpTransport>(new CurlTransport(std::move(settings), multi));
}

CurlTransport::CurlTransport(std::shared_ptr<const CurlSettings> settings, CURLM* multi) : settings_(std::move(settings)), multi_(multi) {}

CurlTransport::~CurlTransport() {
  free_.clear();
  curl_multi_cleanup(multi_);
}

std::unique_ptr<CurlHandle> CurlTransport::TakeHandle() {
  if (free_.empty()) return CurlHandle::Make(*settings_);
  std::unique_ptr<CurlHandle> handle = std::move(free_.back());
  free_.pop_back();
  return handle;
}

std::unique_ptr<HttpExchange> CurlTransport::Begin(HttpExchangeRequest request, HttpExchangeEvents* events) {
  auto exchange = std::make_unique<Exchange>(this, std::move(request), events);
  exchange->Begin();
  return exchange;
}

bool CurlTransport::TellEnds() {
  bool any = false;
  while (!failed_.empty()) {
    Exchange* const exchange = failed_.back();
    failed_.pop_back();
    exchange->EndFailed();
    any = true;
  }
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    CurlHandle* handle = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &handle);
    static_cast<Exchange*>(handle->callbacks())->End(code);
    any = true;
  }
  return any;
}

void CurlTransport::Poll(absl::Duration timeout) {
  int running = 0;
  curl_multi_perform(multi_, &running);
  if (TellEnds() || timeout <= absl::ZeroDuration()) return;
  const int64_t ms = absl::ToInt64Milliseconds(absl::Ceil(std::min(timeout, absl::Minutes(1)), absl::Milliseconds(1)));
  curl_multi_poll(multi_, nullptr, 0, static_cast<int>(ms), nullptr);
}

void CurlTransport::Wake() { curl_multi_wakeup(multi_); }

}  // namespace scoutlight::client
