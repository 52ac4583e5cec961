#include "server/discovery/resolve_answer.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstdint>

#include "absl/strings/string_view.h"
#include "discovery/endpoint.h"
#include "server/discovery/instance_conversion.h"
#include "server/request_fields.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;
using Response = wire::ResolveResponse;

// Messages and texts look alike: tag, length, bytes. All tags here are of one byte.
static_assert(Response::kBehindFieldNumber < 16 && Response::kGuardedFieldNumber < 16 && Response::Pick::kEndpointFieldNumber < 16);

size_t BytesOf(size_t content) { return 1 + CodedOutputStream::VarintSize64(content) + content; }

uint8_t* WriteHead(int field, size_t content, uint8_t* at) {
  at = WireFormatLite::WriteTagToArray(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED, at);
  return CodedOutputStream::WriteVarint64ToArray(content, at);
}

uint8_t* WriteBytes(int field, absl::string_view content, uint8_t* at) {
  at = WriteHead(field, content.size(), at);
  return CodedOutputStream::WriteRawToArray(content.data(), static_cast<int>(content.size()), at);
}

discovery::EncodedInstance EncodeInstance(const discovery::Instance& instance) {
  wire::Instance message;
  FillInstance(instance, &message);
  discovery::EncodedInstance encoded{.message = message.SerializeAsString(), .first_endpoint = ""};
  if (message.endpoints_size() > 0) encoded.first_endpoint = message.endpoints(0).SerializeAsString();
  return encoded;
}

std::string EncodeEndpoint(const discovery::Instance& instance, const std::string& selector) {
  const discovery::Endpoints read = discovery::ReadEndpoints(instance.properties);
  const discovery::Endpoint* const picked = discovery::PickEndpoint(read.endpoints, selector);
  if (picked == nullptr) return "";
  wire::Endpoint message;
  FillEndpoint(*picked, &message);
  return message.SerializeAsString();
}

}  // namespace

bool ResolveAnswer::AddPick(discovery::InstancePtr instance, const std::string& selector, size_t bytes_max) {
  Shown shown{.first_endpoint = selector.empty()};
  shown.encoded = &instance->encoded.Get([&instance] { return EncodeInstance(*instance); });
  if (!shown.first_endpoint) shown.other_endpoint = EncodeEndpoint(*instance, selector);
  shown.instance = std::move(instance);
  const size_t bytes = BytesOf(shown.bytes());
  if (!picks_.empty() && picks_bytes_ + bytes > bytes_max) return false;
  picks_bytes_ += bytes;
  picks_.push_back(std::move(shown));
  return true;
}

size_t ResolveAnswer::Shown::bytes() const {
  return BytesOf(encoded->message.size()) + (endpoint().empty() ? 0 : BytesOf(endpoint().size()));
}

void ResolveAnswer::set_behind(absl::Duration behind) {
  google::protobuf::Duration duration;
  FillDuration(behind, &duration);
  behind_ = duration.SerializeAsString();
}

std::string ResolveAnswer::Encode() const {
  const uint64_t revision = static_cast<uint64_t>(revision_);
  size_t bytes = 2 + 1 + CodedOutputStream::VarintSize64(revision) + BytesOf(store_id_.size()) + (guarded_ ? 2 : 0) +
                 (behind_.empty() ? 0 : BytesOf(behind_.size())) + picks_bytes_;
  std::string encoded(bytes, '\0');
  uint8_t* at = reinterpret_cast<uint8_t*>(encoded.data());
  for (const Shown& pick : picks_) {
    at = WriteHead(Response::kPicksFieldNumber, pick.bytes(), at);
    at = WriteBytes(Response::Pick::kInstanceFieldNumber, pick.encoded->message, at);
    if (!pick.endpoint().empty()) at = WriteBytes(Response::Pick::kEndpointFieldNumber, pick.endpoint(), at);
  }
  static_assert(wire::Strategy_MAX < 128, "a strategy takes one byte");
  at = WireFormatLite::WriteEnumToArray(Response::kStrategyFieldNumber, strategy_, at);
  at = WireFormatLite::WriteInt64ToArray(Response::kRevisionFieldNumber, revision_, at);
  at = WriteBytes(Response::kStoreIdFieldNumber, store_id_, at);
  if (guarded_) at = WireFormatLite::WriteBoolToArray(Response::kGuardedFieldNumber, true, at);
  if (!behind_.empty()) WriteBytes(Response::kBehindFieldNumber, behind_, at);
  return encoded;
}

}  // namespace scoutlight::server
