#ifndef SCOUTLIGHT_SERVER_ERROR_MAPPING_H_
#define SCOUTLIGHT_SERVER_ERROR_MAPPING_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "base/entry.h"

namespace scoutlight::server {

// The state of the store that an error speaks of. Zeros and empty: not known.
struct ShownState {
  Revision revision = 0;
  Revision oldest_revision = 0;
  StoreId store_id;
};

// The one place where errors become what callers see: the code, the message and, in grpc-status-details-bin, a google.rpc.Status with
// exactly one ErrorInfo (domain "scoutlight"), and BadRequest, RetryInfo and ResourceInfo where they apply. NOT_FOUND, ALREADY_EXISTS,
// FAILED_PRECONDITION, ABORTED and OUT_OF_RANGE carry `state` in ErrorInfo.metadata. A status without details gets the reason that
// fits its code; one that names no fault of the caller is INTERNAL.
//
// Stock clients refuse more than 8 KiB of trailers: a message over limits::kErrorMessageBytesMax is cut, and violated fields over
// limits::kErrorViolationsBytesMax are left out and counted in ErrorInfo.metadata["violations_omitted"]. Requires !status.ok().
grpc::Status ToGrpcStatus(const absl::Status& status, const ShownState& state);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_ERROR_MAPPING_H_
