#include "storage/rocksdb/rocksdb_log.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include "absl/strings/match.h"

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
  const absl::string_view text(line, bytes);
  // The words of RocksDB's LogReporter, on every recovery from a WAL that is not whole.
  if (absl::StrContains(text, ": dropping ")) {
    const MutexLock lock(&mu_);
    last_damage_ = std::string(text);
  }
  if (sink_) sink_(LevelOf(level), text);
}

std::string RocksdbLog::last_damage() const {
  const MutexLock lock(&mu_);
  return last_damage_;
}

}  // namespace scoutlight::storage
