#include "client/http/running_call.h"

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/http/call_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

constexpr absl::Duration kBackoff = absl::Milliseconds(20);  // Longer than any of the first two.

class RunningCallTest : public CallFixture {};

TEST_F(RunningCallTest, SendsToAnInstanceAndGivesItsAnswer) {
  Tell({Up("a", {{"endpoint.web", "https://a:8443/api/"}})});
  Begin({.method = HttpMethod::kPost, .url = "svc://Printer/jobs?x=1", .headers = {{"X-A", "b"}}, .body = "page", .endpoint = "web"});
  ASSERT_EQ(transport.begun(), 1);
  EXPECT_EQ(transport.at(0).request().url, "https://a:8443/api/jobs?x=1");
  EXPECT_EQ(transport.at(0).request().headers, (HttpHeaders{{"X-A", "b"}}));
  EXPECT_EQ(transport.at(0).request().body, "page");
  EXPECT_FALSE(transport.at(0).request().repeatable);
  transport.at(0).Answer(201, "done", {{"X-C", "d"}});
  ASSERT_TRUE(result.has_value() && result->ok());
  EXPECT_EQ((*result)->status, 201);
  EXPECT_EQ((*result)->body, "done");
  EXPECT_EQ((*result)->headers, (HttpHeaders{{"X-C", "d"}}));
  EXPECT_EQ((*result)->instance, "a");
  EXPECT_EQ((*result)->attempts, 1);
}

