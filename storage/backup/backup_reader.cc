#include "storage/backup/backup_reader.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "storage/local/layout.h"

namespace scoutlight::storage {
namespace {

constexpr size_t kPieceBytes = 64 * limits::kKiB;

}  // namespace

absl::StatusOr<bool> BackupReader::ReadOn() {
  std::string piece(kPieceBytes, '\0');
  in_.read(piece.data(), static_cast<std::streamsize>(piece.size()));
  if (in_.bad()) return absl::UnavailableError("the backup cannot be read on");
  piece.resize(static_cast<size_t>(in_.gcount()));
  records_.Add(piece);
  return !piece.empty();
}

absl::StatusOr<BackupRecords::Part> BackupReader::Read() {
  for (;;) {
    absl::StatusOr<std::optional<BackupRecords::Part>> part = records_.Next();
    if (!part.ok()) return part.status();
    if (part->has_value()) return **std::move(part);
    const absl::StatusOr<bool> more = ReadOn();
    if (!more.ok()) return more.status();
    // It is not complete: after its end nothing is read.
    if (!*more) return records_.CheckEnd();
  }
}

absl::StatusOr<backup::Header> BackupReader::ReadHeader() {
  const absl::StatusOr<BackupRecords::Part> part = Read();
  if (!part.ok()) return part.status();
  // What comes first is one.
  const backup::Header& header = std::get<backup::Header>(*part);
  revision_ = header.revision;
  return header;
}

absl::StatusOr<std::optional<BackupReader::Part>> BackupReader::Next() {
  const absl::StatusOr<BackupRecords::Part> part = Read();
  if (!part.ok()) return part.status();
  if (const auto* entry = std::get_if<BackupEntry>(&*part)) return EntryOf(*entry);
  if (const auto* lease = std::get_if<backup::Lease>(&*part)) return Part(*lease);
  // That was the end.
  if (const absl::StatusOr<bool> more = ReadOn(); !more.ok()) return more.status();
  if (absl::Status behind = records_.CheckEnd(); !behind.ok()) return behind;
  return std::nullopt;
}

absl::StatusOr<BackupReader::Part> BackupReader::EntryOf(const BackupEntry& part) const {
  const absl::StatusOr<Key> key = layout::DecodePath(part.path);
  if (!key.ok()) return records_.Damaged("an entry's key cannot be read");
  absl::StatusOr<Entry> entry = layout::DecodeEntry(*key, part.entry);
  if (!entry.ok()) return records_.Damaged(absl::StrCat("the entry of ", key->path(), " cannot be read"));
  if (entry->mod_revision > revision_) return records_.Damaged(absl::StrCat("the entry of ", key->path(), " is newer than the backup"));
  if (entry->value.bytes.size() > limits::kValueBytesMax) {
    return records_.Damaged(absl::StrCat("the value of ", key->path(), " is too long"));
  }
  return Part(*std::move(entry));
}

}  // namespace scoutlight::storage
