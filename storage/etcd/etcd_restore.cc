#include "storage/etcd/etcd_restore.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "storage/backup/backup_reader.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/etcd/etcd_opening.h"
#include "storage/etcd/etcd_transaction.h"

namespace scoutlight::storage {
namespace {

using etcdserverpb::RangeResponse;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;

// Of one transaction, which puts its mark too.
constexpr int kEntriesAtOnce = kEtcdOperationsMax - 1;
constexpr int64_t kRemovedAtOnce = 1'000;

// The steps of one restoration, in order. Each is one transaction on the condition that this restoration still is the one, so a second
// one, or a store that was made meanwhile, ends it.
class Restoration {
 public:
  explicit Restoration(const EtcdStoreOptions& options)
      : options_(options), mapping_(options.prefix), client_(ClientOptionsOf(options)), id_(DrawStoreId(options)) {}

  // Begins, or takes the place of one that did not end.
  absl::Status Begin() {
    TxnRequest look;
    look.add_success()->mutable_request_range()->set_key(mapping_.identity_key());
    etcdserverpb::RangeRequest* nodes = look.add_success()->mutable_request_range();
    SetRange(mapping_.Nodes(), nodes);
    nodes->set_limit(1);
    nodes->set_keys_only(true);
    const absl::StatusOr<TxnResponse> seen = TxnNow(client_, options_, look);
    if (!seen.ok()) return seen.status();
    const RangeResponse& identity = seen->responses(0).response_range();
    const bool has_nodes = seen->responses(1).response_range().kvs_size() > 0;
    if (identity.kvs_size() == 0 && has_nodes) return absl::FailedPreconditionError("entries are there already, though no store's");
    std::string there;
    if (identity.kvs_size() > 0) {
      const absl::StatusOr<EtcdIdentity> decoded = EtcdMapping::DecodeIdentity(identity.kvs(0));
      if (!decoded.ok()) return decoded.status();
      if (!decoded->restoring) {
        return absl::FailedPreconditionError(absl::StrCat("store ", decoded->id, " is there already; a backup goes where none is"));
      }
      there = identity.kvs(0).value();
    }
    TxnRequest claim;
    *claim.add_compare() = IdentityIs(mapping_, there);
    PutIdentity({.id = id_, .restoring = true}, &claim);
    return Carry(claim);
  }

  // What an earlier restoration has left.
  absl::Status RemoveNodes() {
    for (;;) {
      TxnRequest look;
      etcdserverpb::RangeRequest* nodes = look.add_success()->mutable_request_range();
      SetRange(mapping_.Nodes(), nodes);
      nodes->set_limit(kRemovedAtOnce);
      nodes->set_keys_only(true);
      const absl::StatusOr<TxnResponse> seen = TxnNow(client_, options_, look);
      if (!seen.ok()) return seen.status();
      const RangeResponse& there = seen->responses(0).response_range();
      if (there.kvs_size() == 0) return absl::OkStatus();
      TxnRequest remove = Guarded();
      SetRange({there.kvs(0).key(), EtcdMapping::Successor(there.kvs(there.kvs_size() - 1).key())},
               remove.add_success()->mutable_request_delete_range());
      if (absl::Status failed = Carry(remove); !failed.ok()) return failed;
    }
  }

  absl::Status Add(const Entry& entry) {
    etcdserverpb::PutRequest* put = batch_.add_success()->mutable_request_put();
    put->set_key(mapping_.Encode(entry.key));
    put->set_value(EtcdMapping::EncodeValue(entry.value));
    bytes_ += put->key().size() + put->value().size();
    // One more of the largest fits.
    const bool full = batch_.success_size() >= kEntriesAtOnce || bytes_ > kEtcdRequestBytesMax - limits::kValueBytesMax - 64 * limits::kKiB;
    return full ? WriteBatch() : absl::OkStatus();
  }

  // Makes it a store.
  absl::Status Finish() {
    if (absl::Status failed = WriteBatch(); !failed.ok()) return failed;
    TxnRequest finish = Guarded();
    PutIdentity({.id = DrawStoreId(options_)}, &finish);
    return Carry(finish);
  }

