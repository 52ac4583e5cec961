#include "server/open_store.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_engine.h"
#include "storage/rocksdb/rocksdb_engine.h"

namespace scoutlight::server {
namespace {

void LogEngineLine(char level, absl::string_view line) {
  const std::string text(line);
  switch (level) {
    case 'e':
      return spdlog::error("store: {}", text);
    case 'w':
      return spdlog::warn("store: {}", text);
    default:
      // RocksDB's information is about its inner life.
      return spdlog::debug("store: {}", text);
  }
}

StoreId NewStoreId(const std::function<uint64_t()>& random) {
  const uint64_t high = random();
  return absl::StrCat(absl::Hex(high, absl::kZeroPad16), absl::Hex(random(), absl::kZeroPad16));
}

absl::StatusOr<std::unique_ptr<storage::Engine>> OpenEngine(const Config& config, const std::function<uint64_t()>& random) {
  switch (config.backend) {
    case Config::Backend::kMemory:
      return storage::NewMemoryEngine(NewStoreId(random));
    case Config::Backend::kRocksdb: {
      storage::RocksdbEngineOptions options;
      options.data_dir = config.data_dir;
      options.new_store_id = NewStoreId(random);
      options.disk_reserve_bytes = config.disk_reserve_bytes;
      options.log = LogEngineLine;
      return storage::OpenRocksdbEngine(std::move(options));
    }
    case Config::Backend::kEtcd:
      break;
  }
  return absl::UnimplementedError(absl::StrCat("--store=", config.store, ": etcd is not in this build yet; use rocksdb or memory"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<storage::Store>> OpenStore(const Config& config, std::function<uint64_t()> random) {
  absl::StatusOr<std::unique_ptr<storage::Engine>> engine = OpenEngine(config, random);
  if (!engine.ok()) return engine.status();
  storage::LocalStoreOptions options;
  options.random = std::move(random);
  options.history_age = config.history_age;
  options.history_bytes_max = config.history_bytes;
  options.warn = [](absl::string_view line) { spdlog::warn("store: {}", std::string(line)); };
  return storage::OpenLocalStore(*std::move(engine), std::move(options));
}

}  // namespace scoutlight::server
