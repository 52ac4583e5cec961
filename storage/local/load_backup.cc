#include "storage/local/load_backup.h"

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "storage/local/layout.h"
#include "storage/local/lease_table.h"
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
    const std::string record = layout::EncodeEntry(entry);
    writes_->Put(Table::kLive, path, record);
    if (entry.lease_id != 0) {
      writes_->Put(Table::kLeaseKeys, layout::LeaseKeysKey(entry.lease_id, path), "");
      LeaseLoad& load = leases_due_[entry.lease_id];
      load.bytes += static_cast<int64_t>(path.size() + record.size());
      if (++load.keys > limits::kKeysPerLeaseMax || load.bytes > static_cast<int64_t>(limits::kBytesPerLeaseMax)) {
        return Unfit(entry.lease_id, "has more entries than a lease may have");
      }
      if (leases_due_.size() > static_cast<size_t>(limits::kLeasesMax)) return Unfit(entry.lease_id, "is one too many");
    }
    return WriteIfFull();
  }

  absl::Status Add(const backup::Lease& lease) {
    if (leases_due_.erase(lease.id) == 0) return Unfit(lease.id, "has no entries");
    writes_->Put(Table::kLeases, layout::LeaseKey(lease.id), layout::EncodeLease({.ttl = lease.ttl, .remaining = lease.ttl}));
    return WriteIfFull();
  }

  absl::Status Finish(Revision revision) {
    if (!leases_due_.empty()) return Unfit(leases_due_.begin()->first, "is not there, but entries hang on it");
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
  absl::flat_hash_map<LeaseId, LeaseLoad> leases_due_;  // Of the entries, at most limits::kLeasesMax.
};

}  // namespace

absl::StatusOr<backup::Header> LoadBackup(BackupReader* reader, Engine* engine) {
  absl::StatusOr<backup::Header> header = reader->ReadHeader();
  if (!header.ok()) return header;
  Loader loader(engine);
  for (;;) {
    const absl::StatusOr<std::optional<BackupReader::Part>> part = reader->Next();
    if (!part.ok()) return part.status();
    if (!part->has_value()) {
      if (absl::Status failed = loader.Finish(header->revision); !failed.ok()) return failed;
      return header;
    }
    const absl::Status added = std::visit([&loader](const auto& one) { return loader.Add(one); }, **part);
    if (!added.ok()) return added;
  }
}

}  // namespace scoutlight::storage
