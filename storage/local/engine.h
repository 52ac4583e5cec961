#ifndef SCOUTLIGHT_STORAGE_LOCAL_ENGINE_H_
#define SCOUTLIGHT_STORAGE_LOCAL_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"

namespace scoutlight::storage {

// The ordered tables of bytes under a LocalStore; layout.h says what stands in them. Numbers index arrays; the names are on disk.
enum class Table : uint8_t { kMeta, kLive, kLog, kPast, kLeases, kLeaseKeys };
inline constexpr int kTables = 6;
absl::string_view TableName(Table table);

// Walks one table of one snapshot in byte order within [lower, upper). Not thread-safe, but may move between threads. Views of key and
// value are valid until the cursor moves. Keeps its snapshot alive.
class Cursor {
 public:
  virtual ~Cursor() = default;

  virtual void Seek(absl::string_view key) = 0;  // To the first key at or after `key`.
  virtual void SeekToLast() = 0;
  virtual void Next() = 0;  // Requires Valid().
  virtual bool Valid() const = 0;
  virtual absl::string_view key() const = 0;
  virtual absl::string_view value() const = 0;
  // Not OK (kDataLoss: damaged) makes Valid() false: an end that is no end.
  virtual absl::Status status() const = 0;
};

// One frozen state of all tables. Thread-safe. While one lives the engine cannot be reopened.
class Snapshot {
 public:
  virtual ~Snapshot() = default;

  // True and sets `value` when `key` is there. kDataLoss: damaged.
  virtual absl::StatusOr<bool> Get(Table table, absl::string_view key, std::string* value) const = 0;

  // `upper` empty: no upper end.
  virtual std::unique_ptr<Cursor> NewCursor(Table table, std::string lower, std::string upper) const = 0;
};

// Changes that are made together or not at all, later ones over earlier ones. Not thread-safe. Good for one Write(), of the opening of
// the engine that it was made in.
class WriteSet {
 public:
  virtual ~WriteSet() = default;

  virtual void Put(Table table, absl::string_view key, absl::string_view value) = 0;
  virtual void Delete(Table table, absl::string_view key) = 0;
  virtual size_t bytes() const = 0;  // 0: nothing to write.
};

// Storage that holds the tables. One writer at a time; everything else is thread-safe.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual StoreId store_id() const = 0;

  virtual std::unique_ptr<WriteSet> NewWriteSet() = 0;

  // Makes the changes of `writes` durable; `revision` is the highest one they hold, the one that they put
  // under layout::kMetaRevision if it is new. Blocks for one sync. Any error leaves it open
  // whether they are there; every later Write then fails with kUnavailable until Reopen() succeeds. Snapshots go on working.
  virtual absl::Status Write(WriteSet& writes, Revision revision) = 0;

  // Of everything written; between writes.
  virtual std::shared_ptr<const Snapshot> TakeSnapshot() = 0;

  // Closes and opens the storage again after a failed Write. kFailedPrecondition: a snapshot, cursor or write set is alive or another call
  // is under way; nothing changes. On any other error the engine is closed: TakeSnapshot() gives nullptr, and Reopen() may be tried again.
  virtual absl::Status Reopen() = 0;

  // History at or before `oldest` may be dropped from kLog and kPast, in the background and step by step. Never goes back.
  virtual void DropHistory(Revision oldest) = 0;

  // About how many bytes kLog holds for the revisions in [from, to], and kPast for all.
  virtual uint64_t LogBytes(Revision from, Revision to) = 0;
  virtual uint64_t PastBytes() = 0;

  // Bytes that may still be written before the reserve kept for deletes (`deletes` false) or for the engine itself is touched;
  // negative: none. nullopt: not limited.
  struct Room {
    int64_t for_puts_bytes = 0;
    int64_t for_deletes_bytes = 0;
    int64_t disk_bytes = 0;  // All of the disk, what is in use included.
  };
  virtual std::optional<Room> FreeRoom() = 0;

  // Called about once a second: makes durable how far writes have come.
  virtual void SyncHighWater() = 0;

  // Called about once a second from one thread of its own: drops history. May take seconds.
  virtual void Maintain() = 0;

  // Whether writes fail until Reopen(): after a failed Write, or when the storage failed in the background.
  virtual bool failed() const = 0;

  // Whether the disk takes a small synced write now: no use reopening before it does.
  virtual absl::Status Probe() = 0;

  // Reads everything and compares checksums; takes long. kDataLoss names the file. kUnavailable: closed.
  // Ends early, with OK, once `stop` says so.
  virtual absl::Status Verify(const std::function<bool()>& stop) = 0;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_ENGINE_H_
