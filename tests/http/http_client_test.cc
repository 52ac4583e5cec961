#include "client/http_client.h"

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "tests/http/hostile_server.h"
#include "tests/http/http_fixture.h"

namespace scoutlight::testing {
namespace {

using Then = Deed::Then;

// Says what it was asked.
Deed Echo(const SeenRequest& request) {
  std::string headers;
  for (const auto& [name, value] : request.headers) absl::StrAppend(&headers, name, ": ", value, "\n");
  if (request.method == "HEAD") return {"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"};
  return Answer(200, absl::StrCat(request.method, " ", request.target, "\n", headers, "\n", request.body));
}

// Counts what was told.
class Told {
 public:
  HttpDone done() {
    return [this](absl::StatusOr<HttpResponse> response) {
      MutexLock lock(&mu_);
      results_.push_back(response.ok() ? absl::OkStatus() : response.status());
    };
  }
  int count() const {
    MutexLock lock(&mu_);
    return static_cast<int>(results_.size());
  }
  bool Await(int count) {
    return WaitUntil([&] { return this->count() >= count; });
  }
  int CountOf(absl::StatusCode code) const {
    MutexLock lock(&mu_);
    int found = 0;
    for (const absl::Status& result : results_) found += result.code() == code;
    return found;
  }

 private:
  mutable Mutex mu_;
  std::vector<absl::Status> results_ ABSL_GUARDED_BY(mu_);
};

class HttpClientTest : public HttpFixture {};

TEST_F(HttpClientTest, SendsWhatItIsGiven) {
  HostileServer server(&Echo);
  Add("a", server.port(), {{"endpoint.web", absl::StrCat("http://127.0.0.1:", server.port(), "/api/")}});
  HttpClient http = Open();
  const struct {
    HttpMethod method;
    std::string body;
  } cases[] = {{HttpMethod::kGet, ""},    {HttpMethod::kPost, "one"}, {HttpMethod::kGet, ""},  {HttpMethod::kPut, "two"},
               {HttpMethod::kPatch, "3"}, {HttpMethod::kDelete, ""},  {HttpMethod::kPost, ""}, {HttpMethod::kDelete, "four"},
               {HttpMethod::kHead, ""},   {HttpMethod::kPut, ""},     {HttpMethod::kGet, ""}};
  for (const auto& [method, body] : cases) {
    const absl::StatusOr<HttpResponse> response = http.Call(
        {.method = method, .url = "svc://Printer/a/b?c=%20", .headers = {{"X-A", "b"}, {"X-Empty", ""}}, .body = body, .endpoint = "web"});
    ASSERT_TRUE(response.ok()) << response.status();
    const SeenRequest seen = server.seen().back();
    EXPECT_EQ(seen.method, MethodText(method));
    EXPECT_EQ(seen.target, "/api/a/b?c=%20");
    EXPECT_EQ(seen.body, body);
    EXPECT_EQ(seen.headers.at("x-a"), "b");
    EXPECT_EQ(seen.headers.at("x-empty"), "");
    EXPECT_EQ(seen.headers.at("host"), absl::StrCat("127.0.0.1:", server.port()));
    EXPECT_EQ(seen.headers.count("content-type"), 0u);
    EXPECT_EQ(seen.headers.count("expect"), 0u);
    EXPECT_EQ(seen.headers.count("transfer-encoding"), 0u);
    const bool has_length = method == HttpMethod::kPost || method == HttpMethod::kPut || method == HttpMethod::kPatch || !body.empty();
    EXPECT_EQ(seen.headers.count("content-length"), has_length ? 1u : 0u) << seen.method;
  }
  ASSERT_TRUE(http.Post("svc://Printer/", "{}").ok());
  EXPECT_EQ(server.seen().back().headers.at("content-type"), "application/json");
  // A POST takes none that was idle for long.
  EXPECT_LE(server.connections(), 3);
}

TEST_F(HttpClientTest, LargeBodiesGoBothWays) {
  const std::string large(5'000'000, 'x');
  HostileServer server([](const SeenRequest& request) { return Answer(200, request.body); });
  Add("a", server.port());
  HttpClient http = Open();
  const absl::StatusOr<HttpResponse> response = http.Put("svc://Printer/", large);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->body == large);
}

TEST_F(HttpClientTest, ReadsInterimAnswersChunksAndTrailers) {
  HostileServer server([](const SeenRequest&) {
    return Deed{
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Made\r\nX-A: b\r\n folded\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\none\r\n4\r\n two\r\n0\r\nX-Trailer: t\r\n\r\n"};
  });
  Add("a", server.port());
  HttpClient http = Open();
  const absl::StatusOr<HttpResponse> response = http.Get("svc://Printer/");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "one two");
  EXPECT_EQ(response->headers, (HttpHeaders{{"X-A", "b folded"}, {"Transfer-Encoding", "chunked"}}));
}

TEST_F(HttpClientTest, RedirectIsAnAnswer) {
  HostileServer other(&Echo);
  HostileServer server([&](const SeenRequest&) {
    return Answer(302, "", absl::StrCat("Location: http://127.0.0.1:", other.port(), "/\r\nSet-Cookie: a=b\r\n"));
  });
  Add("a", server.port());
  HttpClient http = Open();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(http.Get("svc://Printer/")->status, 302);
  EXPECT_EQ(other.Count(), 0);
  EXPECT_EQ(server.seen().back().headers.count("cookie"), 0u);
}

TEST_F(HttpClientTest, ProxiesOfTheEnvironmentAreAskedOnlyOnRequest) {
  HostileServer server(&Echo);
  HostileServer proxy(&Echo);
  setenv("http_proxy", absl::StrCat("http://127.0.0.1:", proxy.port()).c_str(), 1);
  Add("a", server.port());
  EXPECT_TRUE(Open().Get("svc://Printer/").ok());
  EXPECT_EQ(proxy.Count(), 0);
  EXPECT_TRUE(Open({.proxies = HttpProxies::kFromEnvironment}).Get("svc://Printer/").ok());
  EXPECT_EQ(proxy.Count(), 1);
  unsetenv("http_proxy");
}

TEST_F(HttpClientTest, ErrorsNameWhatIsWrong) {
  HttpClient http = Open({.resolve_timeout = absl::ZeroDuration()});
  EXPECT_EQ(http.Get("http://Printer/").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(HttpClient::Open(locator_, {.attempts_max = 0}).status().code(), absl::StatusCode::kInvalidArgument);
  Add("amqp", 1, {{"protocol", "amqp"}});
  EXPECT_EQ(http.Get("svc://Printer/").status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(HttpClientTest, FirstCallWaitsForTheRegistry) {
  HostileServer server(&Echo);
  ASSERT_TRUE(
      registrations_
          .Register({.service = "Scanner", .id = "a", .properties = {{"hostname", "127.0.0.1"}, {"port", absl::StrCat(server.port())}}},
                    Permanent())
          .ok());
  HttpClient http = Open();
  const absl::StatusOr<HttpResponse> response = http.Get("svc://Scanner/");
  EXPECT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(http.Get("svc://Nobody/").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(HttpClientTest, TenThousandCallsLeakNothing) {
  HostileServer first(&Echo);
  HostileServer second(&Echo);
  Add("a", first.port());
  Add("b", second.port());
  HttpClient http = Open();
  ExpectNoLeakOfTenThousandCalls("svc://Printer/", &http);
  EXPECT_LE(first.connections() + second.connections(), 20);
  EXPECT_TRUE(WaitUntil([&] { return first.open() + second.open() <= 4; }));
}

TEST_F(HttpClientTest, FailedCallsLeakNothing) {
  HostileServer bad([](const SeenRequest& request) {
    switch (request.target.size() % 4) {
      case 0:
        return Deed{"", Then::kReset};
      case 1:
        return Deed{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", Then::kClose};
      case 2:
        return Answer(503);
      default:
        return Deed{"nonsense\r\n\r\n", Then::kClose};
    }
  });
  Add("a", bad.port());
  HttpClient http = Open({.retry_budget = {.burst = 1'000'000},
                          .retry_policy = std::make_shared<DefaultHttpRetryPolicy>(DefaultHttpRetryPolicy::Options{
                              .backoff_first = absl::Microseconds(1), .backoff_max = absl::Microseconds(1)})});
  EXPECT_FALSE(http.Get("svc://Printer/").ok());
  const int before = OpenDescriptors();
  std::string target = "/";
  for (int i = 0; i < 500; ++i) {
    target.push_back('x');
    if (target.size() > 10) target = "/";
    // A status is an answer.
    EXPECT_EQ(http.Call({.service = "Printer", .target = target}).ok(), target.size() % 4 == 2) << target;
  }
  EXPECT_LE(OpenDescriptors(), before + 1);
  EXPECT_TRUE(WaitUntil([&] { return bad.open() <= 1; }));
}

TEST_F(HttpClientTest, ManyThreadsCallAndStart) {
  HostileServer first(&Echo);
  HostileServer second(&Echo);
  Add("a", first.port());
  Add("b", second.port());
  HttpClient http = Open({.calls_in_flight_max = 10'000});
  Told told;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 6; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 200; ++i) {
        const std::string body = absl::StrCat("page ", thread, ".", i);
        const absl::StatusOr<HttpResponse> response = http.Post("svc://Printer/", body);
        wrong += !response.ok() || !absl::EndsWith(response->body, "\n\n" + body);
        wrong += !http.Start({.url = "svc://Printer/"}, told.done()).ok();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(told.Await(1'200));
  EXPECT_EQ(told.CountOf(absl::StatusCode::kOk), 1'200);
}

TEST_F(HttpClientTest, CallsInFlightAreBounded) {
  HostileServer server([](const SeenRequest&) { return Deed{"", Then::kStall}; });
  Add("a", server.port());
  Told told;
  HttpClient http = Open({.calls_in_flight_max = 3});
  std::vector<HttpCall> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(*http.Start({.url = "svc://Printer/"}, told.done()));
  EXPECT_EQ(http.Start({.url = "svc://Printer/"}, told.done()).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(http.Get("svc://Printer/").status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(told.count(), 0);
  calls[1].Cancel();
  calls[1].Cancel();
  EXPECT_TRUE(told.Await(1));
  EXPECT_TRUE(WaitUntil([&] { return http.Start({.url = "svc://Printer/"}, told.done()).ok(); }));
  EXPECT_EQ(told.count(), 1);
}

TEST_F(HttpClientTest, DestructionCancelsWhatIsUnderWay) {
  HostileServer server([](const SeenRequest&) { return Deed{"", Then::kStall}; });
  Add("a", server.port());
  Told told;
  auto http = std::make_unique<HttpClient>(Open());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(http->Start({.url = "svc://Printer/"}, told.done()).ok());
  std::atomic<int> cancelled{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { cancelled += http->Get("svc://Printer/").status().code() == absl::StatusCode::kCancelled; });
  }
  ASSERT_TRUE(WaitUntil([&] { return server.Count() == 54; }));
  http = nullptr;
  EXPECT_TRUE(told.Await(50));
  EXPECT_EQ(told.CountOf(absl::StatusCode::kCancelled), 50);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cancelled, 4);
}

TEST_F(HttpClientTest, CallbackMayStartCallsAndDestroyTheClient) {
  HostileServer server(&Echo);
  Add("a", server.port());
  auto http = std::make_unique<HttpClient>(Open());
  std::atomic<bool> over{false};
  ASSERT_TRUE(http->Start({.url = "svc://Printer/"},
                          [&](absl::StatusOr<HttpResponse>) {
                            EXPECT_TRUE(http->Get("svc://Printer/").ok());
                            EXPECT_TRUE(http->Start({.url = "svc://Printer/"},
                                                    [&](absl::StatusOr<HttpResponse>) {
                                                      http = nullptr;
                                                      over = true;
                                                    })
                                            .ok());
                          })
                  .ok());
  EXPECT_TRUE(WaitUntil([&] { return over.load(); }));
}

// Answers by itself.
class Canned : public HttpTransport {
 public:
  class Exchange : public HttpExchange {
   public:
    Exchange(Canned* owner, HttpExchangeEvents* events) : owner_(*owner) { owner_.waiting_.push_back({this, events}); }
    ~Exchange() override {
      std::erase_if(owner_.waiting_, [this](const auto& waiting) { return waiting.first == this; });
    }
    void Resume() override {}
    bool WasSent() const override { return true; }

   private:
    Canned& owner_;
  };
  std::unique_ptr<HttpExchange> Begin(HttpExchangeRequest, HttpExchangeEvents* events) override {
    return std::make_unique<Exchange>(this, events);
  }
  void Poll(absl::Duration) override {
    while (!waiting_.empty()) {
      HttpExchangeEvents* const events = waiting_.back().second;
      waiting_.pop_back();
      events->OnHead(299, {});
      events->OnBody("canned");
      events->OnEnd({});
    }
  }
  void Wake() override {}

 private:
  std::vector<std::pair<Exchange*, HttpExchangeEvents*>> waiting_;
};

TEST_F(HttpClientTest, TransportIsReplaceable) {
  Add("a", 1);
  HttpClient http = Open({.transport = [] { return std::make_unique<Canned>(); }});
  EXPECT_EQ(http.Get("svc://Printer/")->body, "canned");
}

TEST_F(HttpClientTest, SlowTransportMakerHoldsNobodyUp) {
  Add("a", 1);
  std::atomic<int> made{0};
  std::atomic<bool> other_started{false};
  Told told;
  HttpClient http = Open({.transport = [&]() -> absl::StatusOr<std::unique_ptr<HttpTransport>> {
    if (++made == 1) {
      EXPECT_TRUE(WaitUntil([&] { return other_started.load(); }));
    }
    return std::make_unique<Canned>();
  }});
  std::thread slow([&] { EXPECT_TRUE(http.Start({.url = "svc://Printer/"}, told.done()).ok()); });
  EXPECT_TRUE(WaitUntil([&] { return made == 1; }));
  EXPECT_TRUE(http.Start({.url = "svc://Printer/"}, told.done()).ok());
  other_started = true;
  slow.join();
  EXPECT_TRUE(told.Await(2));
  EXPECT_EQ(told.CountOf(absl::StatusCode::kOk), 2);
}

}  // namespace
}  // namespace scoutlight::testing
