#ifndef SCOUTLIGHT_CLIENT_HTTP_TAPPED_SOURCE_H_
#define SCOUTLIGHT_CLIENT_HTTP_TAPPED_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/http_body.h"

namespace scoutlight::client {

// A request's source, and what became of it. Used as a source is.
class TappedSource final : public HttpBodySource {
 public:
  // Null: none.
  explicit TappedSource(std::shared_ptr<HttpBodySource> source) : source_(std::move(source)) {}

  bool is_there() const { return source_ != nullptr; }
  // Not OK: the source failed, or did not give what its length says.
  const absl::Status& error() const { return error_; }

  absl::StatusOr<HttpPiece> Read(absl::Span<char> out) override {
    read_ = true;
    absl::StatusOr<HttpPiece> piece = source_->Read(out);
    if (!piece.ok()) return error_ = piece.status();
    if (piece->kind == HttpPiece::Kind::kBytes) bytes_ += static_cast<int64_t>(piece->bytes);
    const std::optional<int64_t> length = source_->length();
    const bool ended = piece->kind == HttpPiece::Kind::kEnd;
    if (length.has_value() && (bytes_ > *length || (ended && bytes_ < *length))) {
      return error_ = absl::InvalidArgumentError(absl::StrCat("source: gave ", bytes_, " bytes, its length is ", *length));
    }
    return piece;
  }
  std::optional<int64_t> length() const override { return source_->length(); }
  // Whether what comes next is its beginning.
  bool Rewind() override {
    if (!read_) return true;
    if (!source_->Rewind()) return false;
    read_ = false;
    bytes_ = 0;
    return true;
  }

 private:
  const std::shared_ptr<HttpBodySource> source_;
  bool read_ = false;
  int64_t bytes_ = 0;
  absl::Status error_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_TAPPED_SOURCE_H_