 private:
  TxnRequest Guarded() const {
    TxnRequest request;
    *request.add_compare() = IdentityIs(mapping_, EtcdMapping::EncodeIdentity({.id = id_, .restoring = true}));
    return request;
  }

  void PutIdentity(const EtcdIdentity& identity, TxnRequest* request) {
    etcdserverpb::PutRequest* put = request->add_success()->mutable_request_put();
    put->set_key(mapping_.identity_key());
    put->set_value(EtcdMapping::EncodeIdentity(identity));
    last_identity_ = put->value();
    request->add_failure()->mutable_request_range()->set_key(mapping_.identity_key());
  }

  absl::Status WriteBatch() {
    if (batch_.success_size() == 0) return absl::OkStatus();
    TxnRequest request = Guarded();
    request.mutable_success()->Swap(batch_.mutable_success());
    etcdserverpb::PutRequest* mark = request.add_success()->mutable_request_put();
    mark->set_key(mapping_.mark_key());
    mark->set_value(EtcdMapping::EncodeMark({EtcdMark::Kind::kWrite, options_.clock->Now()}));
    batch_.Clear();
    bytes_ = 0;
    return Carry(request);
  }

  absl::Status Carry(const TxnRequest& request) {
    const absl::StatusOr<TxnResponse> response = TxnNow(client_, options_, request);
    if (!response.ok()) return response.status();
    if (response->succeeded()) return absl::OkStatus();
    // A try before this one, whose answer did not come, may have put the identity.
    if (response->responses_size() > 0) {
      const RangeResponse& there = response->responses(0).response_range();
      if (there.kvs_size() > 0 && there.kvs(0).value() == last_identity_) return absl::OkStatus();
    }
    return absl::FailedPreconditionError("somebody else has made a store there, or restores a backup there too");
  }

  const EtcdStoreOptions& options_;
  const EtcdMapping mapping_;
  EtcdClient client_;
  const StoreId id_;           // Of the restoration.
  std::string last_identity_;  // Put by the last transaction that puts one.
  TxnRequest batch_;           // Its puts alone.
  size_t bytes_ = 0;
};

// Gives each part of the backup to `take`, an absl::Status(const BackupReader::Part&).
template <typename Take>
absl::StatusOr<backup::Header> ReadAll(std::istream* in, Take take) {
  in->clear();
  in->seekg(0);
  BackupReader reader(in);
  absl::StatusOr<backup::Header> header = reader.ReadHeader();
  if (!header.ok()) return header;
  for (;;) {
    const absl::StatusOr<std::optional<BackupReader::Part>> part = reader.Next();
    if (!part.ok()) return part.status();
    if (!part->has_value()) return header;
    if (absl::Status failed = take(**part); !failed.ok()) return failed;
  }
}

}  // namespace

absl::StatusOr<EtcdRestored> RestoreIntoEtcd(const EtcdStoreOptions& options, std::istream* backup) {
  if (absl::Status damaged = ReadAll(backup, [](const BackupReader::Part&) { return absl::OkStatus(); }).status(); !damaged.ok()) {
    return damaged;
  }
  Restoration restoration(options);
  if (absl::Status failed = restoration.Begin(); !failed.ok()) return failed;
  if (absl::Status failed = restoration.RemoveNodes(); !failed.ok()) return failed;
  EtcdRestored restored;
  absl::StatusOr<backup::Header> header = ReadAll(backup, [&restoration, &restored](const BackupReader::Part& part) {
    const auto* const entry = std::get_if<Entry>(&part);
    if (entry == nullptr) return absl::OkStatus();
    if (entry->lease_id != 0) {
      ++restored.on_leases;
      return absl::OkStatus();
    }
    ++restored.entries;
    return restoration.Add(*entry);
  });
  if (!header.ok()) return header.status();
  if (absl::Status failed = restoration.Finish(); !failed.ok()) return failed;
  restored.header = *std::move(header);
  return restored;
}

}  // namespace scoutlight::storage
