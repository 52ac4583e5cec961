#include "client/http/request_check.h"

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "client/http_client_options.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

class NoSource : public HttpBodySource {
 public:
  absl::StatusOr<HttpPiece> Read(absl::Span<char>) override { return HttpPiece(); }
};

std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : DetailsOf(status).value_or(ErrorDetails()).violations) fields.push_back(violation.field);
  return fields;
}

std::vector<std::string> WrongIn(HttpRequest request) { return FieldsOf(CheckRequest(&request)); }

using Fields = std::vector<std::string>;

TEST(RequestCheck, UrlTakesThePlaceOfServiceAndTarget) {
  HttpRequest request = {.url = "svc://Printer/a?b"};
  ASSERT_TRUE(CheckRequest(&request).ok());
  EXPECT_EQ(request.service, "Printer");
  EXPECT_EQ(request.target, "/a?b");
}

TEST(RequestCheck, NamesWhatIsWrong) {
  EXPECT_EQ(WrongIn({}), Fields{"service"});
  EXPECT_EQ(WrongIn({.service = "a/b"}), Fields{"service"});
  EXPECT_EQ(WrongIn({.service = "Printer", .target = "a"}), Fields{"target"});
  EXPECT_EQ(WrongIn({.url = "http://Printer/"}), Fields{"url"});
  EXPECT_EQ(WrongIn({.url = "svc:///a"}), Fields{"url"});
  EXPECT_EQ(WrongIn({.url = "svc://Printer/a/../b"}), Fields{"url"});
  EXPECT_EQ(WrongIn({.url = "svc://Printer/", .service = "Printer"}), Fields{"url"});
  EXPECT_EQ(WrongIn({.service = "Printer", .body = "x"}), Fields{"body"});
  EXPECT_EQ(WrongIn({.method = HttpMethod::kHead, .service = "Printer", .source = std::make_shared<NoSource>()}), Fields{"source"});
  EXPECT_EQ(WrongIn({.method = HttpMethod::kPost, .service = "Printer", .body = "x", .source = std::make_shared<NoSource>()}),
            Fields{"source"});
  EXPECT_EQ(WrongIn({.service = "Printer",
                     .timeout = absl::ZeroDuration(),
                     .attempt_timeout = absl::Hours(25),
                     .connect_timeout = absl::Minutes(6),
                     .hedge_after = absl::Nanoseconds(1),
                     .response_bytes_max = kHttpResponseBytesMax + 1}),
            (Fields{"response_bytes_max", "timeout", "attempt_timeout", "connect_timeout", "hedge_after"}));
  EXPECT_EQ(WrongIn({.service = "Printer", .attempt_timeout = absl::InfiniteDuration(), .hedge_after = absl::InfiniteDuration()}),
            Fields());
}

TEST(RequestCheck, HeadersCannotMakeOthers) {
  const auto wrong = [](HttpHeader header) { return WrongIn({.service = "Printer", .headers = {{"X-Fine", "yes"}, std::move(header)}}); };
  const Fields second = {"headers[1]"};
  EXPECT_EQ(wrong({"X-A", "b\r\nX-C: d"}), second);
  EXPECT_EQ(wrong({"X-A", std::string("b\0c", 3)}), second);
  EXPECT_EQ(wrong({"X-A:", "b"}), second);
  EXPECT_EQ(wrong({"X A", "b"}), second);
  EXPECT_EQ(wrong({"", "b"}), second);
  EXPECT_EQ(wrong({"content-length", "3"}), second);
  EXPECT_EQ(wrong({"Transfer-Encoding", "chunked"}), second);
  EXPECT_EQ(wrong({"X-A", "tab\tand \xc3\xa4"}), Fields());
  EXPECT_EQ(wrong({"X-A", ""}), Fields());
}

TEST(RequestCheck, HeadersAreBounded) {
  EXPECT_EQ(WrongIn({.service = "Printer", .headers = HttpHeaders(kHttpHeadersMax, {"a", "b"})}), Fields());
  EXPECT_EQ(WrongIn({.service = "Printer", .headers = HttpHeaders(kHttpHeadersMax + 1, {"a", "b"})}), Fields{"headers"});
  EXPECT_EQ(WrongIn({.service = "Printer", .headers = {{"a", std::string(kHttpHeaderBytesMax - 1, 'b')}}}), Fields());
  EXPECT_EQ(WrongIn({.service = "Printer", .headers = {{"a", std::string(kHttpHeaderBytesMax, 'b')}}}), Fields{"headers"});
}

TEST(RequestCheck, OptionsNameAllThatIsWrong) {
  EXPECT_TRUE(CheckOptions(HttpClientOptions()).ok());
  EXPECT_EQ(FieldsOf(CheckOptions(HttpClientOptions{.timeout = absl::ZeroDuration(),
                                                    .attempts_max = 9,
                                                    .retry_budget = {.percent = -1},
                                                    .hedges_max = -1,
                                                    .calls_in_flight_max = 0,
                                                    .idle_timeout = absl::ZeroDuration(),
                                                    .tls = {.private_key = "key"}})),
            (Fields{"timeout", "attempts_max", "retry_budget.percent", "hedges_max", "calls_in_flight_max", "idle_timeout", "tls"}));
}

}  // namespace
}  // namespace scoutlight::client
