#ifndef SCOUTLIGHT_STORAGE_LOCAL_NEW_STORE_H_
#define SCOUTLIGHT_STORAGE_LOCAL_NEW_STORE_H_

#include "base/entry.h"
#include "storage/local/engine.h"

namespace scoutlight::storage {

// The revision of a store in which nothing has been written.
inline constexpr Revision kFirstRevision = 1;

// Adds to `writes` what `meta` holds in a new store (layout.h): empty, at kFirstRevision, never served from.
void PutNewStore(const StoreId& store_id, WriteSet& writes);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_NEW_STORE_H_
