#include "cli/http_calling.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/entry.h"
#include "base/error.h"
#include "cli/entry_records.h"
#include "cli/flags.h"
#include "client/http_client.h"

namespace scoutlight::cli {
namespace {

constexpr int kFailedFrom = 400;

std::vector<std::pair<std::string, HttpMethod>> Methods() {
  std::vector<std::pair<std::string, HttpMethod>> methods;
  for (const HttpMethod method :
       {HttpMethod::kGet, HttpMethod::kHead, HttpMethod::kPost, HttpMethod::kPut, HttpMethod::kPatch, HttpMethod::kDelete}) {
    methods.emplace_back(MethodText(method), method);
  }
  return methods;
}

absl::StatusCode CodeOfHttp(int status) {
  switch (status) {
    case 400:
      return absl::StatusCode::kInvalidArgument;
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
    case 410:
      return absl::StatusCode::kNotFound;
    case 408:
    case 504:
      return absl::StatusCode::kDeadlineExceeded;
    case 409:
      return absl::StatusCode::kAborted;
    case 412:
      return absl::StatusCode::kFailedPrecondition;
    case 416:
      return absl::StatusCode::kOutOfRange;
    case 429:
      return absl::StatusCode::kResourceExhausted;
    case 500:
      return absl::StatusCode::kInternal;
    case 501:
      return absl::StatusCode::kUnimplemented;
    case 502:
    case 503:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kUnknown;
  }
}

void NoteHead(const HttpResponse& head, Printer* printer) {
  printer->Note(absl::StrCat("HTTP ", head.status, " from ", head.instance));
  for (const HttpHeader& header : head.headers) printer->Note(absl::StrCat(header.name, ": ", header.value));
}

// Writes a body as it comes.
class ShownBody : public HttpBodySink {
 public:
  ShownBody(bool verbose, Printer* printer) : verbose_(verbose), printer_(*printer) {}

  absl::Status Begin(const HttpResponse& head) override {
    if (verbose_) NoteHead(head, &printer_);
    return absl::OkStatus();
  }
  absl::StatusOr<Take> Write(absl::string_view bytes) override {
    printer_.Raw(bytes);
    if (absl::Status unread = printer_.status(); !unread.ok()) return unread;
    return Take::kTaken;
  }

 private:
  const bool verbose_;
  Printer& printer_;
};

// By name in lower case; of one that is there several times the values with commas between (RFC 9110, section 5.3).
Json HeadersJson(const HttpHeaders& headers) {
  Json json = Json::object();
  for (const HttpHeader& header : headers) {
    const std::string name = absl::AsciiStrToLower(header.name);
    const bool again = json.contains(name);
    json[name] = again ? absl::StrCat(json[name].get<std::string>(), ", ", header.value) : header.value;
  }
  return json;
}

Record ResponseRecord(HttpResponse response) {
  Record record{.name = response.instance,
                .fields = {{"instance", response.instance}, {"status", response.status}, {"headers", HeadersJson(response.headers)}}};
  std::vector<Field> body = ValueFields({Value::Form::kData, std::move(response.body)});
  body.front().name = "body";
  Append(std::move(body), &record);
  return record;
}

}  // namespace

absl::Status StatusOfHttp(const HttpResponse& response) {
  if (response.status < kFailedFrom) return absl::OkStatus();
  ErrorDetails details;
  details.metadata = {{"http_status", absl::StrCat(response.status)}, {"instance", response.instance}};
  return MakeError(CodeOfHttp(response.status),
                   absl::StrCat("the instance ", response.instance, " answered with HTTP status ", response.status), details);
}

HttpCalling::HttpCalling(CLI::App* app, Verb* chosen) {
  CLI::App* const verb = app->add_subcommand("http", "send an HTTP request to an instance of a service");
  AddChoice(verb, "METHOD", &method_, Methods(), "of the request")->required();
  verb->add_option("URL", url_, "svc://SERVICE/path?query")->required()->type_name("");
  data_.Declare(verb, "the body, application/json unless -H says another Content-Type");
  verb->add_flag("-v,--verbose", verbose_, "status and headers of the response too, on standard error");
  choice_.Declare(verb, "the name of the endpoint, else its scheme; default: the first that is http or https");
  SetFooter(
      verb,
      {.text = absl::StrCat(
           "The body goes to standard output as it comes, of failures too. Exit codes by status: below 400: 0; 400: 2; 404, 410: 3;\n",
           "409, 412, 416: 4; 408, 504: 5; 502, 503: 6; 401, 403: 7; others: 1."),
       .example = "scoutctl http POST svc://Printer/jobs -d '{\"pages\": 3}'"});
  ChooseOnServer(verb, this, &HttpCalling::Run, chosen);
}

absl::StatusOr<HttpRequest> HttpCalling::Request() const {
  HttpRequest request{.method = method_, .url = url_, .endpoint = choice_.endpoint(), .affinity_key = choice_.affinity_key()};
  absl::StatusOr<std::vector<NamedText>> headers = data_.Headers();
  if (!headers.ok()) return headers.status();
  for (NamedText& header : *headers) request.headers.push_back({std::move(header.name), std::move(header.value)});
  absl::StatusOr<std::optional<std::string>> body = data_.Read();
  if (!body.ok()) return body.status();
  if (body->has_value()) {
    request.body = **std::move(body);
    if (FindHeader(request.headers, "Content-Type") == nullptr) request.headers.push_back({"Content-Type", "application/json"});
  }
  absl::StatusOr<ResolveOptions> resolve = choice_.Options();
  if (!resolve.ok()) return resolve.status();
  request.resolve = *std::move(resolve);
  return request;
}

absl::Status HttpCalling::Run(const Call& call) const {
  absl::StatusOr<HttpRequest> request = Request();
  if (!request.ok()) return request.status();
  absl::StatusOr<TlsCredentials> tls = choice_.Credentials();
  if (!tls.ok()) return tls.status();
  absl::StatusOr<Locator> locator = OpenLocator(call.connection, call.settings);
  if (!locator.ok()) return locator.status();
  absl::StatusOr<HttpClient> http =
      HttpClient::Open(*locator, {.timeout = call.settings.timeout, .resolve_timeout = call.settings.timeout, .tls = *std::move(tls)});
  if (!http.ok()) return http.status();
  const bool is_table = call.settings.form == OutputForm::kTable;
  if (is_table) request->sink = std::make_shared<ShownBody>(verbose_, &call.printer);
  absl::StatusOr<HttpResponse> response = http->Call(*std::move(request));
  if (!response.ok()) return response.status();
  const absl::Status status = StatusOfHttp(*response);
  if (is_table) return status;
  if (verbose_) NoteHead(*response, &call.printer);
  call.printer.Item(ResponseRecord(*std::move(response)));
  return status;
}

}  // namespace scoutlight::cli
