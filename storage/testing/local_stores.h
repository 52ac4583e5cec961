#ifndef SCOUTLIGHT_STORAGE_TESTING_LOCAL_STORES_H_
#define SCOUTLIGHT_STORAGE_TESTING_LOCAL_STORES_H_

#include <memory>
#include <string>

#include "base/clock.h"
#include "storage/store.h"

namespace rocksdb {
class FileSystem;
}

namespace scoutlight::storage {

// A folder that goes with its contents when this goes.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Stores that look at their clock every few milliseconds. nullptr, and a failed test, when they cannot be opened.
std::unique_ptr<Store> OpenMemoryStore(Clock& clock);
// `file_system` empty: the machine's.
std::unique_ptr<Store> OpenRocksdbStore(const std::string& folder, Clock& clock,
                                        std::shared_ptr<rocksdb::FileSystem> file_system = nullptr);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_LOCAL_STORES_H_
