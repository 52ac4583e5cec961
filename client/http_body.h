#ifndef SCOUTLIGHT_CLIENT_HTTP_BODY_H_
#define SCOUTLIGHT_CLIENT_HTTP_BODY_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace scoutlight {

struct HttpResponse;

// What a source gives of a body: bytes, or nothing yet, or nothing any more.
struct HttpPiece {
  enum class Kind { kBytes, kNotYet, kEnd };
  Kind kind = Kind::kEnd;
  size_t bytes = 0;  // With kBytes: at least 1.
};

// Gives the body of a request while it is sent. Called by one thread at a time: that of HttpClient::Call, which it may block (no timeout
// passes meanwhile), or the client's loop, which it must not block.
class HttpBodySource {
 public:
  virtual ~HttpBodySource() = default;

  // Writes up to `out.size()` bytes to it. kNotYet: there are none at the moment, HttpCall::Resume() asks again; not with
  // HttpClient::Call, where nobody could. An error ends the call with it.
  virtual absl::StatusOr<HttpPiece> Read(absl::Span<char> out) = 0;
  // In bytes; nullopt: not known, the body is sent in chunks. Less or more than that ends the call.
  virtual std::optional<int64_t> length() const { return std::nullopt; }
  // Begins anew. False: it cannot, so that a request of which it has been read is not repeated.
  virtual bool Rewind() { return false; }
};

// Takes the body of a response as it comes. Called as a source is.
class HttpBodySink {
 public:
  enum class Take { kTaken, kLater };

  virtual ~HttpBodySink() = default;

  // Status and headers of the response that is to come; the call is not repeated after this. An error ends the call with it.
  virtual absl::Status Begin(const HttpResponse& /*head*/) { return absl::OkStatus(); }
  // kLater: no room at the moment; the server is held back, and the same bytes come again after HttpCall::Resume(); not with
  // HttpClient::Call. An error ends the call with it.
  virtual absl::StatusOr<Take> Write(absl::string_view bytes) = 0;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_HTTP_BODY_H_
