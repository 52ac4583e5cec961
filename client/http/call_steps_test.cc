#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "base/error.h"
#include "client/http/call_fixture.h"
#include "client/http/running_call.h"
#include "gtest/gtest.h"

// What a program puts in place of a call's steps: hooks, policy, bodies.
namespace scoutlight::client {
namespace {

constexpr absl::Duration kBackoff = absl::Milliseconds(20);
using Take = FakeTransport::Take;

class Sink : public HttpBodySink {
 public:
  absl::Status Begin(const HttpResponse& head) override {
    statuses.push_back(head.status);
    return begin_with;
  }
  absl::StatusOr<Take> Write(absl::string_view bytes) override {
    if (room < bytes.size()) return Take::kLater;
    room -= bytes.size();
    body.append(bytes.data(), bytes.size());
    return Take::kTaken;
  }

  std::vector<int> statuses;
  absl::Status begin_with;
  size_t room = 1'000'000;
  std::string body;
};

class Source : public HttpBodySource {
 public:
  absl::StatusOr<HttpPiece> Read(absl::Span<char> out) override {
    if (!failure.ok()) return failure;
    const size_t bytes = text.copy(out.data(), out.size(), place);
    place += bytes;
    return HttpPiece{bytes == 0 ? HttpPiece::Kind::kEnd : HttpPiece::Kind::kBytes, bytes};
  }
  std::optional<int64_t> length() const override { return told; }
  bool Rewind() override {
    if (rewinds) place = 0;
    return rewinds;
  }

  std::string text = "page";
  size_t place = 0;
  std::optional<int64_t> told;
  bool rewinds = false;
  absl::Status failure;
};

class CallStepsTest : public CallFixture {
 protected:
  CallStepsTest() { TellUp({"a", "b", "c"}); }

