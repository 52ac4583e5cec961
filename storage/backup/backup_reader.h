#ifndef SCOUTLIGHT_STORAGE_BACKUP_BACKUP_READER_H_
#define SCOUTLIGHT_STORAGE_BACKUP_BACKUP_READER_H_

#include <cstddef>
#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "storage/backup/backup_format.h"

namespace scoutlight::storage {

// Reads a backup (backup_format.h) from its beginning to its end, a record at a time. Blocks. Not thread-safe.
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
  struct Record {
    backup::Kind kind = backup::Kind::kEnd;
    std::string payload;
  };
  absl::StatusOr<std::string> Read(size_t bytes);
  absl::StatusOr<Record> ReadRecord();
  absl::StatusOr<Part> ReadEntry(absl::string_view payload);
  absl::StatusOr<Part> ReadLease(absl::string_view payload);
  absl::Status CheckEnd(absl::string_view payload);
  absl::Status Damaged(absl::string_view what) const;

  std::istream& in_;
  uint64_t at_ = 0;         // The next byte.
  uint64_t record_at_ = 0;  // Where the record in hand begins.
  Revision revision_ = 0;
  std::string last_path_;
  LeaseId last_lease_ = 0;
  backup::Counts counts_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_BACKUP_BACKUP_READER_H_
