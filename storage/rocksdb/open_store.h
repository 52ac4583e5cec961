#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_OPEN_STORE_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_OPEN_STORE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "base/entry.h"
#include "storage/rocksdb/database.h"
#include "storage/rocksdb/high_water.h"
#include "storage/rocksdb/history_filter.h"

namespace scoutlight::storage {

struct OpenedStore {
  StoreId store_id;
  std::shared_ptr<HistoryFloor> floor;
  std::unique_ptr<HighWater> high_water;
  std::shared_ptr<Database> database;
};

// Opens the store in a locked data directory, or makes one with `new_store_id` where there is none. `floor` is that of `options`. A crash
// while making leaves no `identity`, and the next call completes what is there, then maybe under the earlier call's id. A database that
// has been written to is never taken for an unfinished one. Blocks. Errors as of OpenRocksdbEngine.
absl::StatusOr<OpenedStore> OpenStore(const Database::Options& options, const StoreId& new_store_id, std::shared_ptr<HistoryFloor> floor);

// Opens the database of a complete store and checks that it is the right one and not behind `high_water`, which it raises to what the
// database holds.
absl::StatusOr<std::shared_ptr<Database>> OpenExisting(const Database::Options& options, const StoreId& store_id, HighWater& high_water);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_OPEN_STORE_H_
