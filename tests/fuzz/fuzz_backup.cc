// Backups as anybody may hand them in. Input: how they are cut into pieces; then either the bytes of a backup, or records of it, whose
// lengths and checksums are put right so that what is in them is looked at: kind, size, payload.
#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/backup_records.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "storage/backup/backup_format.h"
#include "storage/backup/backup_reader.h"
#include "storage/local/layout.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input.h"

namespace scoutlight::fuzz {
namespace {

namespace backup = storage::backup;
using storage::layout::EncodeU32;

std::string BackupOf(Input* input) {
  std::string made = absl::StrCat(kBackupMagic, EncodeU32(kBackupVersion));
  while (!input->empty()) {
    std::string record(1, static_cast<char>(input->Byte()));
    const absl::string_view payload = input->Bytes(input->Byte());
    absl::StrAppend(&record, EncodeU32(static_cast<uint32_t>(payload.size())), payload);
    absl::StrAppend(&made, record, EncodeU32(Crc32c(record)));
  }
  return made;
}

void RequireRefusal(const absl::Status& status) {
  const bool damaged = status.code() == absl::StatusCode::kDataLoss && ReasonOf(status) == Reason::kDataCorrupted;
  Require(damaged || status.code() == absl::StatusCode::kFailedPrecondition, status.ToString());
}

// What BackupRecords makes of bytes that come in pieces of so many: how many parts, and what they came to in the end.
std::string Outcome(absl::string_view bytes, size_t piece_bytes) {
  BackupRecords records;
  int parts = 0;
  for (;;) {
    const absl::StatusOr<std::optional<BackupRecords::Part>> part = records.Next();
    if (!part.ok()) {
      RequireRefusal(part.status());
      return absl::StrCat(parts, " ", part.status().ToString());
    }
    if (part->has_value()) {
      ++parts;
      continue;
    }
    if (bytes.empty()) break;
    records.Add(bytes.substr(0, piece_bytes));
    bytes.remove_prefix(std::min(piece_bytes, bytes.size()));
  }
  return absl::StrCat(parts, " ", records.CheckEnd().ToString());
}

// Reads a backup and writes what it held; nullopt: it is refused.
std::optional<std::string> Rewritten(const std::string& bytes) {
  std::istringstream in(bytes);
  storage::BackupReader reader(&in);
  const absl::StatusOr<backup::Header> header = reader.ReadHeader();
  if (!header.ok()) {
    RequireRefusal(header.status());
    return std::nullopt;
  }
  std::string written = backup::EncodeHeader(*header);
  backup::Counts counts;
  for (;;) {
    const absl::StatusOr<std::optional<storage::BackupReader::Part>> part = reader.Next();
    if (!part.ok()) {
      RequireRefusal(part.status());
      return std::nullopt;
    }
    if (!part->has_value()) break;
    if (const Entry* entry = std::get_if<Entry>(&**part)) {
      Require(entry->mod_revision <= header->revision, "an entry from the future");
      absl::StrAppend(&written, backup::EncodeEntry(*entry));
      ++counts.entries;
    } else {
      absl::StrAppend(&written, backup::EncodeLease(std::get<backup::Lease>(**part)));
      ++counts.leases;
    }
  }
  return absl::StrCat(written, backup::EncodeEnd(counts));
}

}  // namespace

void FuzzBackup(absl::string_view bytes) {
  Input input(bytes);
  const size_t piece_bytes = 1 + input.Below(64);
  const bool raw = input.Byte() == 'r';
  const std::string made = raw ? std::string(input.Rest()) : BackupOf(&input);
  const std::string whole = Outcome(made, std::max<size_t>(made.size(), 1));
  Require(Outcome(made, piece_bytes) == whole, "in pieces it is ", Outcome(made, piece_bytes), ", as a whole ", whole);
  const std::optional<std::string> written = Rewritten(made);
  Require(!written.has_value() || *written == made, "another backup means the same");
}

}  // namespace scoutlight::fuzz
