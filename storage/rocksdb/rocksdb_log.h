#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_LOG_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_LOG_H_

#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "rocksdb/env.h"

namespace scoutlight::storage {

// Takes RocksDB's own log and hands it on line by line. Needed, not only wished for: RocksDB's default log file lies on the data disk,
// and a full disk makes writing it abort the process. Thread-safe.
class RocksdbLog final : public rocksdb::Logger {
 public:
  using Sink = std::function<void(char level, absl::string_view line)>;

  explicit RocksdbLog(Sink sink);

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override;

  // The last line that says that something in a file was damaged and is left out; empty: none. It names the file, which the status of a
  // failed open does not do for a WAL.
  std::string last_damage() const;

 private:
  const Sink sink_;
  mutable Mutex mu_;
  std::string last_damage_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_LOG_H_
