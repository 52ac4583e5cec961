#include "server/parse_request.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/support/slice.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "base/limits.h"
#include "server/bad_strings.h"

namespace scoutlight::server {
namespace {

absl::Status Refusal(Reason reason, absl::string_view message) {
  ErrorDetails details;
  details.reason = reason;
  return MakeError(absl::StatusCode::kInvalidArgument, message, details);
}

}  // namespace

absl::Status ParseRequest(const grpc::ByteBuffer& bytes, google::protobuf::Message* request) {
  const google::protobuf::Descriptor& type = *request->GetDescriptor();
  const size_t length = bytes.Valid() ? bytes.Length() : 0;
  if (length > limits::kRequestBytesMax) {
    return Refusal(Reason::kRequestTooLarge, absl::StrCat("a request of ", length, " bytes; at most ", limits::kRequestBytesMax));
  }
  grpc::Slice slice;
  if (length > 0 && !bytes.TrySingleSlice(&slice).ok() && !bytes.DumpToSingleSlice(&slice).ok()) {
    return Refusal(Reason::kMalformedRequest, "the request cannot be decompressed");
  }
  const absl::string_view text(reinterpret_cast<const char*>(slice.begin()), slice.size());
  if (request->ParseFromArray(text.data(), static_cast<int>(text.size()))) return absl::OkStatus();
  std::vector<FieldViolation> bad = FindBadStrings(text, type);
  if (!bad.empty()) return InvalidFields(Reason::kMalformedRequest, std::move(bad));
  return Refusal(Reason::kMalformedRequest, absl::StrCat("the bytes are no ", type.full_name()));
}

}  // namespace scoutlight::server
