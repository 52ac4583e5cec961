#ifndef SCOUTLIGHT_BASE_ENTRY_H_
#define SCOUTLIGHT_BASE_ENTRY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/key.h"

namespace scoutlight {

// The number of a state of the store. Grows by every transaction that changes something; an empty store is at 1; 0 means none.
using Revision = int64_t;

// Names a lease; positive. 0 means none.
using LeaseId = int64_t;

// Names a history: 32 hexadecimal digits, drawn at random when a store is made. It changes whenever the history is no continuation of
// the one before (wiped, restored, migrated).
using StoreId = std::string;

// What an entry holds, and which member of the wire's oneof its writer used, so that a reader gets the same one back.
struct Value {
  enum class Form : uint8_t { kText, kData };

  Form form = Form::kText;
  std::string bytes;  // Valid UTF-8 when `form` is kText.

  friend bool operator==(const Value&, const Value&) = default;
};

// A node of the hierarchy at some revision.
struct Entry {
  Key key;
  Value value;
  Revision create_revision = 0;  // Of the put that made it.
  Revision mod_revision = 0;     // Of its last put.
  int64_t version = 0;           // Puts since it was made: 1, 2, ...
  LeaseId lease_id = 0;
  bool has_value = false;     // False: a branch, there only because something lies below it; then only `key` says something.
  bool has_children = false;  // Filled by reads of keys and lists, not in events.

  friend bool operator==(const Entry&, const Entry&) = default;
};

// What an entry counts for in bounds of bytes: key, value, and a constant for the numbers.
inline size_t EntryBytes(const Entry& entry) { return entry.key.path().size() + entry.value.bytes.size() + 48; }

enum class EventKind : uint8_t { kPut = 1, kDelete = 2 };

// Why an event happened. On disk and on the wire: numbers are never reused.
enum class EventCause : uint8_t { kWrite = 1, kLeaseRevoked = 2, kLeaseExpired = 3 };

// The change of one key.
struct Event {
  Key key;
  EventKind kind = EventKind::kPut;
  EventCause cause = EventCause::kWrite;
  Entry entry;                    // A put's new entry; of a delete only key and mod_revision (the revision of the delete) say something.
  std::optional<Entry> previous;  // What was there before; nullopt: nothing, or not known.
  bool previous_known = false;

  friend bool operator==(const Event&, const Event&) = default;
};

// One transaction that changed something: its events in key order, a key at most once.
struct Batch {
  Revision revision = 0;
  absl::Time committed;
  std::vector<Event> events;

  friend bool operator==(const Batch&, const Batch&) = default;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_BASE_ENTRY_H_
