#ifndef SCOUTLIGHT_STORAGE_BACKUP_BACKUP_READER_H_
#define SCOUTLIGHT_STORAGE_BACKUP_BACKUP_READER_H_

#include <istream>
#include <optional>
#include <variant>

#include "absl/status/statusor.h"
#include "base/backup_records.h"
#include "base/entry.h"
#include "storage/backup/backup_format.h"

namespace scoutlight::storage {

// Reads a backup (base/backup_records.h) from its beginning to its end, a record at a time. Blocks. Not thread-safe.
//
// kDataLoss, Reason::kDataCorrupted: it is damaged, or not complete; the message says at which byte. kFailedPrecondition: a newer format.
// kUnavailable: it cannot be read. After an error nothing more can be read.
class BackupReader {
 public:
  // `in` outlives it.
  explicit BackupReader(std::istream* in) : in_(*in) {}

  // Once, first.
  absl::StatusOr<backup::Header> ReadHeader();
  using Part = std::variant<Entry, backup::Lease>;
  // The next one; nullopt: that was all, and nothing is missing. Entries come in order of keys, then leases in order of ids. No revision is
  // over the header's.
  absl::StatusOr<std::optional<Part>> Next();

 private:
  absl::StatusOr<BackupRecords::Part> Read();
  // Adds the next bytes of `in` to the records; false: there are none.
  absl::StatusOr<bool> ReadOn();
  absl::StatusOr<Part> EntryOf(const BackupEntry& part) const;

  std::istream& in_;
  BackupRecords records_;
  Revision revision_ = 0;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_BACKUP_BACKUP_READER_H_
