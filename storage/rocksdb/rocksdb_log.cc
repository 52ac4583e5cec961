#include "storage/rocksdb/rocksdb_log.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <utility>

namespace scoutlight::storage {
namespace {

constexpr size_t kLineBytesMax = 1024;

// RocksDB's information is our detail.
char LevelOf(rocksdb::InfoLogLevel level) {
  switch (level) {
    case rocksdb::WARN_LEVEL:
      return 'w';
    case rocksdb::ERROR_LEVEL:
    case rocksdb::FATAL_LEVEL:
      return 'e';
    default:
      return 'd';
  }
}

}  // namespace

RocksdbLog::RocksdbLog(Sink sink) : rocksdb::Logger(rocksdb::INFO_LEVEL), sink_(std::move(sink)) {}

void RocksdbLog::Logv(const char* format, va_list arguments) { Logv(rocksdb::INFO_LEVEL, format, arguments); }

void RocksdbLog::Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) {
  if (level < GetInfoLogLevel()) return;
  char line[kLineBytesMax];
  const int written = std::vsnprintf(line, sizeof(line), format, arguments);
  if (written < 0) return;
  size_t bytes = std::min(static_cast<size_t>(written), sizeof(line) - 1);
  while (bytes > 0 && line[bytes - 1] == '\n') --bytes;
  const char level_letter = LevelOf(level);
  if (level_letter != 'd') {
    const MutexLock lock(&mu_);
    last_warning_.assign(line, bytes);
  }
  if (sink_) sink_(level_letter, absl::string_view(line, bytes));
}

std::string RocksdbLog::last_warning() const {
  const MutexLock lock(&mu_);
  return last_warning_;
}

}  // namespace scoutlight::storage
