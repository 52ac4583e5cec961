#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "client/http_client.h"
#include "gtest/gtest.h"
#include "tests/http/hostile_server.h"
#include "tests/http/http_fixture.h"
#include "tests/http/text_source.h"

// Bodies that are read and written while a call runs.
namespace scoutlight::testing {
namespace {

constexpr size_t kLarge = 3'000'000;

std::string Pattern(size_t bytes) {
  std::string text;
  text.reserve(bytes + 16);
  for (size_t i = 0; text.size() < bytes; ++i) absl::StrAppend(&text, i, ",");
  text.resize(bytes);
  return text;
}

// Keeps what it takes, while it has room. Thread-safe.
class TextSink : public HttpBodySink {
 public:
  explicit TextSink(size_t room) : room_(room) {}

  absl::Status Begin(const HttpResponse& head) override {
    MutexLock lock(&mu_);
    status_ = head.status;
    return absl::OkStatus();
  }
  absl::StatusOr<Take> Write(absl::string_view bytes) override {
    MutexLock lock(&mu_);
    if (bytes.size() > room_) {
      full_ = true;
      return Take::kLater;
    }
    room_ -= bytes.size();
    body_.append(bytes.data(), bytes.size());
    return Take::kTaken;
  }
  // Whether it was full; has room for so much more then.
  bool MakeRoom(size_t bytes) {
    MutexLock lock(&mu_);
    if (!full_) return false;
    full_ = false;
    room_ += bytes;
    return true;
  }
  bool is_full() const {
    MutexLock lock(&mu_);
    return full_;
  }
  std::string body() const {
    MutexLock lock(&mu_);
    return body_;
  }
  int status() const {
    MutexLock lock(&mu_);
    return status_;
  }

 private:
  mutable Mutex mu_;
  size_t room_ ABSL_GUARDED_BY(mu_);
  bool full_ ABSL_GUARDED_BY(mu_) = false;
  int status_ ABSL_GUARDED_BY(mu_) = 0;
  std::string body_ ABSL_GUARDED_BY(mu_);
};

// What a started call ended with.
class Ended {
 public:
  HttpDone done() {
    return [this](absl::StatusOr<HttpResponse> response) {
      MutexLock lock(&mu_);
      response_ = std::move(response);
    };
  }
  std::optional<absl::StatusOr<HttpResponse>> response() const {
    MutexLock lock(&mu_);
    return response_;
  }
  bool Await() {
    return WaitUntil([this] { return response().has_value(); });
  }

