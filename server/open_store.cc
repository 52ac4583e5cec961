#include "server/open_store.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "storage/backup/backup_format.h"
#include "storage/backup/backup_reader.h"
#include "storage/etcd/etcd_restore.h"
#include "storage/etcd/etcd_store.h"
#include "storage/local/load_backup.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_engine.h"
#include "storage/rocksdb/restore.h"
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

// The file of a backup, and what reads it.
struct BackupFile {
  std::ifstream file;
  storage::BackupReader reader{&file};
};

absl::StatusOr<std::unique_ptr<BackupFile>> OpenBackup(const std::string& path) {
  auto backup = std::make_unique<BackupFile>();
  backup->file.open(path, std::ios::binary);
  if (!backup->file)
    return absl::FailedPreconditionError(absl::StrCat("--restore=", path, ": the file cannot be opened: ", std::strerror(errno)));
  return backup;
}

// Tells what was restored of `path`, or adds its name to the error.
absl::Status Told(const absl::StatusOr<storage::backup::Header>& restored, const std::string& path) {
  if (!restored.ok()) {
    const absl::Status& status = restored.status();
    return MakeError(status.code(), absl::StrCat("--restore=", path, ": ", status.message()), DetailsOf(status).value_or(ErrorDetails()));
  }
  spdlog::info("restored {}: revision {} of store {}, taken {}", path, restored->revision, restored->store_id,
               absl::FormatTime(absl::RFC3339_sec, restored->taken, absl::UTCTimeZone()));
  return absl::OkStatus();
}

absl::Status RestoreInto(const storage::RocksdbEngineOptions& options, const std::string& path) {
  absl::StatusOr<std::unique_ptr<BackupFile>> backup = OpenBackup(path);
  if (!backup.ok()) return backup.status();
  return Told(storage::RestoreRocksdb(options, &(*backup)->reader), path);
}

absl::StatusOr<std::unique_ptr<storage::Engine>> OpenMemory(const Config& config, StoreId store_id) {
  std::unique_ptr<storage::Engine> engine = storage::NewMemoryEngine(std::move(store_id));
  if (config.restore.empty()) return engine;
  absl::StatusOr<std::unique_ptr<BackupFile>> backup = OpenBackup(config.restore);
  if (!backup.ok()) return backup.status();
  if (absl::Status failed = Told(storage::LoadBackup(&(*backup)->reader, engine.get()), config.restore); !failed.ok()) return failed;
  return engine;
}

absl::StatusOr<std::unique_ptr<storage::Engine>> OpenEngine(const Config& config, const std::function<uint64_t()>& random) {
  switch (config.backend) {
    case Config::Backend::kMemory:
      return OpenMemory(config, NewStoreId(random));
    case Config::Backend::kRocksdb: {
      storage::RocksdbEngineOptions options;
      options.data_dir = config.data_dir;
      options.new_store_id = NewStoreId(random);
      options.disk_reserve_bytes = config.disk_reserve_bytes;
      options.log = LogEngineLine;
      if (!config.restore.empty()) {
        if (absl::Status failed = RestoreInto(options, config.restore); !failed.ok()) return failed;
      }
      return storage::OpenRocksdbEngine(std::move(options));
    }
    case Config::Backend::kEtcd:
      break;
  }
  return absl::InternalError("etcd is no engine");
}

absl::Status RestoreIntoEtcd(const storage::EtcdStoreOptions& options, const std::string& path) {
  absl::StatusOr<std::unique_ptr<BackupFile>> backup = OpenBackup(path);
  if (!backup.ok()) return backup.status();
  const absl::StatusOr<storage::EtcdRestored> restored = storage::RestoreIntoEtcd(options, &(*backup)->file);
  if (!restored.ok()) return Told(restored.status(), path);
  spdlog::info("{} entries written; {} that hang on leases are left out: their owners register anew", restored->entries,
               restored->on_leases);
  return Told(restored->header, path);
}

absl::StatusOr<std::unique_ptr<storage::Store>> OpenEtcd(const Config& config, std::function<uint64_t()> random) {
  absl::StatusOr<storage::EtcdStoreOptions> options = EtcdOptionsOf(config.etcd);
  if (!options.ok()) return options.status();
  options->random = std::move(random);
  if (!config.restore.empty()) {
    if (absl::Status failed = RestoreIntoEtcd(*options, config.restore); !failed.ok()) return failed;
  }
  absl::StatusOr<std::unique_ptr<storage::Store>> store = storage::OpenEtcdStore(*std::move(options));
  if (store.ok()) return store;
  return MakeError(store.status().code(), absl::StrCat("--store=", config.store, ": ", store.status().message()),
                   DetailsOf(store.status()).value_or(ErrorDetails()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<storage::Store>> OpenStore(const Config& config, std::function<uint64_t()> random) {
  if (config.backend == Config::Backend::kEtcd) return OpenEtcd(config, std::move(random));
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
