#ifndef SCOUTLIGHT_STORAGE_BACKUP_BACKUP_FORMAT_H_
#define SCOUTLIGHT_STORAGE_BACKUP_BACKUP_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/limits.h"

// One state of a store as a stream of bytes: what a backup is, whatever backend it comes from or goes to. Version 1.
//
//   be32, be64, path, entry   as in storage/local/layout.h
//   bytes                     be32 length, then so many bytes
//
//   backup   = "SCOUTLIGHT BACKUP\n" be32 version, header, *one, *lease, end
//   record   = kind, be32 length, so many bytes, be32 CRC-32C of all before it in this record
//   header   = record of kind 'H': bytes store_id, be64 revision, be64 milliseconds since 1970
//   one      = record of kind 'E': bytes path, entry                         in byte order of paths, each once
//   lease    = record of kind 'L': be64 id, be64 ttl in ms                   in order of ids, those that entries hang on
//   end      = record of kind 'Z': be64 number of entries, be64 number of leases
//
// Without its end a backup is not complete. History, and the memory of requests, are not in it.
namespace scoutlight::storage::backup {

inline constexpr absl::string_view kMagic = "SCOUTLIGHT BACKUP\n";
inline constexpr uint32_t kVersion = 1;
enum class Kind : char { kHeader = 'H', kEntry = 'E', kLease = 'L', kEnd = 'Z' };
inline constexpr size_t kLengthBytes = 4;
inline constexpr size_t kSumBytes = 4;
// Of a record; the largest is an entry.
inline constexpr size_t kRecordBytesMax = limits::kValueBytesMax + limits::kKeyBytesMax + 256;

struct Header {
  StoreId store_id;       // Of the store that it was taken of.
  Revision revision = 0;  // Of the state.
  absl::Time taken;
};

struct Lease {
  LeaseId id = 0;
  absl::Duration ttl;
};

struct Counts {
  uint64_t entries = 0;
  uint64_t leases = 0;
};

// The parts of a backup, in the order of the grammar. Thread-safe.
std::string EncodeHeader(const Header& header);  // With what comes before it.
std::string EncodeEntry(const Entry& entry);
std::string EncodeLease(const Lease& lease);
std::string EncodeEnd(const Counts& counts);

}  // namespace scoutlight::storage::backup

#endif  // SCOUTLIGHT_STORAGE_BACKUP_BACKUP_FORMAT_H_
