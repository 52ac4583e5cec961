#include "client/gates/acked_format.h"

#include <cassert>

namespace scoutlight::client {
namespace {

constexpr size_t kIdBytes = 16;

void AppendNumber(uint64_t number, std::string* bytes) {
  for (int shift = 56; shift >= 0; shift -= 8) bytes->push_back(static_cast<char>(number >> shift));
}

uint64_t ReadNumber(absl::string_view bytes) {
  uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return number;
}

// The version and the id that both begin with.
std::string EncodeHead(const MessageId& id) {
  std::string bytes(1, static_cast<char>(kAckedVersion));
  AppendNumber(id.sender, &bytes);
  AppendNumber(id.sequence, &bytes);
  return bytes;
}

// Takes them off.
std::optional<MessageId> DecodeHead(absl::string_view* bytes) {
  if (bytes->size() < 1 + kIdBytes || static_cast<uint8_t>(bytes->front()) != kAckedVersion) return std::nullopt;
  const MessageId id = {.sender = ReadNumber(bytes->substr(1)), .sequence = ReadNumber(bytes->substr(9))};
  if (id.sequence == 0) return std::nullopt;
  bytes->remove_prefix(1 + kIdBytes);
  return id;
}

}  // namespace

std::string EncodeRequest(const AckedRequest& request) {
  assert(request.queue.size() <= 255);
  std::string bytes = EncodeHead(request.id);
  bytes.push_back(static_cast<char>(request.queue.size()));
  bytes.append(request.queue.data(), request.queue.size());
  bytes.append(request.body.data(), request.body.size());
  return bytes;
}

std::string EncodeAnswer(const AckedAnswer& answer) {
  std::string bytes = EncodeHead(answer.id);
  bytes.push_back(static_cast<char>(answer.verdict));
  return bytes;
}

std::optional<AckedRequest> DecodeRequest(absl::string_view bytes) {
  const std::optional<MessageId> id = DecodeHead(&bytes);
  if (!id.has_value() || bytes.empty()) return std::nullopt;
  const size_t queue_bytes = static_cast<uint8_t>(bytes.front());
  bytes.remove_prefix(1);
  if (bytes.size() < queue_bytes) return std::nullopt;
  return AckedRequest{.id = *id, .queue = bytes.substr(0, queue_bytes), .body = bytes.substr(queue_bytes)};
}

std::optional<AckedAnswer> DecodeAnswer(absl::string_view bytes) {
  const std::optional<MessageId> id = DecodeHead(&bytes);
  if (!id.has_value() || bytes.empty()) return std::nullopt;
  const uint8_t verdict = static_cast<uint8_t>(bytes.front());
  if (verdict != static_cast<uint8_t>(Verdict::kConfirmed) && verdict != static_cast<uint8_t>(Verdict::kRefused)) return std::nullopt;
  return AckedAnswer{.id = *id, .verdict = static_cast<Verdict>(verdict)};
}

}  // namespace scoutlight::client
