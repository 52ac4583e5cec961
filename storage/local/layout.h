#ifndef SCOUTLIGHT_STORAGE_LOCAL_LAYOUT_H_
#define SCOUTLIGHT_STORAGE_LOCAL_LAYOUT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/key.h"

// The on-disk format of the embedded store: every key and record is made and read here and nowhere else. Version 1.
//
//   be32, be64   unsigned integers, high byte first, so that byte order is number order
//   varint       unsigned, seven bits a byte, low ones first (as in protobuf)
//   bytes        varint length, then so many bytes
//
//   space        = 0x01                                       paths; other values are free for other key spaces
//   path         = space [ segment *( 0x00 segment ) ]        the root is the space alone; no segment is empty or has a byte < 0x20
//
//   live         path                     -> entry
//   log          be64 revision, be32 ordinal -> event         ordinals 0, 1, ... in key order
//   past         path 0x00 0x00 be64 revision -> before       what the path held before that revision changed it
//   leases       be64 id                  -> lease
//   lease_keys   be64 id, path            -> [ varint bytes ]   of path and entry in live; left out: look there
//   meta         name                     -> see MetaName
//
//   entry        = varint create_revision, varint mod_revision, varint version, varint lease_id, form, *byte value
//   form         = 0x00 (text) | 0x01 (data)
//   before       = 0x00 (nothing) | 0x01 entry
//   event        = kind, cause, flags, varint committed, [ request ], bytes path, [ entry ]   entry only if kind is put
//   flags        = bit 0: last event of its transaction; bit 1: a request follows (on ordinal 0 only)
//   committed    = nanoseconds since 1970 as a varint
//   request      = bytes caller, bytes request_id, be64 request_hash
//   lease        = varint ttl in ms, varint life, varint remaining in ms, [ be64 tag ]   no tag if it is 0
//
// Byte order of paths is depth-first: a node, its subtree, its next sibling. The subtree of a path p, itself included, is the range
// [p, p 0x01); its children start at p 0x00. The past of p and of all below it is the range [p 0x00, p 0x01). The root's children have
// no separator before them, so the root's ranges end at 0x02.
//
// Whatever a Decode function cannot have got from its Encode function is kDataLoss with Reason::kDataCorrupted: a record cut short,
// bytes behind a fixed end, numbers out of range or longer than needed, unknown forms, kinds, causes, flags.
namespace scoutlight::storage::layout {

inline constexpr uint32_t kFormatVersion = 1;

// Names in `meta`.
inline constexpr absl::string_view kMetaFormat = "format";      // be32 kFormatVersion
inline constexpr absl::string_view kMetaStoreId = "store_id";   // its characters
inline constexpr absl::string_view kMetaRevision = "revision";  // be64, the latest
inline constexpr absl::string_view kMetaOldest = "oldest";      // be64, the oldest readable one
inline constexpr absl::string_view kMetaLife = "life";          // be64, how often a server has served from here
inline constexpr absl::string_view kMetaUptime = "uptime";      // be64 ms, how long leases' time ran in this life; left out: 0

std::string EncodePath(const Key& key);
// kDataLoss: not a path that EncodePath makes.
absl::StatusOr<Key> DecodePath(absl::string_view path);

// The end of the range that starts with `path` and holds its subtree: the first byte string behind it.
std::string SubtreeEnd(absl::string_view path);
// The start of the range that holds what is below `path` but not itself. With the root: everything but the root.
std::string BelowStart(absl::string_view path);
// The path of the node directly below `parent` that `path` is or lies under. Requires that `path` lies below `parent`.
absl::string_view ChildPath(absl::string_view parent, absl::string_view path);
// Whether `path` is the root of the system tree or below it.
bool IsSystemPath(absl::string_view path);

std::string EncodeU32(uint32_t number);
// kDataLoss: not four bytes.
absl::StatusOr<uint32_t> DecodeU32(absl::string_view bytes);
std::string EncodeU64(uint64_t number);
// kDataLoss: not eight bytes.
absl::StatusOr<uint64_t> DecodeU64(absl::string_view bytes);

std::string LogKey(Revision revision, uint32_t ordinal);
struct LogPosition {
  Revision revision = 0;
  uint32_t ordinal = 0;
};
absl::StatusOr<LogPosition> DecodeLogKey(absl::string_view key);

std::string PastKey(absl::string_view path, Revision revision);
struct PastPosition {
  absl::string_view path;  // Into the key given; DecodePath says whether it is one.
  Revision revision = 0;
};
absl::StatusOr<PastPosition> DecodePastKey(absl::string_view key);

// The keys of a lease in lease_keys are the range [LeaseKey(id), LeaseKey(id + 1)).
std::string LeaseKey(LeaseId id);
absl::StatusOr<LeaseId> DecodeLeaseKey(absl::string_view key);
std::string LeaseKeysKey(LeaseId id, absl::string_view path);
struct LeaseKeysPosition {
  LeaseId id = 0;
  absl::string_view path;  // Into the key given.
};
absl::StatusOr<LeaseKeysPosition> DecodeLeaseKeysKey(absl::string_view key);
std::string EncodeLeaseKeyBytes(uint64_t bytes);
// nullopt: the record does not say.
absl::StatusOr<std::optional<uint64_t>> DecodeLeaseKeyBytes(absl::string_view record);

// The numbers of an entry alone: what a list in creation order needs.
struct EntryHeader {
  Revision create_revision = 0;
  Revision mod_revision = 0;
  int64_t version = 0;
  LeaseId lease_id = 0;
  Value::Form form = Value::Form::kText;
  absl::string_view value;  // Into the record given.
};

// An entry's record leaves out the key and what reads fill in. has_value becomes true on decoding.
std::string EncodeEntry(const Entry& entry);
absl::StatusOr<EntryHeader> DecodeEntryHeader(absl::string_view record);
absl::StatusOr<Entry> DecodeEntry(const Key& key, absl::string_view record);

// nullopt: there was nothing.
std::string EncodeBefore(const std::optional<absl::string_view>& entry_record);
// The entry's record inside a `before` record; nullopt: there was nothing.
absl::StatusOr<std::optional<absl::string_view>> DecodeBefore(absl::string_view record);

struct RequestRecord {
  std::string caller;
  std::string request_id;
  uint64_t request_hash = 0;
};

// An event as the log holds it, without `previous`. Times before 1970 become 1970.
struct EventRecord {
  Event event;
  absl::Time committed;
  bool last = false;
  std::optional<RequestRecord> request;
};
std::string EncodeEvent(const EventRecord& record);
// `revision` is that of its log key; a put's entry must have it too.
absl::StatusOr<EventRecord> DecodeEvent(Revision revision, absl::string_view record);

// Durations are kept in this unit, rounded up.
inline constexpr absl::Duration kLeaseTimeUnit = absl::Milliseconds(1);
struct LeaseRecord {
  absl::Duration ttl;
  uint64_t life = 0;         // In which the lease was last granted or renewed.
  absl::Duration remaining;  // At the start of the life in which it was written; its whole ttl in a record of a grant or renewal.
  uint64_t tag = 0;          // A hash of the caller and request id of the grant; 0: it had no request id, or the record does not say.
};
std::string EncodeLease(const LeaseRecord& lease);
absl::StatusOr<LeaseRecord> DecodeLease(absl::string_view record);

}  // namespace scoutlight::storage::layout

#endif  // SCOUTLIGHT_STORAGE_LOCAL_LAYOUT_H_
