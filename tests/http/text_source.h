#ifndef SCOUTLIGHT_TESTS_HTTP_TEXT_SOURCE_H_
#define SCOUTLIGHT_TESTS_HTTP_TEXT_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/mutex.h"
#include "client/http_body.h"

namespace scoutlight::testing {

// Gives a text, with a pause after every so many bytes. Thread-safe.
class TextSource : public HttpBodySource {
 public:
  struct Options {
    bool has_length = false;
    size_t pause_after = 0;  // 0: never.
  };
  TextSource(std::string text, Options options) : text_(std::move(text)), options_(options) {}

  absl::StatusOr<HttpPiece> Read(absl::Span<char> out) override {
    MutexLock lock(&mu_);
    if (options_.pause_after > 0 && since_pause_ >= options_.pause_after) {
      since_pause_ = 0;
      ++pauses_;
      return HttpPiece{HttpPiece::Kind::kNotYet};
    }
    const size_t bytes = text_.copy(out.data(), out.size(), place_);
    place_ += bytes;
    since_pause_ += bytes;
    return HttpPiece{bytes == 0 ? HttpPiece::Kind::kEnd : HttpPiece::Kind::kBytes, bytes};
  }
  std::optional<int64_t> length() const override { return options_.has_length ? std::optional<int64_t>(text_.size()) : std::nullopt; }
  bool Rewind() override {
    MutexLock lock(&mu_);
    place_ = 0;
    return true;
  }
  int pauses() const {
    MutexLock lock(&mu_);
    return pauses_;
  }

 private:
  const std::string text_;
  const Options options_;
  mutable Mutex mu_;
  size_t place_ ABSL_GUARDED_BY(mu_) = 0;
  size_t since_pause_ ABSL_GUARDED_BY(mu_) = 0;
  int pauses_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_HTTP_TEXT_SOURCE_H_