  absl::StatusOr<std::string> ReadAll(HttpBodySource* source) {
    std::string all;
    for (;;) {
      char buffer[3];
      const absl::StatusOr<HttpPiece> piece = source->Read(absl::MakeSpan(buffer));
      if (!piece.ok()) return piece.status();
      if (piece->kind != HttpPiece::Kind::kBytes) return all;
      all.append(buffer, piece->bytes);
    }
  }
};

TEST_F(CallStepsTest, RequestHookChangesHeadersOfEachAttempt) {
  std::vector<int> numbers;
  options.request_hook = [&](const HttpAttempt& attempt, HttpHeaders* headers) {
    numbers.push_back(attempt.number);
    headers->push_back({"X-Instance", attempt.pick.instance().name.id});
    return absl::OkStatus();
  };
  Begin();
  transport.newest().Break();
  Advance(kBackoff);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(transport.at(i).request().headers, (HttpHeaders{{"X-Instance", HostOf(i)}}));
  EXPECT_EQ(numbers, (std::vector<int>{1, 2}));
}

TEST_F(CallStepsTest, RequestHookRefuses) {
  options.request_hook = [](const HttpAttempt&, HttpHeaders*) { return absl::PermissionDeniedError("not there"); };
  Begin();
  EXPECT_EQ(result->status(), absl::PermissionDeniedError("not there"));
  EXPECT_EQ(transport.begun(), 0);
  options.request_hook = [](const HttpAttempt&, HttpHeaders* headers) {
    headers->push_back({"X-A", "b\r\nX-C: d"});
    return absl::OkStatus();
  };
  Begin();
  EXPECT_EQ(code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(transport.begun(), 0);
}

TEST_F(CallStepsTest, ResponseHookFailsTheAttempt) {
  options.response_hook = [](const HttpAttempt&, int status, const HttpHeaders& headers) {
    if (status == 200 && FindHeader(headers, "x-instance") == nullptr) return absl::DataLossError("who is that?");
    return absl::OkStatus();
  };
  Begin();
  transport.newest().Answer(200);
  Advance(kBackoff);
  transport.newest().Answer(200, "", {{"X-Instance", "b"}});
  EXPECT_EQ(status(), 200);
  Begin({.method = HttpMethod::kPost, .service = "Printer"});
  transport.newest().Answer(200);
  EXPECT_EQ(code(), absl::StatusCode::kDataLoss);
}

TEST_F(CallStepsTest, PolicyIsReplaceable) {
  class OnTeapots : public HttpRetryPolicy {
   public:
    std::optional<absl::Duration> RetryAfter(const HttpAttemptResult& result) const override {
      if (result.status != 418) return std::nullopt;
      return absl::Milliseconds(7);
    }
    bool IsFailure(const HttpAttemptResult&) const override { return false; }
  };
  options.retry_policy = std::make_shared<OnTeapots>();
  Begin({.method = HttpMethod::kPost, .service = "Printer"});
  transport.newest().Answer(418);
  Advance(absl::Milliseconds(6));
  EXPECT_EQ(transport.begun(), 1);
  Advance(absl::Milliseconds(1));
  EXPECT_EQ(transport.begun(), 2);
  transport.newest().Answer(503);
  EXPECT_EQ(status(), 503);
}

TEST_F(CallStepsTest, StrategyOfOneCall) {
  ResolveOptions only_b;
  only_b.filter = *discovery::Filter::Parse("hostname == \"b\"", discovery::AgeTerms::kRefused);
  for (int i = 0; i < 5; ++i) {
    Begin({.service = "Printer", .resolve = only_b});
    EXPECT_EQ(HostOf(i), "b");
  }
}

TEST_F(CallStepsTest, EqualAffinityKeysGoToOneInstance) {
  options.resolve.strategy = discovery::StrategyOptions{.kind = discovery::StrategyKind::kConsistentHash};
  for (int i = 0; i < 5; ++i) {
    Begin({.service = "Printer", .affinity_key = "job 17"});
    EXPECT_EQ(HostOf(i), HostOf(0));
  }
}

TEST_F(CallStepsTest, SinkTakesTheBody) {
  const auto sink = std::make_shared<Sink>();
  Begin({.service = "Printer", .sink = sink});
  transport.newest().Answer(503);
  Advance(kBackoff);
  EXPECT_EQ(transport.newest().Head(200), Take::kTaken);
  EXPECT_EQ(transport.newest().Body("one "), Take::kTaken);
  sink->room = 0;
  EXPECT_EQ(transport.newest().Body("two"), Take::kLater);
  sink->room = 100;
  call->Resume();
  EXPECT_EQ(transport.newest().resumed(), 1);
  EXPECT_EQ(transport.newest().Body("two"), Take::kTaken);
  transport.newest().End();
  EXPECT_EQ(status(), 200);
  EXPECT_EQ((*result)->body, "");
  EXPECT_EQ(sink->body, "one two");
  EXPECT_EQ(sink->statuses, std::vector<int>{200});
}

TEST_F(CallStepsTest, WhatASinkHasBegunIsNotRepeated) {
  const auto sink = std::make_shared<Sink>();
  Begin({.service = "Printer", .sink = sink});
  transport.newest().Head(200);
  transport.newest().Break();
  EXPECT_EQ(code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(transport.begun(), 1);
}

TEST_F(CallStepsTest, SinkEndsTheCall) {
  const auto sink = std::make_shared<Sink>();
  sink->begin_with = absl::AbortedError("no disk");
  Begin({.service = "Printer", .sink = sink});
  transport.newest().Answer(200);
  EXPECT_EQ(result->status(), absl::AbortedError("no disk"));
}

TEST_F(CallStepsTest, SourceThatWasNotReadIsUsedAgain) {
  const auto source = std::make_shared<Source>();
  Begin({.method = HttpMethod::kPost, .service = "Printer", .source = source});
  transport.newest().Break(false);
  Advance(kBackoff);
  EXPECT_EQ(*ReadAll(transport.newest().request().source), "page");
  transport.newest().Answer(200);
  EXPECT_EQ(status(), 200);
}

TEST_F(CallStepsTest, SourceThatWasReadIsUsedAgainIfItRewinds) {
  for (const bool rewinds : {false, true}) {
    const auto source = std::make_shared<Source>();
    source->rewinds = rewinds;
    Begin({.method = HttpMethod::kPut, .service = "Printer", .source = source});
    const int before = transport.begun();
    EXPECT_EQ(*ReadAll(transport.newest().request().source), "page");
    transport.newest().Break();
    Advance(kBackoff);
    EXPECT_EQ(transport.begun() - before, rewinds ? 1 : 0);
    EXPECT_EQ(result.has_value(), !rewinds);
    if (rewinds) {
      EXPECT_EQ(*ReadAll(transport.newest().request().source), "page");
    }
  }
}

TEST_F(CallStepsTest, SourceEndsTheCall) {
  const auto source = std::make_shared<Source>();
  source->failure = absl::AbortedError("no disk");
  Begin({.method = HttpMethod::kPut, .service = "Printer", .source = source});
  EXPECT_FALSE(ReadAll(transport.newest().request().source).ok());
  transport.newest().Break();
  EXPECT_EQ(result->status(), absl::AbortedError("no disk"));
  EXPECT_EQ(transport.begun(), 1);
}

TEST_F(CallStepsTest, SourceOfAnotherLengthEndsTheCall) {
  for (const int64_t told : {3, 5}) {
    const auto source = std::make_shared<Source>();
    source->told = told;
    Begin({.method = HttpMethod::kPut, .service = "Printer", .source = source});
    EXPECT_FALSE(ReadAll(transport.newest().request().source).ok()) << told;
    transport.newest().Break();
    EXPECT_EQ(result->status().message(), absl::StrCat("source: gave 4 bytes, its length is ", told));
  }
}

TEST_F(CallStepsTest, SourceIsNotHedged) {
  options.hedge_after = absl::Milliseconds(10);
  Begin({.method = HttpMethod::kPut, .service = "Printer", .source = std::make_shared<Source>()});
  Advance(absl::Seconds(1));
  EXPECT_EQ(transport.begun(), 1);
}

}  // namespace
}  // namespace scoutlight::client
