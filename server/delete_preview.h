#ifndef SCOUTLIGHT_SERVER_DELETE_PREVIEW_H_
#define SCOUTLIGHT_SERVER_DELETE_PREVIEW_H_

#include "storage/store.h"
#include "storage/transaction.h"

namespace scoutlight::server {

// Tells what carrying out `removal` would come to, without doing it: the same result and the same errors as Store::Commit of it alone, on
// the latest state. Does not block; `done` as storage::Done. `store` must outlive the call.
void PreviewDelete(storage::Store* store, storage::DeleteOperation removal, storage::Done<storage::CommitResult> done);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DELETE_PREVIEW_H_
