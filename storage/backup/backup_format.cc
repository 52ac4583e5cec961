#include "storage/backup/backup_format.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/crc32c.h"
#include "storage/local/layout.h"

namespace scoutlight::storage::backup {
namespace {

std::string Bytes(absl::string_view bytes) { return absl::StrCat(layout::EncodeU32(static_cast<uint32_t>(bytes.size())), bytes); }

std::string Number(int64_t number) { return layout::EncodeU64(static_cast<uint64_t>(number)); }

std::string Record(BackupKind kind, absl::string_view payload) {
  std::string record = absl::StrCat(std::string(1, static_cast<char>(kind)), Bytes(payload));
  record += layout::EncodeU32(Crc32c(record));
  return record;
}

}  // namespace

std::string EncodeHeader(const Header& header) {
  return absl::StrCat(
      kBackupMagic, layout::EncodeU32(kBackupVersion),
      Record(BackupKind::kHeader, absl::StrCat(Bytes(header.store_id), Number(header.revision), Number(absl::ToUnixMillis(header.taken)))));
}

std::string EncodeEntry(const Entry& entry) {
  return Record(BackupKind::kEntry, absl::StrCat(Bytes(layout::EncodePath(entry.key)), layout::EncodeEntry(entry)));
}

std::string EncodeLease(const Lease& lease) {
  return Record(BackupKind::kLease, absl::StrCat(Number(lease.id), Number(absl::ToInt64Milliseconds(lease.ttl))));
}

std::string EncodeEnd(const Counts& counts) {
  return Record(BackupKind::kEnd, absl::StrCat(layout::EncodeU64(counts.entries), layout::EncodeU64(counts.leases)));
}

}  // namespace scoutlight::storage::backup
