#include "base/backup_records.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"

namespace scoutlight {
namespace {

constexpr size_t kFrontBytes = 1 + 4;  // Kind and length.
constexpr size_t kSumBytes = 4;

// `bytes` are 4 or 8.
uint64_t NumberOf(absl::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

// Take a number or bytes from the front of a payload. nullopt: it has not so many.
std::optional<uint64_t> TakeNumber(size_t bytes, absl::string_view* payload) {
  if (payload->size() < bytes) return std::nullopt;
  const uint64_t number = NumberOf(payload->substr(0, bytes));
  payload->remove_prefix(bytes);
  return number;
}

std::optional<absl::string_view> TakeBytes(absl::string_view* payload) {
  const std::optional<uint64_t> size = TakeNumber(4, payload);
  if (!size.has_value() || payload->size() < *size) return std::nullopt;
  const absl::string_view bytes = payload->substr(0, *size);
  payload->remove_prefix(*size);
  return bytes;
}

absl::Status Corrupted(std::string message) {
  return MakeError(absl::StatusCode::kDataLoss, std::move(message), {.reason = Reason::kDataCorrupted});
}

}  // namespace

absl::Status BackupRecords::Damaged(absl::string_view what) const {
  return Corrupted(absl::StrCat("the backup is damaged at byte ", record_at_, ": ", what));
}

absl::Status BackupRecords::CheckEnd() const {
  if (!ended_) return Corrupted(absl::StrCat("the backup is not complete: it ends at byte ", at_ + left().size(), " without its end"));
  if (!left().empty()) return Corrupted(absl::StrCat("the backup is damaged at byte ", at_, ": something comes after its end"));
  return absl::OkStatus();
}

void BackupRecords::Add(absl::string_view bytes) {
  bytes_.erase(0, std::exchange(begin_, 0));
  bytes_.append(bytes.data(), bytes.size());
}

void BackupRecords::Skip(size_t bytes) {
  begin_ += bytes;
  at_ += bytes;
}

absl::StatusOr<bool> BackupRecords::Begin() {
  const absl::string_view magic = left().substr(0, kBackupMagic.size());
  if (magic != kBackupMagic.substr(0, magic.size())) return Damaged("this is no backup of ScoutLight: it begins otherwise");
  if (left().size() < kBackupMagic.size() + 4) return false;
  if (const uint64_t version = NumberOf(left().substr(kBackupMagic.size(), 4)); version != kBackupVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the backup has version ", version, ", this program reads version ", kBackupVersion, "; use a newer one"));
  }
  Skip(kBackupMagic.size() + 4);
  begun_ = true;
  return true;
}

absl::StatusOr<std::optional<BackupRecords::Part>> BackupRecords::Next() {
  if (ended_) {
    if (absl::Status more = CheckEnd(); !more.ok()) return more;
    return std::nullopt;
  }
  if (!begun_) {
    const absl::StatusOr<bool> begun = Begin();
    if (!begun.ok()) return begun.status();
    if (!*begun) return std::nullopt;
  }
  record_at_ = at_;
  if (left().size() < kFrontBytes) return std::nullopt;
  const size_t length = NumberOf(left().substr(1, 4));
  if (length > kBackupRecordBytesMax) {
    return Damaged(absl::StrCat("a record of ", length, " bytes, at most ", kBackupRecordBytesMax, " are possible"));
  }
  const size_t summed = kFrontBytes + length;
  if (left().size() < summed + kSumBytes) return std::nullopt;
  const absl::string_view record = left().substr(0, summed);
  if (NumberOf(left().substr(summed, kSumBytes)) != Crc32c(record)) return Damaged("the checksum of a record is wrong");
  absl::StatusOr<Part> part = PartOf(static_cast<BackupKind>(record.front()), record.substr(kFrontBytes));
  if (!part.ok()) return part.status();
  Skip(summed + kSumBytes);
  return *std::move(part);
}

absl::StatusOr<BackupRecords::Part> BackupRecords::PartOf(BackupKind kind, absl::string_view payload) {
  if (!has_header_) return kind == BackupKind::kHeader ? HeaderOf(payload) : Damaged("its header cannot be read");
  switch (kind) {
    case BackupKind::kEntry:
      return EntryOf(payload);
    case BackupKind::kLease:
      return LeaseOf(payload);
    case BackupKind::kEnd:
      return EndOf(payload);
    case BackupKind::kHeader:
      break;
  }
  return Damaged("a record of a kind that does not belong there");
}

absl::StatusOr<BackupRecords::Part> BackupRecords::HeaderOf(absl::string_view payload) {
  const std::optional<absl::string_view> store_id = TakeBytes(&payload);
  const std::optional<uint64_t> revision = TakeNumber(8, &payload);
  const std::optional<uint64_t> taken = TakeNumber(8, &payload);
  // Of a store id that is too long nothing is taken, so the numbers may be there all the same.
  const bool whole = store_id.has_value() && taken.has_value() && payload.empty();
  if (!whole || static_cast<Revision>(*revision) < 1) return Damaged("its header cannot be read");
  has_header_ = true;
  return BackupHeader{.store_id = StoreId(*store_id),
                      .revision = static_cast<Revision>(*revision),
                      .taken = absl::FromUnixMillis(static_cast<int64_t>(*taken))};
}

absl::StatusOr<BackupRecords::Part> BackupRecords::EntryOf(absl::string_view payload) {
  const std::optional<absl::string_view> path = TakeBytes(&payload);
  if (!path.has_value()) return Damaged("an entry without its key");
  if (counts_.leases > 0 || *path <= last_path_) return Damaged("an entry is out of order");
  last_path_ = std::string(*path);
  ++counts_.entries;
  return BackupEntry{.path = last_path_, .entry = std::string(payload)};
}

absl::StatusOr<BackupRecords::Part> BackupRecords::LeaseOf(absl::string_view payload) {
  const std::optional<uint64_t> id = TakeNumber(8, &payload);
  const std::optional<uint64_t> ttl = TakeNumber(8, &payload);
  if (!ttl.has_value() || !payload.empty()) return Damaged("a lease cannot be read");
  const BackupLease lease{.id = static_cast<LeaseId>(*id), .ttl = absl::Milliseconds(static_cast<int64_t>(*ttl))};
  if (lease.id <= last_lease_) return Damaged(absl::StrCat("lease ", lease.id, " is out of order"));
  if (lease.ttl < limits::kLeaseTtlMin || lease.ttl > limits::kLeaseTtlMax) {
    return Damaged(absl::StrCat("the ttl of lease ", lease.id, " is impossible"));
  }
  last_lease_ = lease.id;
  ++counts_.leases;
  return lease;
}

absl::StatusOr<BackupRecords::Part> BackupRecords::EndOf(absl::string_view payload) {
  const std::optional<uint64_t> entries = TakeNumber(8, &payload);
  const std::optional<uint64_t> leases = TakeNumber(8, &payload);
  if (!leases.has_value() || !payload.empty()) return Damaged("its end cannot be read");
  if (*entries != counts_.entries || *leases != counts_.leases) {
    return Damaged(absl::StrCat("it says that it has ", *entries, " entries and ", *leases, " leases, but has ", counts_.entries, " and ",
                                counts_.leases));
  }
  ended_ = true;
  return counts_;
}

}  // namespace scoutlight