 private:
  mutable Mutex mu_;
  std::optional<absl::StatusOr<HttpResponse>> response_ ABSL_GUARDED_BY(mu_);
};

class StreamsTest : public HttpFixture {
 protected:
  const std::string large_ = Pattern(kLarge);
};

TEST_F(StreamsTest, SourceIsSentWithItsLengthOrInChunks) {
  HostileServer server([](const SeenRequest&) { return Answer(200); });
  Add("a", server.port());
  HttpClient http = Open();
  for (const bool has_length : {true, false}) {
    for (const size_t bytes : {size_t{0}, size_t{1}, kLarge}) {
      const absl::StatusOr<HttpResponse> response =
          http.Call({.method = HttpMethod::kPut,
                     .url = "svc://Printer/",
                     .source = std::make_shared<TextSource>(large_.substr(0, bytes), TextSource::Options{.has_length = has_length})});
      ASSERT_TRUE(response.ok()) << response.status();
      const SeenRequest seen = server.seen().back();
      EXPECT_TRUE(seen.body == large_.substr(0, bytes)) << bytes;
      EXPECT_EQ(seen.headers.count("content-length"), has_length ? 1u : 0u);
      EXPECT_EQ(seen.headers.count("transfer-encoding"), has_length ? 0u : 1u);
    }
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(StreamsTest, SourceIsReadAnewForTheNextInstance) {
  HostileServer bad([](const SeenRequest&) { return Deed{"", Deed::Then::kReset}; });
  HostileServer good([](const SeenRequest&) { return Answer(200); });
  Add("bad", bad.port());
  Add("good", good.port());
  HttpClient http = Open();
  for (int i = 0; i < 4; ++i) {
    const absl::StatusOr<HttpResponse> response = http.Call(
        {.method = HttpMethod::kPut, .url = "svc://Printer/", .source = std::make_shared<TextSource>(large_, TextSource::Options{})});
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_TRUE(good.seen().back().body == large_);
  }
  EXPECT_GT(bad.Count(), 0);
}

TEST_F(StreamsTest, SourceWithoutBytesIsAskedAgain) {
  HostileServer server([](const SeenRequest&) { return Answer(200); });
  Add("a", server.port());
  HttpClient http = Open();
  const auto source = std::make_shared<TextSource>(large_, TextSource::Options{.pause_after = 1'000'000});
  Ended ended;
  absl::StatusOr<HttpCall> call = http.Start({.method = HttpMethod::kPost, .url = "svc://Printer/", .source = source}, ended.done());
  ASSERT_TRUE(call.ok());
  for (int pause = 1; pause <= 2; ++pause) {
    ASSERT_TRUE(WaitUntil([&] { return source->pauses() == pause; }));
    call->Resume();
  }
  ASSERT_TRUE(WaitUntil([&] {
    call->Resume();
    return ended.response().has_value();
  }));
  EXPECT_TRUE(ended.response()->ok()) << ended.response()->status();
  EXPECT_TRUE(server.seen().back().body == large_);
}

TEST_F(StreamsTest, SinkTakesABodyOfAnySize) {
  HostileServer server([&](const SeenRequest&) { return Answer(203, large_); });
  Add("a", server.port());
  HttpClient http = Open({.response_bytes_max = 10});
  const auto sink = std::make_shared<TextSink>(kLarge);
  const absl::StatusOr<HttpResponse> response = http.Call({.url = "svc://Printer/", .sink = sink});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(sink->status(), 203);
  EXPECT_TRUE(sink->body() == large_);
  EXPECT_EQ(http.Get("svc://Printer/").status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(StreamsTest, FullSinkHoldsTheServerBack) {
  constexpr size_t kHuge = 64'000'000;
  HostileServer server([&](const SeenRequest& request) {
    if (request.target == "/end") return Answer(200);
    return Answer(200, std::string(kHuge, 'x'));
  });
  Add("a", server.port());
  HttpClient http = Open();
  const auto sink = std::make_shared<TextSink>(100'000);
  Ended ended;
  absl::StatusOr<HttpCall> call = http.Start({.url = "svc://Printer/", .sink = sink}, ended.done());
  ASSERT_TRUE(call.ok());
  ASSERT_TRUE(WaitUntil([&] { return sink->is_full(); }));
  EXPECT_LE(sink->body().size(), 100'000u);
  // Other calls go on.
  EXPECT_TRUE(http.Get("svc://Printer/end").ok());
  EXPECT_FALSE(ended.response().has_value());
  ASSERT_TRUE(WaitUntil([&] {
    if (sink->MakeRoom(10'000'000)) call->Resume();
    return ended.response().has_value();
  }));
  EXPECT_TRUE(ended.response()->ok()) << ended.response()->status();
  EXPECT_EQ(sink->body().size(), kHuge);
}

TEST_F(StreamsTest, FullSinkDoesNotOutlastTheTimeout) {
  HostileServer server([&](const SeenRequest&) { return Answer(200, large_); });
  Add("a", server.port());
  HttpClient http = Open({.timeout = absl::Milliseconds(200)});
  Ended ended;
  ASSERT_TRUE(http.Start({.url = "svc://Printer/", .sink = std::make_shared<TextSink>(0)}, ended.done()).ok());
  ASSERT_TRUE(ended.Await());
  EXPECT_EQ(ended.response()->status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(StreamsTest, SinkEndsACallWhileItResumes) {
  class Refusing : public TextSink {
   public:
    Refusing() : TextSink(0) {}
    absl::StatusOr<Take> Write(absl::string_view bytes) override {
      if (refuses.load()) return absl::AbortedError("no disk");
      return TextSink::Write(bytes);
    }
    std::atomic<bool> refuses{false};
  };
  HostileServer server([&](const SeenRequest&) { return Answer(200, large_); });
  Add("a", server.port());
  HttpClient http = Open();
  const auto sink = std::make_shared<Refusing>();
  Ended ended;
  absl::StatusOr<HttpCall> call = http.Start({.url = "svc://Printer/", .sink = sink}, ended.done());
  ASSERT_TRUE(call.ok());
  ASSERT_TRUE(WaitUntil([&] { return sink->is_full(); }));
  sink->refuses = true;
  call->Resume();
  ASSERT_TRUE(ended.Await());
  EXPECT_EQ(ended.response()->status(), absl::AbortedError("no disk"));
}

}  // namespace
}  // namespace scoutlight::testing
