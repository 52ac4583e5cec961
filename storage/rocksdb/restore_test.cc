#include "storage/rocksdb/restore.h"

#include <filesystem>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "gtest/gtest.h"
#include "storage/backup/backup_format.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

namespace fs = std::filesystem;

constexpr LeaseId kLease = 77;
constexpr absl::string_view kStoreId = "0123456789abcdef0123456789abcdef";

Entry EntryOf(int number) {
  return {.key = K(absl::StrCat("/many/", absl::Dec(number, absl::kZeroPad6))),
          .value = {Value::Form::kText, std::string(1000, 'v')},
          .create_revision = 2,
          .mod_revision = 40,
          .version = 3,
          .lease_id = number == 0 ? kLease : 0,
          .has_value = true};
}

// Larger than one batch.
constexpr int kEntries = 10'000;

std::string Backup() {
  std::string bytes = backup::EncodeHeader({.store_id = "other", .revision = 50, .taken = absl::UnixEpoch()});
  for (int i = 0; i < kEntries; ++i) bytes += backup::EncodeEntry(EntryOf(i));
  return absl::StrCat(bytes, backup::EncodeLease({.id = kLease, .ttl = absl::Seconds(30)}),
                      backup::EncodeEnd({.entries = kEntries, .leases = 1}));
}

class RestoreTest : public ::testing::Test {
 protected:
  absl::Status Restore(const std::string& bytes) {
    std::istringstream in(bytes);
    BackupReader reader(&in);
    return RestoreRocksdb(options(), &reader).status();
  }
  RocksdbEngineOptions options() const {
    RocksdbEngineOptions options;
    options.data_dir = folder_.path();
    options.new_store_id = std::string(kStoreId);
    return options;
  }
  bool IsThere(const std::string& name) const { return fs::exists(folder_.path() + "/" + name); }
  void ExpectWhole() {
    const std::unique_ptr<Store> store = OpenRocksdbStore(folder_.path(), clock_);
    ASSERT_NE(store, nullptr);
    const SyncStore sync(store.get());
    EXPECT_EQ(store->store_id(), kStoreId);
    EXPECT_EQ(sync.Latest(), 50);
    EXPECT_EQ(sync.List(K("/"), Scope::kSubtree).size(), static_cast<size_t>(kEntries));
    for (const int number : {0, 1, kEntries - 1}) {
      const std::optional<Entry> found = sync.Get(EntryOf(number).key);
      ASSERT_TRUE(found.has_value());
      EXPECT_EQ(*found, EntryOf(number));
    }
    const LeaseResult lease = sync.GetLease(kLease);
    EXPECT_EQ(lease.lease.ttl, absl::Seconds(30));
    EXPECT_EQ(lease.lease.keys, std::vector<Key>{EntryOf(0).key});
    EXPECT_EQ(sync.Revoke(kLease).revision, 51);
    EXPECT_EQ(sync.Get(EntryOf(0).key), std::nullopt);
  }

  TemporaryFolder folder_;
  FakeClock clock_;
};

TEST_F(RestoreTest, StoreHoldsWhatTheBackupHoldsUnderItsOwnId) {
  ASSERT_TRUE(Restore(Backup()).ok());
  EXPECT_FALSE(IsThere("restoring"));
  ExpectWhole();
}

TEST_F(RestoreTest, WhereAStoreIsNothingIsRestored) {
  ASSERT_TRUE(Restore(Backup()).ok());
  const absl::Status status = Restore(Backup());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(status.message(), "already")) << status;
  ExpectWhole();
}

TEST_F(RestoreTest, ABackupThatIsDamagedLeavesNothing) {
  std::string bytes = Backup();
  bytes[bytes.size() / 2] ^= 1;
  EXPECT_EQ(Restore(bytes).code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(IsThere("restoring"));
  EXPECT_FALSE(IsThere("db"));
  ASSERT_TRUE(Restore(Backup()).ok());
  ExpectWhole();
}

TEST_F(RestoreTest, LeasesAndEntriesMustFit) {
  const std::string header = backup::EncodeHeader({.store_id = "other", .revision = 50, .taken = absl::UnixEpoch()});
  const std::string lease = backup::EncodeLease({.id = 1, .ttl = absl::Seconds(1)});
  for (const std::string& bytes : {absl::StrCat(header, backup::EncodeEntry(EntryOf(0)), backup::EncodeEnd({.entries = 1, .leases = 0})),
                                   absl::StrCat(header, lease, backup::EncodeEnd({.entries = 0, .leases = 1}))}) {
    const absl::Status status = Restore(bytes);
    EXPECT_EQ(ReasonOf(status), Reason::kDataCorrupted) << status;
    EXPECT_FALSE(IsThere("restoring"));
  }
}

// What a crash can leave: before anything is in place, with the database in place, and with the high-water mark too.
TEST_F(RestoreTest, OneThatDidNotEndIsRefusedAndBegunAnew) {
  for (const int moved : {0, 1, 2}) {
    ASSERT_TRUE(Restore(Backup()).ok());
    fs::create_directory(folder_.path() + "/restoring");
    const char* const names[] = {"db", "high-water", "identity"};
    for (int i = moved; i < 3; ++i) fs::rename(folder_.path() + "/" + names[i], absl::StrCat(folder_.path(), "/restoring/", names[i]));
    const absl::StatusOr<std::unique_ptr<Engine>> opened = OpenRocksdbEngine(options());
    EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition) << moved;
    EXPECT_TRUE(absl::StrContains(opened.status().message(), "restore the backup again")) << opened.status();
    ASSERT_TRUE(Restore(Backup()).ok()) << moved;
    ExpectWhole();
    for (const char* const name : names) fs::remove_all(folder_.path() + "/" + name);
  }
}

TEST_F(RestoreTest, AFolderThatIsLeftBesideAWholeStoreGoes) {
  ASSERT_TRUE(Restore(Backup()).ok());
  fs::create_directory(folder_.path() + "/restoring");
  ExpectWhole();
  EXPECT_FALSE(IsThere("restoring"));
}

// Somebody's store whose identity was lost is not taken for what a restore has left.
TEST_F(RestoreTest, ADatabaseThatIsNotOfTheUnfinishedRestoreIsNotRemoved) {
  ASSERT_TRUE(Restore(Backup()).ok());
  fs::create_directory(folder_.path() + "/restoring");
  fs::rename(folder_.path() + "/identity", folder_.path() + "/elsewhere");
  EXPECT_EQ(Restore(Backup()).code(), absl::StatusCode::kFailedPrecondition);
  fs::rename(folder_.path() + "/elsewhere", folder_.path() + "/identity");
  ExpectWhole();
}

}  // namespace
}  // namespace scoutlight::storage
