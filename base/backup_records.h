#ifndef SCOUTLIGHT_BASE_BACKUP_RECORDS_H_
#define SCOUTLIGHT_BASE_BACKUP_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/limits.h"

// One state of a store as a stream of bytes: what a backup is, whatever backend it comes from or goes to. Version 1.
//
//   be32, be64   numbers, the highest byte first
//   bytes        be32 length, then so many bytes
//   path, entry  as in storage/local/layout.h
//
//   backup   = "SCOUTLIGHT BACKUP\n" be32 version, header, *one, *lease, end
//   record   = kind, be32 length, so many bytes, be32 CRC-32C of all before it in this record
//   header   = record of kind 'H': bytes store_id, be64 revision, be64 milliseconds since 1970
//   one      = record of kind 'E': bytes path, entry                         in byte order of paths, each once
//   lease    = record of kind 'L': be64 id, be64 ttl in ms                   in order of ids, those that entries hang on
//   end      = record of kind 'Z': be64 number of entries, be64 number of leases
//
// Without its end a backup is not complete. History, and the memory of requests, are not in it.
namespace scoutlight {

inline constexpr absl::string_view kBackupMagic = "SCOUTLIGHT BACKUP\n";
inline constexpr uint32_t kBackupVersion = 1;
enum class BackupKind : char { kHeader = 'H', kEntry = 'E', kLease = 'L', kEnd = 'Z' };
// Of a record, without kind, length and checksum; the largest is an entry.
inline constexpr size_t kBackupRecordBytesMax = limits::kValueBytesMax + limits::kKeyBytesMax + 256;

struct BackupHeader {
  StoreId store_id;       // Of the store that it was taken of.
  Revision revision = 0;  // Of the state.
  absl::Time taken;
};

// As storage has it: not looked into.
struct BackupEntry {
  std::string path;
  std::string entry;
};

struct BackupLease {
  LeaseId id = 0;
  absl::Duration ttl;
};

struct BackupCounts {
  uint64_t entries = 0;
  uint64_t leases = 0;
};

// Takes a backup apart as its bytes come, and checks all but what its entries hold: checksums, order, counts, that it has its end and
// nothing behind. Keeps one record, and what was given beyond it. Not thread-safe.
//
// kDataLoss, Reason::kDataCorrupted: it is damaged; the message says at which byte. kFailedPrecondition: a newer format. After an error
// nothing more can be read.
class BackupRecords {
 public:
  void Add(absl::string_view bytes);

  using Part = std::variant<BackupHeader, BackupEntry, BackupLease, BackupCounts>;
  // The next part, in the order of the grammar; nullopt: its bytes have not come yet, or all have been given.
  absl::StatusOr<std::optional<Part>> Next();

  // kDataLoss: it is not complete, or something was added behind its end. To be asked when no more bytes come.
  absl::Status CheckEnd() const;

  // kDataLoss, of the record that was given last.
  absl::Status Damaged(absl::string_view what) const;

 private:
  absl::string_view left() const { return absl::string_view(bytes_).substr(begin_); }
  void Skip(size_t bytes);
  // Whether there is a magic, and a version that can be read.
  absl::StatusOr<bool> Begin();
  absl::StatusOr<Part> PartOf(BackupKind kind, absl::string_view payload);
  absl::StatusOr<Part> HeaderOf(absl::string_view payload);
  absl::StatusOr<Part> EntryOf(absl::string_view payload);
  absl::StatusOr<Part> LeaseOf(absl::string_view payload);
  absl::StatusOr<Part> EndOf(absl::string_view payload);

  std::string bytes_;  // Of which the first `begin_` have been given.
  size_t begin_ = 0;
  uint64_t at_ = 0;         // Of the backup's bytes, that at `begin_`.
  uint64_t record_at_ = 0;  // Where the record in hand begins.
  bool begun_ = false;
  bool has_header_ = false;
  bool ended_ = false;
  std::string last_path_;
  LeaseId last_lease_ = 0;
  BackupCounts counts_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_BASE_BACKUP_RECORDS_H_
