#ifndef SCOUTLIGHT_CLIENT_GATES_NNG_STATUS_H_
#define SCOUTLIGHT_CLIENT_GATES_NNG_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace scoutlight::client {

// What nng answered (nng_strerror(3)), 0 too, to doing `what`. Thread-safe.
absl::Status NngStatus(int result, absl::string_view what);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_NNG_STATUS_H_
