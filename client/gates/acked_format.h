#ifndef SCOUTLIGHT_CLIENT_GATES_ACKED_FORMAT_H_
#define SCOUTLIGHT_CLIENT_GATES_ACKED_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "client/message.h"

namespace scoutlight::client {

// What goes over the sockets of acked delivery, which are REQ and REP: nng's own framing lies around it. Numbers are big-endian.
//
//   request  := version:1 id queue body
//   answer   := version:1 id verdict:1
//   version  := 0x01
//   id       := sender:8 sequence:8          sequence is not 0
//   queue    := length:1 byte{length}        of the queue that it was pushed into, for people who look at it
//   body     := byte*                        the rest
//   verdict  := 0x01 confirmed | 0x02 refused
//
// A reader answers nothing to other versions, and passes over bytes behind what it knows of an answer. Functions are thread-safe.
inline constexpr uint8_t kAckedVersion = 1;

enum class Verdict : uint8_t { kConfirmed = 1, kRefused = 2 };

struct AckedRequest {
  MessageId id;
  absl::string_view queue;  // Of what was read.
  absl::string_view body;
};
struct AckedAnswer {
  MessageId id;
  Verdict verdict = Verdict::kRefused;
};

// Beside the body.
inline constexpr size_t kAckedRequestBytesMax = 1 + 16 + 1 + 255;

// `queue` has at most 255 bytes.
std::string EncodeRequest(const AckedRequest& request);
std::string EncodeAnswer(const AckedAnswer& answer);
// nullopt: it is none.
std::optional<AckedRequest> DecodeRequest(absl::string_view bytes);
std::optional<AckedAnswer> DecodeAnswer(absl::string_view bytes);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_ACKED_FORMAT_H_
