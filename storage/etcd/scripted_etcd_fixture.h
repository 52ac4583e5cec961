#ifndef SCOUTLIGHT_STORAGE_ETCD_SCRIPTED_ETCD_FIXTURE_H_
#define SCOUTLIGHT_STORAGE_ETCD_SCRIPTED_ETCD_FIXTURE_H_

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/etcd/etcd_store.h"
#include "storage/etcd/scripted_etcd.h"
#include "storage/testing/await.h"
#include "storage/testing/recording_sink.h"
#include "storage/testing/sync_store.h"

// What the tests of a store over a scripted etcd share.
namespace scoutlight::storage {

inline constexpr char kPrefix[] = "p/";
inline constexpr absl::Time kWrittenByOthers = absl::FromUnixSeconds(1'000);

// A store whose watch has caught up, over an etcd that shows it nothing until it is told to.
class ScriptedEtcdTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(kAwaitBound); }

  void Open(absl::Duration stale_after) {
    EtcdStoreOptions options;
    options.endpoints = {etcd_.target()};
    options.prefix = kPrefix;
    options.random = [generator = std::make_shared<std::mt19937_64>()] { return (*generator)(); };
    options.stale_after = stale_after;
    absl::StatusOr<std::unique_ptr<Store>> store = OpenEtcdStore(options);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    sync_ = std::make_unique<SyncStore>(store_.get());
    sink_ = std::make_shared<RecordingSink>(etcd_.revision(), *store_);
    store_->Follow(etcd_.revision(), sink_);
    ASSERT_TRUE(sink_->WaitUntilFresh());
    etcd_.HoldWatches();
  }

  // A put that may not be answered yet.
  Pending<CommitResult> StartPut(const char* path, const char* value) {
    return Pending<CommitResult>::Start(
        [&](Done<CommitResult> done) { store_->Commit(TransactionOf({PutOf(K(path), value)}), std::move(done)); });
  }

  // What another server over the same etcd would send; and sends.
  etcdserverpb::TxnRequest PutOfAnother(const char* path, const char* value, absl::Time committed = kWrittenByOthers) const {
    etcdserverpb::TxnRequest request;
    etcdserverpb::PutRequest* put = request.add_success()->mutable_request_put();
    put->set_key(mapping_.Encode(K(path)));
    put->set_value(EtcdMapping::EncodeValue(Text(value)));
    put = request.add_success()->mutable_request_put();
    put->set_key(mapping_.mark_key());
    put->set_value(EtcdMapping::EncodeMark({EtcdMark::Kind::kWrite, committed}));
    return request;
  }
  Revision PutAsAnother(const char* path, const char* value) { return etcd_.Put(PutOfAnother(path, value)); }

  // A call behind what was answered so far, for it to be looked at.
  void LetAnswersCome() { sync_->Latest(); }

  std::vector<std::string> ShownValues() const {
    std::vector<std::string> values;
    for (const auto& batch : sink_->batches()) {
      for (const Event& event : batch->events) values.push_back(event.entry.value.bytes);
    }
    return values;
  }

  // All of one revision, as another server writes them; and what becomes of that with its lease.
  std::vector<std::string> PutOnLeaseAsAnother(int keys) {
    std::vector<std::string> etcd_keys;
    etcdserverpb::TxnRequest request;
    for (int i = 0; i < keys; ++i) {
      etcdserverpb::PutRequest* put = request.add_success()->mutable_request_put();
      etcd_keys.push_back(mapping_.Encode(K("/leased" + std::to_string(i))));
      put->set_key(etcd_keys.back());
      put->set_value(EtcdMapping::EncodeValue(Text("v")));
      put->set_lease(i % 2 == 0 ? 7 : 0);
    }
    etcdserverpb::PutRequest* mark = request.add_success()->mutable_request_put();
    mark->set_key(mapping_.mark_key());
    mark->set_value(EtcdMapping::EncodeMark({EtcdMark::Kind::kWrite, kWrittenByOthers}));
    etcd_.Put(request);
    return etcd_keys;
  }

  const EtcdMapping mapping_{kPrefix};
  ScriptedEtcd etcd_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SyncStore> sync_;
  std::shared_ptr<RecordingSink> sink_;
};

// Whose store gives up early what seems to hang.
class HastyScriptedEtcdTest : public ScriptedEtcdTest {
 protected:
  static constexpr absl::Duration kStaleAfter = absl::Milliseconds(200);
  void SetUp() override { Open(kStaleAfter); }
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_SCRIPTED_ETCD_FIXTURE_H_
