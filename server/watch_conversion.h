#ifndef SCOUTLIGHT_SERVER_WATCH_CONVERSION_H_
#define SCOUTLIGHT_SERVER_WATCH_CONVERSION_H_

#include "absl/status/statusor.h"
#include "scoutlight/registry/v1/registry.pb.h"
#include "server/watch/watch_stream.h"

namespace scoutlight::server {

// What a WatchRequest asks for. kInvalidArgument names every field that breaks a rule.
absl::StatusOr<WatchSpec> WatchSpecOf(const registry::v1::WatchRequest& request);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_WATCH_CONVERSION_H_
