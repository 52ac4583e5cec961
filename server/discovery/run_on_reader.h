#ifndef SCOUTLIGHT_SERVER_DISCOVERY_RUN_ON_READER_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_RUN_ON_READER_H_

#include "absl/status/status.h"
#include "base/reader_pool.h"
#include "discovery/claims.h"

namespace scoutlight::server {

// Carries out `work` on one of `readers`. kResourceExhausted, Reason::kOverloaded: too many wait there already;
// `work` is dropped. Does not block.
absl::Status RunOnReader(ReaderPool* readers, ReaderPool::Work work);

// Carries out `work`, which looks at all schemas and bindings of `claims`: at once, inside the call, if they are at most
// limits::kInlineEntriesMax together; else as RunOnReader(). Blocks only as long as short work takes.
absl::Status RunOverClaims(const discovery::Claims& claims, ReaderPool* readers, ReaderPool::Work work);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_RUN_ON_READER_H_
