#include "cli/raw_grpc_call.h"

#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/shown.h"
#include "client/wire/status_conversion.h"

namespace scoutlight::cli {
namespace {

using grpc::internal::RpcMethod;

constexpr absl::string_view kBinaryEnding = "-bin";

absl::Status StatusOfCall(const grpc::Status& status) {
  // Without details the conversion takes the registry to be the server.
  if (!status.error_details().empty()) return client::StatusOf(status);
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

grpc::ByteBuffer BufferOf(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

absl::StatusOr<std::string> BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return absl::DataLossError("the answer cannot be read");
  std::string bytes;
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

bool IsName(absl::string_view name) {
  return std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_' || c == '.'; });
}

// Empty: nothing is wrong.
std::string MetadataFault(const NamedText& one) {
  if (!IsName(one.name)) return absl::StrCat("has a name with other characters than a-z, 0-9, -, _ and .: ", Shown(one.name));
  if (absl::StartsWith(one.name, "grpc-")) return absl::StrCat("is gRPC's own: ", one.name);
  if (absl::EndsWith(one.name, kBinaryEnding)) return "";
  const bool is_text = std::all_of(one.value.begin(), one.value.end(), [](unsigned char c) { return c >= ' ' && c <= '~'; });
  return is_text ? "" : absl::StrCat("has a value that is no printable ASCII: ", one.name);
}

}  // namespace

absl::StatusOr<std::vector<NamedText>> CheckMetadata(std::vector<NamedText> metadata) {
  const auto wrong = [](absl::string_view fault) { return InvalidField(Reason::kInvalidField, "--header", fault); };
  if (metadata.size() > kMetadataMax) {
    return wrong(absl::StrCat("is given ", metadata.size(), " times, at most ", kMetadataMax, " are allowed"));
  }
  size_t bytes = 0;
  for (NamedText& one : metadata) {
    one.name = absl::AsciiStrToLower(one.name);
    if (const std::string fault = MetadataFault(one); !fault.empty()) return wrong(fault);
    std::string decoded;
    if (absl::EndsWith(one.name, kBinaryEnding)) {
      if (!absl::Base64Unescape(one.value, &decoded)) return wrong(absl::StrCat("has a value that is no base64: ", one.name));
      one.value = std::move(decoded);
    }
    bytes += one.name.size() + one.value.size();
  }
  if (bytes > kMetadataBytesMax) return wrong(absl::StrCat("has ", bytes, " bytes in all, at most ", kMetadataBytesMax, " are allowed"));
  return metadata;
}

RawGrpcCall::RawGrpcCall(std::shared_ptr<grpc::Channel> channel, std::string path, const std::vector<NamedText>& metadata)
    : channel_(std::move(channel)), path_(std::move(path)) {
  for (const NamedText& one : metadata) context_.AddMetadata(one.name, one.value);
}

absl::StatusOr<std::string> RawGrpcCall::Unary(const std::string& request, absl::Time deadline) {
  context_.set_deadline(absl::ToChronoTime(deadline));
  const RpcMethod method(path_.c_str(), RpcMethod::NORMAL_RPC);
  grpc::ByteBuffer answer;
  const grpc::Status status = grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer, grpc::ByteBuffer, grpc::ByteBuffer>(
      channel_.get(), method, &context_, BufferOf(request), &answer);
  if (!status.ok()) return StatusOfCall(status);
  return BytesOf(answer);
}

absl::Status RawGrpcCall::Stream(const std::string& request, const std::function<absl::Status(const std::string&)>& on_message) {
  const RpcMethod method(path_.c_str(), RpcMethod::SERVER_STREAMING);
  const std::unique_ptr<grpc::ClientReader<grpc::ByteBuffer>> reader(
      grpc::internal::ClientReaderFactory<grpc::ByteBuffer>::Create(channel_.get(), method, &context_, BufferOf(request)));
  absl::Status refused;
  grpc::ByteBuffer message;
  while (refused.ok() && reader->Read(&message)) {
    const absl::StatusOr<std::string> bytes = BytesOf(message);
    refused = bytes.ok() ? on_message(*bytes) : bytes.status();
  }
  if (!refused.ok()) Cancel();
  const grpc::Status end = reader->Finish();
  if (!refused.ok()) return refused;
  return StatusOfCall(end);
}

std::vector<NamedText> RawGrpcCall::AnsweredMetadata() const {
  std::vector<NamedText> all;
  for (const auto* const metadata : {&context_.GetServerInitialMetadata(), &context_.GetServerTrailingMetadata()}) {
    for (const auto& [name, value] : *metadata) {
      std::string text(value.data(), value.size());
      if (absl::EndsWith(absl::string_view(name.data(), name.size()), kBinaryEnding)) text = absl::Base64Escape(text);
      all.push_back({std::string(name.data(), name.size()), std::move(text)});
    }
  }
  return all;
}

}  // namespace scoutlight::cli
