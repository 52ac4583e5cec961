#ifndef SCOUTLIGHT_SERVER_DISCOVERY_STORE_REQUESTS_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_STORE_REQUESTS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "base/entry.h"
#include "storage/store.h"
#include "storage/transaction.h"

// What changes of discovery ask of the store beside their own transactions, and say of what it did. All functions are thread-safe and wait
// for nothing.
namespace scoutlight::server {

// Whether the request of `origin` was carried out before: `replayed`, and at which `revision`. An error: that cannot be told, or its id is
// another request's (kInvalidArgument, kRequestIdReused). One without an id was not; that is told inside the call.
void AskCarriedOut(storage::Store* store, const storage::Origin& origin, storage::Done<storage::CommitResult> done);

// A lease that the server made for one instance or override goes when that leaves it.
void RevokeLease(storage::Store* store, LeaseId id, uint64_t connection);

// That something was changed at `revision`, which the catalog does not show because of `why`.
absl::Status NotShownYet(Revision revision, const absl::Status& why);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_STORE_REQUESTS_H_
