#include "storage/local/load_backup.h"

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "storage/local/layout.h"
#include "storage/local/new_store.h"

namespace scoutlight::storage {
namespace {

absl::Status Unfit(LeaseId id, absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, absl::StrCat("the backup contradicts itself: lease ", id, " ", what),
                   {.reason = Reason::kDataCorrupted});
}

// Gathers rows and writes them a batch at a time.
class Loader {
 public:
  explicit Loader(Engine* engine) : engine_(*engine), writes_(engine_.NewWriteSet()) {}

  absl::Status Add(const Entry& entry) {
    const std::string path = layout::EncodePath(entry.key);
    writes_->Put(Table::kLive, path, layout::EncodeEntry(entry));
    if (entry.lease_id != 0) {
      writes_->Put(Table::kLeaseKeys, layout::LeaseKeysKey(entry.lease_id, path), "");
      leases_due_.insert(entry.lease_id);
    }
    return WriteIfFull();
  }

  absl::Status Add(const backup::Lease& lease) {
    if (leases_due_.erase(lease.id) == 0) return Unfit(lease.id, "has no entries");
    writes_->Put(Table::kLeases, layout::LeaseKey(lease.id), layout::EncodeLease({.ttl = lease.ttl, .remaining = lease.ttl}));
    return WriteIfFull();
  }

  absl::Status Finish(Revision revision) {
    if (!leases_due_.empty()) return Unfit(*leases_due_.begin(), "is not there, but entries hang on it");
    writes_->Put(Table::kMeta, layout::kMetaRevision, layout::EncodeU64(static_cast<uint64_t>(revision)));
    writes_->Put(Table::kMeta, layout::kMetaOldest, layout::EncodeU64(static_cast<uint64_t>(revision)));
    return engine_.Write(*writes_, revision);
  }

 private:
  absl::Status WriteIfFull() {
    if (writes_->bytes() < limits::kBatchBytesMax) return absl::OkStatus();
    const absl::Status written = engine_.Write(*writes_, kFirstRevision);
    writes_ = engine_.NewWriteSet();
    return written;
  }

  Engine& engine_;
  std::unique_ptr<WriteSet> writes_;
  absl::flat_hash_set<LeaseId> leases_due_;  // Of the entries; at most as many as a store has leases.
};

}  // namespace

absl::Status LoadBackup(BackupReader* reader, Engine* engine) {
  const absl::StatusOr<backup::Header> header = reader->ReadHeader();
  if (!header.ok()) return header.status();
  Loader loader(engine);
  for (;;) {
    const absl::StatusOr<std::optional<BackupReader::Part>> part = reader->Next();
    if (!part.ok()) return part.status();
    if (!part->has_value()) return loader.Finish(header->revision);
    const absl::Status added = std::visit([&loader](const auto& one) { return loader.Add(one); }, **part);
    if (!added.ok()) return added;
  }
}

}  // namespace scoutlight::storage
