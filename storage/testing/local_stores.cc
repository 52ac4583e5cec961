#include "storage/testing/local_stores.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <system_error>
#include <utility>

#include "gtest/gtest.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_engine.h"
#include "storage/rocksdb/rocksdb_engine.h"

namespace scoutlight::storage {
namespace {

constexpr char kStoreId[] = "0123456789abcdef0123456789abcdef";

std::unique_ptr<Store> Open(std::unique_ptr<Engine> engine, Clock& clock) {
  static std::atomic<uint64_t> opened = 0;  // Stores draw the same numbers in every run. Orders nothing.
  LocalStoreOptions options;
  options.clock = &clock;
  options.random = std::mt19937_64(++opened);
  options.maintenance_interval = absl::Milliseconds(2);
  options.lease_tick = absl::Milliseconds(2);
  absl::StatusOr<std::unique_ptr<Store>> store = OpenLocalStore(std::move(engine), std::move(options));
  EXPECT_TRUE(store.ok()) << store.status();
  if (!store.ok()) return nullptr;
  (*store)->BeginServing();
  return *std::move(store);
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  path_ = ::testing::TempDir() + "/scoutlight-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "no temporary folder at " << path_;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // What is left goes with the machine's temporary files.
  std::filesystem::remove_all(path_, ignored);
}

std::unique_ptr<Store> OpenMemoryStore(Clock& clock) { return Open(NewMemoryEngine(kStoreId), clock); }

std::unique_ptr<Store> OpenRocksdbStore(const std::string& folder, Clock& clock, std::shared_ptr<rocksdb::FileSystem> file_system) {
  RocksdbEngineOptions options;
  options.data_dir = folder;
  options.new_store_id = kStoreId;
  options.file_system = std::move(file_system);
  absl::StatusOr<std::unique_ptr<Engine>> engine = OpenRocksdbEngine(std::move(options));
  EXPECT_TRUE(engine.ok()) << engine.status();
  return engine.ok() ? Open(*std::move(engine), clock) : nullptr;
}

}  // namespace scoutlight::storage
