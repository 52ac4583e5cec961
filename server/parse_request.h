#ifndef SCOUTLIGHT_SERVER_PARSE_REQUEST_H_
#define SCOUTLIGHT_SERVER_PARSE_REQUEST_H_

#include <google/protobuf/message.h>
#include <grpcpp/support/byte_buffer.h>

#include "absl/status/status.h"

namespace scoutlight::server {

// Parses what a raw method received; gRPC 1.51 would itself answer UNIMPLEMENTED to bytes that are no message. Unknown fields are kept.
// kInvalidArgument: kRequestTooLarge over limits::kRequestBytesMax; kMalformedRequest, with the fields that are not UTF-8 if it is that.
absl::Status ParseRequest(const grpc::ByteBuffer& bytes, google::protobuf::Message* request);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_PARSE_REQUEST_H_
