#include "storage/backup/backup_reader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/limits.h"
#include "storage/local/layout.h"

namespace scoutlight::storage {

using backup::Kind;

namespace {

// Takes a number or bytes from the front of a payload. nullopt: it has not so many.
std::optional<uint64_t> TakeU64(absl::string_view* payload) {
  const absl::StatusOr<uint64_t> number = layout::DecodeU64(payload->substr(0, 8));
  if (!number.ok()) return std::nullopt;
  payload->remove_prefix(8);
  return *number;
}

std::optional<absl::string_view> TakeBytes(absl::string_view* payload) {
  const absl::StatusOr<uint32_t> size = layout::DecodeU32(payload->substr(0, 4));
  if (!size.ok() || payload->size() - 4 < *size) return std::nullopt;
  const absl::string_view bytes = payload->substr(4, *size);
  payload->remove_prefix(4 + *size);
  return bytes;
}

}  // namespace

absl::Status BackupReader::Damaged(absl::string_view what) const {
  return MakeError(absl::StatusCode::kDataLoss, absl::StrCat("the backup is damaged at byte ", record_at_, ": ", what),
                   {.reason = Reason::kDataCorrupted});
}

absl::StatusOr<std::string> BackupReader::Read(size_t bytes) {
  std::string read(bytes, '\0');
  in_.read(read.data(), static_cast<std::streamsize>(bytes));
  at_ += static_cast<uint64_t>(in_.gcount());
  if (static_cast<size_t>(in_.gcount()) == bytes) return read;
  if (in_.bad()) return absl::UnavailableError(absl::StrCat("the backup cannot be read at byte ", at_));
  return MakeError(absl::StatusCode::kDataLoss, absl::StrCat("the backup is not complete: it ends at byte ", at_, " without its end"),
                   {.reason = Reason::kDataCorrupted});
}

absl::StatusOr<BackupReader::Record> BackupReader::ReadRecord() {
  record_at_ = at_;
  absl::StatusOr<std::string> front = Read(1 + backup::kLengthBytes);
  if (!front.ok()) return front.status();
  const uint32_t length = *layout::DecodeU32(absl::string_view(*front).substr(1));
  if (length > backup::kRecordBytesMax) {
    return Damaged(absl::StrCat("a record of ", length, " bytes, at most ", backup::kRecordBytesMax, " are possible"));
  }
  absl::StatusOr<std::string> payload = Read(length);
  if (!payload.ok()) return payload.status();
  const absl::StatusOr<std::string> sum = Read(backup::kSumBytes);
  if (!sum.ok()) return sum.status();
  if (*layout::DecodeU32(*sum) != Crc32c(*front + *payload)) return Damaged("the checksum of a record is wrong");
  return Record{static_cast<Kind>(front->front()), *std::move(payload)};
}

absl::StatusOr<backup::Header> BackupReader::ReadHeader() {
  const absl::StatusOr<std::string> magic = Read(backup::kMagic.size());
  if (!magic.ok()) return magic.status();
  if (*magic != backup::kMagic) return Damaged("this is no backup of ScoutLight: it begins otherwise");
  const absl::StatusOr<std::string> version = Read(4);
  if (!version.ok()) return version.status();
  if (const uint32_t number = *layout::DecodeU32(*version); number != backup::kVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the backup has version ", number, ", this server reads version ", backup::kVersion, "; use a newer server"));
  }
  const absl::StatusOr<Record> record = ReadRecord();
  if (!record.ok()) return record.status();
  absl::string_view payload = record->payload;
  const std::optional<absl::string_view> store_id = TakeBytes(&payload);
  const std::optional<uint64_t> revision = TakeU64(&payload);
  const std::optional<uint64_t> taken = TakeU64(&payload);
  if (record->kind != Kind::kHeader || !store_id.has_value() || !revision.has_value() || !taken.has_value() || !payload.empty() ||
      static_cast<Revision>(*revision) < 1) {
    return Damaged("its header cannot be read");
  }
  revision_ = static_cast<Revision>(*revision);
  return backup::Header{.store_id = StoreId(*store_id), .revision = revision_, .taken = absl::FromUnixMillis(static_cast<int64_t>(*taken))};
}

absl::StatusOr<std::optional<BackupReader::Part>> BackupReader::Next() {
  const absl::StatusOr<Record> record = ReadRecord();
  if (!record.ok()) return record.status();
  switch (record->kind) {
    case Kind::kEntry:
      return ReadEntry(record->payload);
    case Kind::kLease:
      return ReadLease(record->payload);
    case Kind::kEnd:
      if (absl::Status wrong = CheckEnd(record->payload); !wrong.ok()) return wrong;
      return std::nullopt;
    case Kind::kHeader:
      break;
  }
  return Damaged("a record of a kind that does not belong there");
}

absl::StatusOr<BackupReader::Part> BackupReader::ReadEntry(absl::string_view payload) {
  const std::optional<absl::string_view> path = TakeBytes(&payload);
  if (!path.has_value()) return Damaged("an entry without its key");
  const absl::StatusOr<Key> key = layout::DecodePath(*path);
  if (!key.ok()) return Damaged("an entry's key cannot be read");
  absl::StatusOr<Entry> entry = layout::DecodeEntry(*key, payload);
  if (!entry.ok()) return Damaged(absl::StrCat("the entry of ", key->path(), " cannot be read"));
  if (entry->mod_revision > revision_) return Damaged(absl::StrCat("the entry of ", key->path(), " is newer than the backup"));
  if (entry->value.bytes.size() > limits::kValueBytesMax) return Damaged(absl::StrCat("the value of ", key->path(), " is too long"));
  if (counts_.leases > 0 || *path <= last_path_) return Damaged(absl::StrCat("the entry of ", key->path(), " is out of order"));
  last_path_ = std::string(*path);
  ++counts_.entries;
  return Part(*std::move(entry));
}

absl::StatusOr<BackupReader::Part> BackupReader::ReadLease(absl::string_view payload) {
  const std::optional<uint64_t> id = TakeU64(&payload);
  const std::optional<uint64_t> ttl = TakeU64(&payload);
  if (!id.has_value() || !ttl.has_value() || !payload.empty()) return Damaged("a lease cannot be read");
  const backup::Lease lease{.id = static_cast<LeaseId>(*id), .ttl = absl::Milliseconds(static_cast<int64_t>(*ttl))};
  if (lease.id <= last_lease_) return Damaged(absl::StrCat("lease ", lease.id, " is out of order"));
  if (lease.ttl < limits::kLeaseTtlMin || lease.ttl > limits::kLeaseTtlMax)
    return Damaged(absl::StrCat("the ttl of lease ", lease.id, " is impossible"));
  last_lease_ = lease.id;
  ++counts_.leases;
  return Part(lease);
}

absl::Status BackupReader::CheckEnd(absl::string_view payload) {
  const std::optional<uint64_t> entries = TakeU64(&payload);
  const std::optional<uint64_t> leases = TakeU64(&payload);
  if (!entries.has_value() || !leases.has_value() || !payload.empty()) return Damaged("its end cannot be read");
  if (*entries != counts_.entries || *leases != counts_.leases) {
    return Damaged(absl::StrCat("it says that it has ", *entries, " entries and ", *leases, " leases, but has ", counts_.entries, " and ",
                                counts_.leases));
  }
  if (in_.peek() != std::istream::traits_type::eof()) return Damaged("something comes after its end");
  return absl::OkStatus();
}

}  // namespace scoutlight::storage
