#include "server/watch_conversion.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "base/limits.h"
#include "server/request_fields.h"
#include "server/violations.h"

namespace scoutlight::server {
absl::StatusOr<WatchSpec> WatchSpecOf(const registry::v1::WatchRequest& request) {
  Violations violations;
  WatchSpec spec;
  spec.range.scope = ReadScope(request.scope(), Scope::kKey, &violations);
  spec.range.key = spec.range.scope == Scope::kKey ? ReadEntryKey(request.key(), &violations) : ReadWatchedKey(request.key(), &violations);
  if (request.store_id().size() > limits::kStoreIdBytesMax) {
    violations.Add(Reason::kInvalidField, "store_id",
                   absl::StrCat("is ", request.store_id().size(), " bytes long, at most ", limits::kStoreIdBytesMax, " are allowed"));
  }
  spec.store_id = request.store_id();
  spec.start = ReadCount(request.start_revision(), "start_revision", &violations);
  spec.include_snapshot = request.include_snapshot();
  spec.include_previous = request.include_previous();
  spec.heartbeat = ReadHeartbeat(request.heartbeat(), &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return spec;
}

}  // namespace scoutlight::server
