#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "client/http_client.h"
#include "gtest/gtest.h"
#include "tests/http/hostile_server.h"
#include "tests/http/http_fixture.h"

// What is sent again, and what never is, over real sockets.
namespace scoutlight::testing {
namespace {

using Then = Deed::Then;

HostileServer::Behaviour Always(Deed deed) {
  return [deed](const SeenRequest&) { return deed; };
}

class RetriesTest : public HttpFixture {
 protected:
  // One that does `deed`, and one that answers; each gets every other first attempt.
  void AddBadAndGood(const Deed& deed) {
    bad_ = std::make_unique<HostileServer>(Always(deed));
    good_ = std::make_unique<HostileServer>(Always(Answer(200, "good")));
    Add("bad", bad_->port());
    Add("good", good_->port());
  }

  std::unique_ptr<HostileServer> bad_;
  std::unique_ptr<HostileServer> good_;
};

// How an instance may take a request in and not answer it.
const std::vector<Deed>& Silences() {
  static const auto& silences = *new std::vector<Deed>{
      {"", Then::kClose}, {"", Then::kReset}, {"HTTP/1.1 200 OK\r\nContent-Le", Then::kClose}, {"HTTP/1.1 200 OK\r\n", Then::kReset}};
  return silences;
}

TEST_F(RetriesTest, GetIsSentAgainElsewhere) {
  for (const Deed& deed : Silences()) {
    AddBadAndGood(deed);
    HttpClient http = Open();
    for (int i = 0; i < 10; ++i) {
      const absl::StatusOr<HttpResponse> response = http.Get("svc://Printer/");
      ASSERT_TRUE(response.ok()) << response.status();
      EXPECT_EQ(response->body, "good");
    }
    EXPECT_GT(bad_->Count(), 0);
    EXPECT_EQ(good_->Count(), 10);
  }
}

TEST_F(RetriesTest, PostIsSentOnce) {
  for (const Deed& deed : Silences()) {
    for (const char* const body : {"", "page"}) {
      AddBadAndGood(deed);
      HttpClient http = Open();
      int failed = 0;
      for (int i = 0; i < 10; ++i) failed += !http.Post("svc://Printer/", body).ok();
      EXPECT_EQ(failed, bad_->Count());
      EXPECT_EQ(bad_->Count() + good_->Count(), 10);
      EXPECT_GT(failed, 0);
    }
  }
}

// libcurl by itself sends a request again when a connection that it reused ends before an answer.
TEST_F(RetriesTest, PostIsSentOnceOverAConnectionThatWasUsedBefore) {
  for (const Then then : {Then::kClose, Then::kReset}) {
    for (const size_t bytes : {0, 4, 100'000}) {
      const std::string body(bytes, 'x');
      HostileServer server([then](const SeenRequest& request) { return request.on_connection == 0 ? Answer(200) : Deed{"", then}; });
      Add("a", server.port());
      HttpClient http = Open();
      ASSERT_TRUE(http.Post("svc://Printer/", body).ok());
      const absl::StatusOr<HttpResponse> second = http.Post("svc://Printer/", body);
      EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable) << second.status();
      EXPECT_EQ(server.Count(), 2);
    }
  }
}

TEST_F(RetriesTest, GetOverAConnectionThatWasUsedBeforeIsSentAgain) {
  HostileServer server([](const SeenRequest& request) { return request.on_connection == 0 ? Answer(200) : Deed{"", Then::kClose}; });
  Add("a", server.port());
  HttpClient http = Open({.attempts_max = 1});
  for (int i = 0; i < 10; ++i) {
    const absl::StatusOr<HttpResponse> response = http.Get("svc://Printer/");
    EXPECT_TRUE(response.ok()) << response.status();
  }
}

TEST_F(RetriesTest, PostGoesElsewhereIfNobodyListens) {
  HostileServer good(Always(Answer(200)));
  Add("gone", FreePort());
  Add("good", good.port());
  HttpClient http = Open();
  for (int i = 0; i < 20; ++i) {
    const absl::StatusOr<HttpResponse> response = http.Post("svc://Printer/", "page");
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->instance, "good");
  }
  EXPECT_EQ(good.Count("POST"), 20);
}

TEST_F(RetriesTest, GatewayErrorsAreRepeatedIfThatIsSafe) {
  AddBadAndGood(Answer(503, "busy"));
  HttpClient http = Open();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(http.Get("svc://Printer/")->status, 200);
  int busy = 0;
  for (int i = 0; i < 10; ++i) busy += http.Post("svc://Printer/", "page")->status == 503;
  EXPECT_EQ(busy, 5);
  EXPECT_EQ(bad_->Count("POST"), 5);
}

TEST_F(RetriesTest, OtherErrorsAreAnswers) {
  AddBadAndGood(Answer(500, "no paper"));
  HttpClient http = Open();
  int wrong = 0;
  for (int i = 0; i < 10; ++i) wrong += http.Get("svc://Printer/")->body == "no paper";
  EXPECT_EQ(wrong, 5);
}

TEST_F(RetriesTest, StalledAttemptIsGivenUpForAnother) {
  AddBadAndGood({"", Then::kStall});
  HttpClient http = Open({.attempt_timeout = absl::Milliseconds(500)});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(http.Get("svc://Printer/").ok());
  int late = 0;
  for (int i = 0; i < 4; ++i) late += http.Post("svc://Printer/", "page").status().code() == absl::StatusCode::kDeadlineExceeded;
  EXPECT_GE(late, 2);
  EXPECT_TRUE(WaitUntil([&] { return bad_->Count("POST") + good_->Count("POST") == 4; }));
}

TEST_F(RetriesTest, BodyThatBreaksOffIsReadAgainElsewhere) {
  AddBadAndGood({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", Then::kClose});
  HttpClient http = Open();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(http.Get("svc://Printer/")->body, "good");
  int broken = 0;
  for (int i = 0; i < 10; ++i) broken += !http.Post("svc://Printer/", "page").ok();
  EXPECT_EQ(broken, 5);
  EXPECT_EQ(bad_->Count("POST") + good_->Count("POST"), 10);
}

TEST_F(RetriesTest, BudgetBoundsThem) {
  HostileServer server(Always(Answer(503)));
  Add("a", server.port());
  HttpClient http = Open({.retry_budget = {.percent = 10, .per_second = 0, .burst = 7}});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(http.Get("svc://Printer/")->status, 503);
  // Each of the hundred gives a tenth, but not above the burst.
  EXPECT_GE(server.Count(), 100 + 7);
  EXPECT_LE(server.Count(), 100 + 7 + 10);
}

TEST_F(RetriesTest, HedgesAreBoundedAndBeatAStall) {
  AddBadAndGood({"", Then::kStall});
  {
    HttpClient http = Open({.retry_budget = {.percent = 0, .per_second = 0, .burst = 100}, .hedge_after = absl::Milliseconds(20)});
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(http.Get("svc://Printer/").ok());
    EXPECT_LE(bad_->Count() + good_->Count(), 20);
  }
  const int before = bad_->Count() + good_->Count();
  HttpClient http = Open({.timeout = absl::Milliseconds(300),
                          .retry_budget = {.percent = 0, .per_second = 0, .burst = 3},
                          .hedge_after = absl::Milliseconds(20)});
  int late = 0;
  for (int i = 0; i < 10; ++i) {
    const absl::StatusCode code = http.Get("svc://Printer/").status().code();
    late += code == absl::StatusCode::kDeadlineExceeded;
    EXPECT_TRUE(code == absl::StatusCode::kOk || code == absl::StatusCode::kDeadlineExceeded) << code;
  }
  EXPECT_GT(late, 0);
  // What was cancelled may not have been read yet.
  EXPECT_TRUE(WaitUntil([&] { return bad_->Count() + good_->Count() - before == 10 + 3; }));
  // What lost was cancelled.
  EXPECT_TRUE(WaitUntil([&] { return good_->open() <= 1; }));
}

TEST_F(RetriesTest, InstanceThatReadsNothingIsGivenUp) {
  HostileServer server(Always(Answer(200)), HostileServer::Reads::kNothing);
  Add("a", server.port());
  HttpClient http = Open({.timeout = absl::Milliseconds(300)});
  EXPECT_EQ(http.Put("svc://Printer/", std::string(20'000'000, 'x')).status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(RetriesTest, NonsenseIsNoAnswer) {
  const std::string endless(100'000, 'x');
  const std::vector<std::string> nonsense = {
      "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nX-A: " + endless + "\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnothing of that kind\r\n", "HTTP/1.1 100 Continue\r\n\r\n"};
  for (const std::string& bytes : nonsense) {
    AddBadAndGood({bytes, Then::kClose});
    HttpClient http = Open();
    for (int i = 0; i < 4; ++i) EXPECT_EQ(http.Get("svc://Printer/")->body, "good");
    int failed = 0;
    for (int i = 0; i < 4; ++i) failed += !http.Post("svc://Printer/", "").ok();
    EXPECT_EQ(failed, 2) << bytes.substr(0, 40);
    EXPECT_EQ(bad_->Count("POST"), 2);
  }
}

TEST_F(RetriesTest, HeadersWithoutEndAreAnError) {
  std::string lines;
  for (int i = 0; i < 5'000; ++i) lines += "X-A: bbbbbbbbbbbb\r\n";
  HostileServer server(Always({"HTTP/1.1 200 OK\r\n" + lines, Then::kClose}));
  Add("a", server.port());
  HttpClient http = Open();
  EXPECT_EQ(http.Post("svc://Printer/", "").status().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace scoutlight::testing