TEST_F(RunningCallTest, TakesTheFirstEndpointThatIsHttp) {
  Tell({Up("a", {{"port", "1"}, {"protocol", "amqp"}, {"endpoint.web", "http://a:2/x"}})});
  Begin();
  EXPECT_EQ(transport.at(0).request().url, "http://a:2/x/");
  transport.at(0).Answer(200);
  Begin({.service = "Printer", .endpoint = "amqp"});
  EXPECT_EQ(code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(RunningCallTest, IdempotentIsRepeatedOnAnotherInstance) {
  TellUp({"a", "b", "c"});
  Begin();
  transport.at(0).Break();
  EXPECT_EQ(transport.begun(), 1);
  Advance(kBackoff);
  transport.at(1).Answer(503);
  Advance(kBackoff);
  transport.at(2).Answer(200);
  EXPECT_EQ(status(), 200);
  EXPECT_EQ((*result)->attempts, 3);
  EXPECT_EQ((std::set<std::string>{HostOf(0), HostOf(1), HostOf(2)}).size(), 3u);
}

TEST_F(RunningCallTest, RetryAfterIsWaitedForIfItIsShort) {
  TellUp({"a", "b"});
  Begin();
  transport.at(0).Answer(503, "", {{"Retry-After", "1"}});
  Advance(absl::Milliseconds(999));
  EXPECT_EQ(transport.begun(), 1);
  Advance(absl::Milliseconds(1));
  transport.at(1).Answer(429, "slower", {{"Retry-After", "60"}});
  EXPECT_EQ(status(), 429);
  EXPECT_EQ((*result)->body, "slower");
}

TEST_F(RunningCallTest, SentPostIsNotRepeated) {
  TellUp({"a", "b"});
  Begin({.method = HttpMethod::kPost, .service = "Printer"});
  transport.at(0).Break(true);
  EXPECT_EQ(code(), absl::StatusCode::kUnavailable);
  Begin({.method = HttpMethod::kPost, .service = "Printer"});
  transport.at(1).Answer(503, "busy");
  EXPECT_EQ(status(), 503);
  EXPECT_EQ((*result)->body, "busy");
  Advance(absl::Minutes(1));
  EXPECT_EQ(transport.begun(), 2);
}

TEST_F(RunningCallTest, PostOfWhichNothingWasSentIsRepeated) {
  TellUp({"a", "b"});
  Begin({.method = HttpMethod::kPost, .service = "Printer"});
  transport.at(0).Break(false);
  Advance(kBackoff);
  transport.at(1).Answer(200);
  EXPECT_EQ(status(), 200);
}

TEST_F(RunningCallTest, PostThatSaysSoIsRepeated) {
  TellUp({"a", "b"});
  Begin({.method = HttpMethod::kPost, .service = "Printer", .idempotent = true});
  EXPECT_TRUE(transport.at(0).request().repeatable);
  transport.at(0).Break(true);
  Advance(kBackoff);
  transport.at(1).Answer(200);
  EXPECT_EQ(status(), 200);
}

TEST_F(RunningCallTest, LastAnswerIsGivenWhenAttemptsAreUsedUp) {
  TellUp({"a", "b", "c", "d"});
  Begin();
  for (int i = 0; i < 3; ++i) {
    transport.newest().Answer(503, absl::StrCat("busy ", i));
    Advance(kBackoff);
  }
  EXPECT_EQ(transport.begun(), 3);
  EXPECT_EQ(status(), 503);
  EXPECT_EQ((*result)->body, "busy 2");
}

TEST_F(RunningCallTest, LastErrorNamesInstanceAndAttempt) {
  options.attempts_max = 2;
  TellUp({"a"});
  Begin();
  transport.newest().Break();
  Advance(kBackoff);
  transport.newest().Break();
  EXPECT_EQ(result->status(), absl::UnavailableError("Printer/a, attempt 2: connection reset"));
}

TEST_F(RunningCallTest, OnlyInstanceIsTriedAgain) {
  TellUp({"a"});
  Begin();
  transport.newest().Break();
  Advance(kBackoff);
  transport.newest().Answer(200);
  EXPECT_EQ(status(), 200);
}

TEST_F(RunningCallTest, BudgetEndsRetries) {
  options.retry_budget = {.percent = 0, .per_second = 0, .burst = 1};
  TellUp({"a", "b"});
  Begin();
  transport.newest().Break();
  Advance(kBackoff);
  transport.newest().Break();
  EXPECT_EQ(code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(transport.begun(), 2);
  Begin();
  transport.newest().Answer(503, "busy");
  EXPECT_EQ(status(), 503);
  EXPECT_EQ((*result)->body, "busy");
  EXPECT_EQ(transport.begun(), 3);
}

TEST_F(RunningCallTest, RetryThatWouldComeTooLateIsNotMade) {
  options.timeout = absl::Milliseconds(3);
  TellUp({"a", "b"});
  Begin();
  transport.newest().Break();
  EXPECT_EQ(code(), absl::StatusCode::kUnavailable);
}

TEST_F(RunningCallTest, WholeTimeoutEndsTheCall) {
  options.timeout = absl::Seconds(2);
  TellUp({"a"});
  Begin();
  Advance(absl::Milliseconds(1'999));
  EXPECT_FALSE(result.has_value());
  Advance(absl::Milliseconds(1));
  EXPECT_EQ(code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(transport.at(0).is_cancelled());
}

TEST_F(RunningCallTest, AttemptTimeoutIsAFailedAttempt) {
  options.attempt_timeout = absl::Milliseconds(100);
  TellUp({"a", "b"});
  Begin();
  Advance(absl::Milliseconds(100) + kBackoff);
  EXPECT_TRUE(transport.at(0).is_cancelled());
  transport.at(1).Answer(200);
  EXPECT_EQ(status(), 200);
  Begin({.method = HttpMethod::kPost, .service = "Printer"});
  Advance(absl::Milliseconds(100));
  EXPECT_EQ(code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(transport.begun(), 3);
}

TEST_F(RunningCallTest, PostThatWasStillConnectingIsRepeatedAfterItsAttempt) {
  options.attempt_timeout = absl::Milliseconds(100);
  TellUp({"a", "b"});
  Begin({.method = HttpMethod::kPost, .service = "Printer"});
  transport.at(0).set_sent(false);
  Advance(absl::Milliseconds(100) + kBackoff);
  ASSERT_EQ(transport.begun(), 2);
  transport.at(1).Answer(200);
  EXPECT_EQ(status(), 200);
}

TEST_F(RunningCallTest, WaitsForWhatIsNotKnownYet) {
  Begin();
  Advance(absl::Milliseconds(200));
  EXPECT_FALSE(result.has_value());
  EXPECT_EQ(transport.begun(), 0);
  TellUp({"a"});
  Advance(absl::Milliseconds(50));
  transport.newest().Answer(200);
  EXPECT_EQ(status(), 200);
}

TEST_F(RunningCallTest, WaitsNoLongerThanResolveTimeout) {
  options.resolve_timeout = absl::Milliseconds(300);
  Begin();
  Advance(absl::Milliseconds(299));
  EXPECT_FALSE(result.has_value());
  Advance(absl::Milliseconds(1));
  EXPECT_EQ(ReasonOf(result->status()), Reason::kCatalogLoading);
}

TEST_F(RunningCallTest, ServiceWithoutInstancesIsAnErrorAtOnce) {
  Tell({});
  Begin();
  EXPECT_EQ(ReasonOf(result->status()), Reason::kServiceNotFound);
}

TEST_F(RunningCallTest, LastErrorIsToldWhenNobodyIsLeft) {
  TellUp({"a"});
  Begin();
  transport.newest().Break();
  locator.Deliver(Changes(11, {}, {"a"}));
  Advance(kBackoff);
  EXPECT_EQ(code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(result->status().message(), "connection reset; then none was left")) << result->status();
}

TEST_F(RunningCallTest, CancelEndsItOnce) {
  TellUp({"a"});
  Begin();
  call->Cancel(absl::CancelledError("cancelled"));
  call->Cancel(absl::CancelledError("cancelled"));
  EXPECT_EQ(code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(transport.at(0).is_cancelled());
  Advance(absl::Minutes(1));
  EXPECT_EQ(transport.begun(), 1);
}

TEST_F(RunningCallTest, CancelDuringBackoffBeginsNothing) {
  TellUp({"a"});
  Begin();
  transport.newest().Break();
  call->Cancel(absl::CancelledError("cancelled"));
  Advance(kBackoff);
  EXPECT_EQ(transport.begun(), 1);
}

TEST_F(RunningCallTest, BrokenBodyIsRepeated) {
  TellUp({"a", "b"});
  Begin();
  EXPECT_EQ(transport.at(0).Head(200), FakeTransport::Take::kTaken);
  EXPECT_EQ(transport.at(0).Body("half"), FakeTransport::Take::kTaken);
  transport.at(0).Break();
  Advance(kBackoff);
  transport.at(1).Answer(200, "whole");
  ASSERT_EQ(status(), 200);
  EXPECT_EQ((*result)->body, "whole");
}

TEST_F(RunningCallTest, ResponseIsBounded) {
  options.response_bytes_max = 4;
  TellUp({"a", "b"});
  Begin();
  transport.newest().Answer(200, "four");
  EXPECT_EQ(status(), 200);
  Begin();
  transport.newest().Answer(200, "five!");
  EXPECT_EQ(code(), absl::StatusCode::kResourceExhausted);
  Begin();
  EXPECT_EQ(transport.newest().Head(200, {{"Content-Length", "5"}}), FakeTransport::Take::kStop);
  transport.newest().End(absl::CancelledError("stopped"));
  EXPECT_EQ(result->status().message(), "response_bytes_max: the response has 5 bytes, at most 4 are taken");
  Begin({.method = HttpMethod::kHead, .service = "Printer"});
  transport.newest().Answer(200, "", {{"Content-Length", "5"}});
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(transport.begun(), 4);
}

// Outcomes: the strategy is told by EjectionOptions::failures_in_row (5).
TEST_F(RunningCallTest, FailuresEjectTheInstance) {
  options.attempts_max = 1;
  TellUp({"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"});
  std::string bad;
  for (int i = 0; i < 200; ++i) {
    Begin();
    const std::string host = HostOf(transport.begun() - 1);
    if (bad.empty()) bad = host;
    if (host == bad) {
      transport.newest().Answer(503);
    } else {
      transport.newest().Answer(500);
    }
  }
  int to_bad = 0;
  for (int i = 0; i < transport.begun(); ++i) to_bad += HostOf(i) == bad;
  EXPECT_EQ(to_bad, 5);
}

TEST_F(RunningCallTest, CancelledAttemptsBlameNobody) {
  TellUp({"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"});
  for (int i = 0; i < 200; ++i) {
    Begin();
    call->Cancel(absl::CancelledError("cancelled"));
  }
  std::set<std::string> late;
  for (int i = 180; i < 200; ++i) late.insert(HostOf(i));
  EXPECT_EQ(late.size(), 11u);
}

}  // namespace
}  // namespace scoutlight::client
