#ifndef SCOUTLIGHT_CLIENT_WIRE_STATUS_CONVERSION_H_
#define SCOUTLIGHT_CLIENT_WIRE_STATUS_CONVERSION_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "base/error.h"
#include "client/wire/time_conversion.h"

namespace scoutlight::client {

// What a call ended with, with the details that the server gave (base/error.h): the reason, the violated fields, when to try again, the
// resource, and as metadata "revision", "store_id" and what else there is. Every error of the server has them: a code without is gRPC's own
// or a proxy's, and then CANCELLED, UNKNOWN and INTERNAL, as a cut connection is told, become kUnavailable.
absl::Status StatusOf(const grpc::Status& status);

// The reason of this name, "KEY_NOT_FOUND"; kUnspecified: one that this version does not know.
Reason ReasonOfName(absl::string_view name);

// The state that an error speaks of. Zeros and empty: it names none.
struct ErrorState {
  Revision revision = 0;
  Revision oldest_revision = 0;
  StoreId store_id;
};
ErrorState StateOf(const absl::Status& status);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_STATUS_CONVERSION_H_
