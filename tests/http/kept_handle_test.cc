#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/http_client.h"
#include "gtest/gtest.h"
#include "tests/http/full_listener.h"
#include "tests/http/hostile_server.h"
#include "tests/http/http_fixture.h"
#include "tests/http/text_source.h"

// A thread's calls have one handle of libcurl, one after the other: nothing of a call stays for the next.
namespace scoutlight::testing {
namespace {

using Then = Deed::Then;

Deed Hello(const SeenRequest& request) {
  return request.method == "HEAD" ? Deed{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"} : Answer(200, "hello");
}

// One way of sending a request.
struct Kind {
  enum class Body { kNone, kBytes, kSource, kChunks };

  HttpMethod method;
  Body body;
  std::string length;  // As the server is told; empty: not.
};

std::vector<Kind> Kinds() {
  using Body = Kind::Body;
  std::vector<Kind> kinds = {{HttpMethod::kGet, Body::kNone, ""},
                             {HttpMethod::kHead, Body::kNone, ""},
                             {HttpMethod::kDelete, Body::kNone, ""},
                             {HttpMethod::kDelete, Body::kBytes, "4"}};
  for (const HttpMethod method : {HttpMethod::kPost, HttpMethod::kPut, HttpMethod::kPatch}) {
    kinds.push_back({method, Body::kNone, "0"});
    kinds.push_back({method, Body::kBytes, "4"});
    kinds.push_back({method, Body::kSource, "4"});
    kinds.push_back({method, Body::kChunks, ""});
  }
  return kinds;
}

// With that body, if it has one.
HttpRequest RequestOf(const Kind& kind, const std::string& body) {
  // A connection may be used again however long it was idle.
  HttpRequest request = {.method = kind.method, .service = "Printer", .idempotent = true};
  if (kind.body == Kind::Body::kBytes) request.body = body;
  if (kind.body == Kind::Body::kSource || kind.body == Kind::Body::kChunks) {
    request.source = std::make_shared<TextSource>(body, TextSource::Options{.has_length = kind.body == Kind::Body::kSource});
  }
  return request;
}

std::set<std::string> NamesOf(const SeenRequest& seen) {
  std::set<std::string> names;
  for (const auto& [name, value] : seen.headers) names.insert(name);
  return names;
}

class KeptHandleTest : public HttpFixture {};

TEST_F(KeptHandleTest, EachKindOfRequestComesAfterEach) {
  HostileServer server(&Hello);
  Add("a", server.port());
  HttpClient http = Open();
  for (const Kind& before : Kinds()) {
    for (const Kind& kind : Kinds()) {
      ASSERT_TRUE(http.Call(RequestOf(before, absl::StrCat("the ", before.length, "th page before"))).ok());
      const absl::StatusOr<HttpResponse> response = http.Call(RequestOf(kind, "page"));
      ASSERT_TRUE(response.ok()) << response.status();
      EXPECT_EQ(response->body, kind.method == HttpMethod::kHead ? "" : "hello");
      const SeenRequest seen = server.seen().back();
      EXPECT_EQ(seen.method, MethodText(kind.method));
      EXPECT_EQ(seen.body, kind.body == Kind::Body::kNone ? "" : "page");
      std::set<std::string> names = {"accept", "host"};
      if (!kind.length.empty()) names.insert("content-length");
      if (kind.body == Kind::Body::kChunks) names.insert("transfer-encoding");
      EXPECT_EQ(NamesOf(seen), names) << MethodText(before.method) << " before " << MethodText(kind.method);
      const auto length = seen.headers.find("content-length");
      EXPECT_EQ(length == seen.headers.end() ? "" : length->second, kind.length);
    }
  }
  EXPECT_EQ(server.connections(), 1);
}

// libcurl sends a request once more that a kept connection took and did not answer. Its source began where it stood, after a call with a
// body in bytes: the server took half a body for the whole.
TEST_F(KeptHandleTest, ASourceIsSentOnceMoreFromItsBeginning) {
  const std::string text(100'000, 'x');
  HostileServer server([](const SeenRequest& request) {
    return request.method == "PUT" && request.on_connection > 0 ? Deed{"", Then::kClose} : Hello(request);
  });
  Add("a", server.port());
  int puts = 0;
  for (const bool has_length : {false, true}) {
    for (const HttpMethod before : {HttpMethod::kGet, HttpMethod::kPost}) {
      HttpClient http = Open();
      HttpRequest first = {.method = before, .service = "Printer"};
      if (before == HttpMethod::kPost) first.body = "page";
      ASSERT_TRUE(http.Call(std::move(first)).ok());
      HttpRequest put = {.method = HttpMethod::kPut, .service = "Printer"};
      put.source = std::make_shared<TextSource>(text, TextSource::Options{.has_length = has_length});
      const absl::StatusOr<HttpResponse> response = http.Call(std::move(put));
      EXPECT_TRUE(response.ok()) << response.status();
      EXPECT_EQ(server.Count("PUT"), puts += 2);
      EXPECT_EQ(server.seen().back().body.size(), text.size());
    }
  }
}

TEST_F(KeptHandleTest, HeadersAndTargetAreTheirCalls) {
  HostileServer server(&Hello);
  Add("a", server.port());
  HttpClient http = Open();
  for (const HttpMethod method : {HttpMethod::kGet, HttpMethod::kPost}) {
    HttpRequest request = {.method = method,
                           .service = "Printer",
                           .target = "/long/target?x=1",
                           .headers = {{"Authorization", "secret"}, {"Content-Type", "text/plain"}, {"X-A", ""}, {"Accept", "a/b"}}};
    ASSERT_TRUE(http.Call(std::move(request)).ok());
    EXPECT_EQ(server.seen().back().headers.at("authorization"), "secret");
    ASSERT_TRUE(http.Call({.service = "Printer", .target = "/t"}).ok());
    EXPECT_EQ(server.seen().back().target, "/t");
    EXPECT_EQ(NamesOf(server.seen().back()), (std::set<std::string>{"accept", "host"}));
    EXPECT_EQ(server.seen().back().headers.at("accept"), "*/*");
  }
}

TEST_F(KeptHandleTest, CredentialsGoToTheirInstanceAlone) {
  HostileServer first([](const SeenRequest&) { return Deed{"", Then::kClose}; });
  HostileServer second(&Hello);
  Add("first", first.port());
  Add("second", second.port());
  HttpClient http = Open({.request_hook = [](const HttpAttempt& attempt, HttpHeaders* headers) {
    if (attempt.pick.instance().name.id == "first") headers->push_back({"Authorization", "of first"});
    return absl::OkStatus();
  }});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(http.Get("svc://Printer/").ok());
  ASSERT_GT(first.Count(), 0);
  for (const SeenRequest& seen : first.seen()) EXPECT_EQ(seen.headers.at("authorization"), "of first");
  ASSERT_EQ(second.Count(), 10);
  for (const SeenRequest& seen : second.seen()) EXPECT_EQ(seen.headers.count("authorization"), 0u);
}

// What ends a call that gets no connection is told by the code: that nothing was sent, or that the call's own time was over before.
TEST_F(KeptHandleTest, ConnectTimeoutIsItsCalls) {
  const FullListener nobody;
  Add("a", nobody.port());
  HttpClient http = Open({.connect_timeout = absl::Milliseconds(20), .attempts_max = 1});
  const HttpRequest short_one = {.service = "Printer"};
  const HttpRequest long_one = {.service = "Printer", .timeout = absl::Milliseconds(500), .connect_timeout = absl::Minutes(1)};
  EXPECT_EQ(http.Call(long_one).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(http.Call(short_one).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(http.Call(long_one).status().code(), absl::StatusCode::kDeadlineExceeded);
}

// What must not be sent twice uses no connection that was idle for more than kHttpIdleUnsafeMax, which libcurl counts in whole seconds.
TEST_F(KeptHandleTest, IdleTimeIsItsCalls) {
  HostileServer server(&Hello);
  Add("a", server.port());
  HttpClient gets_first = Open();
  HttpClient posts_first = Open();
  ASSERT_TRUE(gets_first.Get("svc://Printer/").ok());
  ASSERT_TRUE(posts_first.Post("svc://Printer/", "page").ok());
  ASSERT_EQ(server.connections(), 2);
  // libcurl's clock is the machine's.
  const Deadline idle(kHttpIdleUnsafeMax + absl::Milliseconds(1'100));
  ASSERT_TRUE(WaitUntil([&] { return idle.passed(); }));
  ASSERT_TRUE(posts_first.Get("svc://Printer/").ok());
  EXPECT_EQ(server.connections(), 2);
  ASSERT_TRUE(gets_first.Post("svc://Printer/", "page").ok());
  EXPECT_EQ(server.connections(), 3);
}

}  // namespace
}  // namespace scoutlight::testing
