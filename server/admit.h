#ifndef SCOUTLIGHT_SERVER_ADMIT_H_
#define SCOUTLIGHT_SERVER_ADMIT_H_

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/stable_hash.h"
#include "server/admission.h"
#include "server/identity.h"
#include "server/parse_request.h"
#include "storage/transaction.h"

namespace scoutlight::server {

// Everything that stands between a raw method's bytes and the store: parses them into `request`, converts it with `convert` (to a
// StatusOr), asks whether the caller may do that to the ranges that `ranges_of` names in what was converted.
template <typename Request, typename Convert, typename RangesOf>
auto Admit(const Admission& admission, const Identity& identity, absl::string_view method, const grpc::ByteBuffer& bytes, Request* request,
           Convert convert, RangesOf ranges_of) -> decltype(convert(*request)) {
  if (absl::Status closed = admission.CheckOpen(); !closed.ok()) return closed;
  if (absl::Status malformed = ParseRequest(bytes, request); !malformed.ok()) return malformed;
  auto converted = convert(*request);
  if (!converted.ok()) return converted;
  if (!admission.asks()) return converted;
  if (absl::Status denied = admission.CheckAllowed(identity, method, ranges_of(*converted)); !denied.ok()) return denied;
  return converted;
}

// Whose change it is. The hash is of the whole request but its id, which is taken out; fields we do not know included.
template <typename Request>
storage::Origin OriginOf(const Identity& identity, Request* request) {
  storage::Origin origin;
  origin.connection = identity.connection;
  if (request->request_id().empty()) return origin;
  origin.caller = identity.Caller();
  origin.request_id = request->request_id();
  request->clear_request_id();
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    request->SerializeToCodedStream(&coded);
  }
  origin.request_hash = StableHash().Add(request->GetDescriptor()->full_name()).Add(bytes).value();
  return origin;
}

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_ADMIT_H_
