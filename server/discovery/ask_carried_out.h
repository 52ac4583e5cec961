#ifndef SCOUTLIGHT_SERVER_DISCOVERY_ASK_CARRIED_OUT_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_ASK_CARRIED_OUT_H_

#include "storage/store.h"
#include "storage/transaction.h"

namespace scoutlight::server {

// Whether the request of `origin` was carried out before: `replayed`, and at which `revision`. An error: that cannot be told, or its id is
// another request's (kInvalidArgument, kRequestIdReused). One without an id was not; that is told inside the call.
void AskCarriedOut(storage::Store* store, const storage::Origin& origin, storage::Done<storage::CommitResult> done);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_ASK_CARRIED_OUT_H_
