#ifndef SCOUTLIGHT_STORAGE_MEMORY_MEMORY_ENGINE_H_
#define SCOUTLIGHT_STORAGE_MEMORY_MEMORY_ENGINE_H_

#include <memory>

#include "base/entry.h"
#include "storage/local/engine.h"

namespace scoutlight::storage {

// An engine that keeps everything in memory and loses it when destroyed; for tests and transient servers. Its snapshots share the data:
// each key keeps the versions that a living snapshot may read.
std::unique_ptr<Engine> NewMemoryEngine(StoreId store_id);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_MEMORY_MEMORY_ENGINE_H_
