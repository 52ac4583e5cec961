#include "client/http/request_check.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/http/service_url.h"
#include "discovery/names.h"

namespace scoutlight::client {
namespace {

// What frames the message on its connection.
constexpr std::array<absl::string_view, 7> kOwnHeaders = {"Content-Length", "Transfer-Encoding", "Connection", "Expect",
                                                          "Upgrade",        "Keep-Alive",        "TE"};

// RFC 9110, section 5.6.2.
bool IsToken(absl::string_view text) {
  constexpr absl::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return absl::ascii_isalnum(c) || absl::StrContains(kMarks, static_cast<char>(c));
  });
}

std::string HeaderFault(const HttpHeader& header) {
  if (!IsToken(header.name)) return "has a name that is no token";
  for (const absl::string_view own : kOwnHeaders) {
    if (absl::EqualsIgnoreCase(header.name, own)) return absl::StrCat("is ", own, ", which the client sets itself");
  }
  const auto bad =
      std::find_if(header.value.begin(), header.value.end(), [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; });
  if (bad == header.value.end()) return "";
  return absl::StrCat(header.name, " has a control character at byte ", bad - header.value.begin(), " of its value");
}

void CheckTarget(HttpRequest* request, std::vector<FieldViolation>* wrong) {
  if (!request->url.empty()) {
    if (!request->service.empty()) wrong->push_back({"url", "is given beside service"});
    absl::StatusOr<ServiceTarget> read = ReadServiceUrl(request->url);
    if (!read.ok()) {
      wrong->push_back({"url", std::string(read.status().message())});
      return;
    }
    request->service = std::move(read->service);
    request->target = std::move(read->target);
  }
  // Of the field that was given.
  const bool by_url = !request->url.empty();
  if (std::string fault = discovery::ServiceFault(request->service); !fault.empty()) {
    wrong->push_back({by_url ? "url" : "service", by_url ? absl::StrCat("has a service that ", fault) : std::move(fault)});
  }
  if (std::string fault = TargetFault(request->target); !fault.empty()) {
    wrong->push_back({by_url ? "url" : "target", by_url ? absl::StrCat("has a target that ", fault) : std::move(fault)});
  }
}

void CheckBody(const HttpRequest& request, std::vector<FieldViolation>* wrong) {
  const bool takes_none = request.method == HttpMethod::kGet || request.method == HttpMethod::kHead;
  const bool has_one = !request.body.empty() || request.source != nullptr;
  if (takes_none && has_one) {
    wrong->push_back(
        {request.source != nullptr ? "source" : "body", absl::StrCat("is given, ", MethodText(request.method), " takes none")});
  }
  if (!request.body.empty() && request.source != nullptr) wrong->push_back({"source", "is given beside body"});
  if (request.response_bytes_max.value_or(0) > kHttpResponseBytesMax) {
    wrong->push_back(
        {"response_bytes_max", absl::StrCat("is ", *request.response_bytes_max, ", at most ", kHttpResponseBytesMax, " is allowed")});
  }
}

}  // namespace

void CheckTime(absl::string_view name, absl::Duration value, const TimeBounds& bounds, std::vector<FieldViolation>* wrong) {
  if (bounds.infinite && value == absl::InfiniteDuration()) return;
  if (value >= bounds.min && value <= bounds.max) return;
  wrong->push_back({std::string(name), absl::StrCat("must be ", absl::FormatDuration(bounds.min), " to ", absl::FormatDuration(bounds.max),
                                                    bounds.infinite ? ", or infinite" : "", ", is ", absl::FormatDuration(value))});
}

void CheckHeaders(const HttpHeaders& headers, std::vector<FieldViolation>* wrong) {
  if (headers.size() > kHttpHeadersMax) {
    wrong->push_back({"headers", absl::StrCat("are ", headers.size(), ", at most ", kHttpHeadersMax, " are allowed")});
    return;
  }
  size_t bytes = 0;
  for (size_t i = 0; i < headers.size(); ++i) {
    bytes += headers[i].name.size() + headers[i].value.size();
    if (std::string fault = HeaderFault(headers[i]); !fault.empty()) wrong->push_back({absl::StrCat("headers[", i, "]"), std::move(fault)});
  }
  if (bytes > kHttpHeaderBytesMax) {
    wrong->push_back({"headers", absl::StrCat("have ", bytes, " bytes, at most ", kHttpHeaderBytesMax, " are allowed")});
  }
}

absl::Status CheckRequest(HttpRequest* request) {
  std::vector<FieldViolation> wrong;
  CheckTarget(request, &wrong);
  CheckHeaders(request->headers, &wrong);
  CheckBody(*request, &wrong);
  if (request->timeout.has_value()) CheckTime("timeout", *request->timeout, {}, &wrong);
  if (request->attempt_timeout.has_value()) CheckTime("attempt_timeout", *request->attempt_timeout, {.infinite = true}, &wrong);
  if (request->connect_timeout.has_value()) CheckTime("connect_timeout", *request->connect_timeout, {.max = kHttpConnectTimeMax}, &wrong);
  if (request->hedge_after.has_value()) CheckTime("hedge_after", *request->hedge_after, {.infinite = true}, &wrong);
  return wrong.empty() ? absl::OkStatus() : InvalidFields(Reason::kInvalidField, std::move(wrong));
}

}  // namespace scoutlight::client
