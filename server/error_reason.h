#ifndef SCOUTLIGHT_SERVER_ERROR_REASON_H_
#define SCOUTLIGHT_SERVER_ERROR_REASON_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/error.h"

namespace scoutlight::server {

// The reason that callers are told: that of `status`, or the one that fits its code. kUnspecified: OK and kCancelled.
Reason ReasonShown(const absl::Status& status);

// When callers are told to try again: what `status` says, or a second where it says nothing and trying again makes sense. Zero: it makes
// none.
absl::Duration RetryAfter(const absl::Status& status);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_ERROR_REASON_H_
