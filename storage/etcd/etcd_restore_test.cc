// Backups restored into a real etcd.

#include "storage/etcd/etcd_restore.h"

#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/backup/backup_format.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/etcd/etcd_opening.h"
#include "storage/etcd/etcd_process.h"
#include "storage/etcd/etcd_store.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kStoreId[] = "0123456789abcdef0123456789abcdef";
// More than one transaction takes.
constexpr int kEntries = 300;

class EtcdRestore : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { etcd_ = EtcdProcess::Start().release(); }
  static void TearDownTestSuite() { delete etcd_; }

  void SetUp() override {
    ASSERT_NE(etcd_, nullptr);
    static int tests = 0;
    options_.endpoints = {etcd_->target()};
    options_.prefix = absl::StrCat("restore", ++tests, "/");
    options_.random = [device = std::make_shared<std::random_device>()] { return (uint64_t{(*device)()} << 32) | (*device)(); };
  }

  static Entry EntryOf(const std::string& path, Value value, LeaseId lease = 0) {
    return {.key = K(path),
            .value = std::move(value),
            .create_revision = 5,
            .mod_revision = 6,
            .version = 2,
            .lease_id = lease,
            .has_value = true};
  }

  // Of `entries`, in order of keys.
  static std::string BackupOf(const std::vector<Entry>& entries, const std::vector<backup::Lease>& leases = {}) {
    std::string bytes = backup::EncodeHeader({.store_id = kStoreId, .revision = 9, .taken = absl::FromUnixSeconds(1)});
    for (const Entry& entry : entries) bytes += backup::EncodeEntry(entry);
    for (const backup::Lease& lease : leases) bytes += backup::EncodeLease(lease);
    return bytes + backup::EncodeEnd({.entries = entries.size(), .leases = leases.size()});
  }

  absl::StatusOr<EtcdRestored> Restore(const std::string& backup) const {
    std::istringstream in(backup);
    return RestoreIntoEtcd(options_, &in);
  }

  std::unique_ptr<Store> Open() const {
    absl::StatusOr<std::unique_ptr<Store>> store = OpenEtcdStore(options_);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  // What a restoration that did not end has left, or another program: `identity` and one node.
  void LeaveBehind(const std::string& identity, absl::string_view path) const {
    const EtcdMapping mapping(options_.prefix);
    EtcdClient client(ClientOptionsOf(options_));
    etcdserverpb::TxnRequest request;
    etcdserverpb::PutRequest* put = request.add_success()->mutable_request_put();
    put->set_key(mapping.identity_key());
    put->set_value(identity);
    put = request.add_success()->mutable_request_put();
    put->set_key(mapping.Encode(K(path)));
    put->set_value(EtcdMapping::EncodeValue(Text("left")));
    const absl::StatusOr<etcdserverpb::TxnResponse> response = TxnNow(client, options_, request);
    EXPECT_TRUE(response.ok()) << response.status();
  }

  static EtcdProcess* etcd_;
  EtcdStoreOptions options_;
};
EtcdProcess* EtcdRestore::etcd_ = nullptr;

TEST_F(EtcdRestore, TheNewStoreHasWhatHangsOnNoLease) {
  std::vector<Entry> entries = {EntryOf("/a", Data(absl::string_view("\0x", 2))), EntryOf("/leased", Text("gone"), 7)};
  for (int i = 0; i < kEntries; ++i) entries.push_back(EntryOf(absl::StrCat("/many/", 100 + i), Text(absl::StrCat(i))));
  const absl::StatusOr<EtcdRestored> restored = Restore(BackupOf(entries, {{.id = 7, .ttl = absl::Seconds(5)}}));
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->entries, kEntries + 1);
  EXPECT_EQ(restored->on_leases, 1);
  EXPECT_EQ(restored->header.store_id, kStoreId);
  const std::unique_ptr<Store> store = Open();
  ASSERT_NE(store, nullptr);
  EXPECT_NE(store->store_id(), kStoreId);
  const SyncStore sync(store.get());
  EXPECT_EQ(sync.Get(K("/a"))->value, Data(absl::string_view("\0x", 2)));
  EXPECT_EQ(sync.Get(K("/leased")), std::nullopt);
  const std::vector<Entry> many = sync.List(K("/many"), Scope::kChildren);
  ASSERT_EQ(many.size(), static_cast<size_t>(kEntries));
  for (int i = 0; i < kEntries; ++i) EXPECT_EQ(many[i].value, Text(absl::StrCat(i)));
}

TEST_F(EtcdRestore, LargeValuesFitIntoTransactions) {
  std::vector<Entry> entries;
  for (int i = 0; i < 4; ++i) entries.push_back(EntryOf(absl::StrCat("/large/", i), Text(std::string(limits::kValueBytesMax, 'x'))));
  entries.insert(entries.begin() + 1, EntryOf("/large/0a", Text(std::string(400'000, 'y'))));
  ASSERT_TRUE(Restore(BackupOf(entries)).ok());
  const std::unique_ptr<Store> store = Open();
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(SyncStore(store.get()).Get(K("/large/3"))->value.bytes.size(), limits::kValueBytesMax);
}

TEST_F(EtcdRestore, WhereAStoreIsNothingIsRestored) {
  const std::unique_ptr<Store> store = Open();
  ASSERT_NE(store, nullptr);
  SyncStore(store.get()).Put(K("/a"), "mine");
  const absl::Status refused = Restore(BackupOf({EntryOf("/a", Text("theirs"))})).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr(absl::StrCat("store ", store->store_id(), " is there already")));
  EXPECT_EQ(SyncStore(store.get()).Get(K("/a"))->value, Text("mine"));
}

TEST_F(EtcdRestore, ADamagedBackupLeavesNothing) {
  std::string backup = BackupOf({EntryOf("/a", Text("v"))});
  backup.pop_back();
  EXPECT_EQ(Restore(backup).status().code(), absl::StatusCode::kDataLoss);
  const std::unique_ptr<Store> store = Open();
  ASSERT_NE(store, nullptr);
  EXPECT_TRUE(SyncStore(store.get()).List(K("/"), Scope::kSubtree).empty());
}

TEST_F(EtcdRestore, OneThatDidNotEndIsNoStoreAndTheNextBeginsAnew) {
  LeaveBehind(EtcdMapping::EncodeIdentity({.id = kStoreId, .restoring = true}), "/left");
  const absl::Status refused = OpenEtcdStore(options_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("did not end"));
  ASSERT_TRUE(Restore(BackupOf({EntryOf("/a", Text("v"))})).ok());
  const std::unique_ptr<Store> store = Open();
  ASSERT_NE(store, nullptr);
  EXPECT_THAT(Paths(SyncStore(store.get()).List(K("/"), Scope::kSubtree)), ElementsAre("/a"));
}

TEST_F(EtcdRestore, AStoreOfALaterFormatIsLeftAlone) {
  LeaveBehind(absl::StrCat("2 ", kStoreId), "/theirs");
  for (const absl::Status& refused : {OpenEtcdStore(options_).status(), Restore(BackupOf({})).status()}) {
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("format 2"));
  }
}

TEST_F(EtcdRestore, WhatIsNoIdentityIsNamed) {
  LeaveBehind("somebody's", "/theirs");
  for (const absl::Status& refused : {OpenEtcdStore(options_).status(), Restore(BackupOf({})).status()}) {
    EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("no ScoutLight wrote"));
  }
}

}  // namespace
}  // namespace scoutlight::storage
