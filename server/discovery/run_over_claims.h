#ifndef SCOUTLIGHT_SERVER_DISCOVERY_RUN_OVER_CLAIMS_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_RUN_OVER_CLAIMS_H_

#include "absl/status/status.h"
#include "base/reader_pool.h"
#include "discovery/claims.h"

namespace scoutlight::server {

// Carries out `work`, which looks at all schemas and bindings of `claims`: at once, inside the call, if they are at most
// limits::kInlineEntriesMax together; else on one of `readers`. kResourceExhausted, Reason::kOverloaded: too many wait there already;
// `work` is dropped. Does not block, but for work that is short.
absl::Status RunOverClaims(const discovery::Claims& claims, ReaderPool* readers, ReaderPool::Work work);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_RUN_OVER_CLAIMS_H_
