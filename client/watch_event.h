#ifndef SCOUTLIGHT_CLIENT_WATCH_EVENT_H_
#define SCOUTLIGHT_CLIENT_WATCH_EVENT_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/entry.h"
#include "base/key.h"

namespace scoutlight {

// What a watch tells. It begins with kStarted or, if it begins with the state, with kReset, any number of kSnapshot, and kSnapshotEnd. Then
// come kChanges and kProgress, whatever becomes of the connection and the server, until what comes next cannot be had any more: then kReset
// and the state again.
struct WatchEvent {
  enum class Kind {
    // Every change after `revision` will be told. Of a watch with a start_revision kReset may follow at once.
    kStarted,
    // The state follows: what was told before is no longer to be relied on. Whoever keeps a copy empties it.
    kReset,
    // A part of the state at `revision`, in `entries`, in key order.
    kSnapshot,
    // The state is complete; it may be empty.
    kSnapshotEnd,
    // One transaction, that of `revision`: all of its `events` that the watch is about, in key order, a key at most once.
    kChanges,
    // Nothing that the watch is about happened up to `revision` that was not told.
    kProgress,
  };
  // Why kReset came.
  enum class ResetCause {
    kAsked,     // The watch begins with the state, or its sending was cut off and begins again.
    kMissed,    // Some changes are compacted away: what happened between the last event and the state is not known.
    kReplaced,  // It is another store now: wiped, restored or replaced. Its revisions are others.
  };

  Kind kind = Kind::kProgress;
  Revision revision = 0;  // Of kReset: 0.
  StoreId store_id;
  ResetCause cause = ResetCause::kAsked;  // Of kReset.
  std::vector<Entry> entries;             // Of kSnapshot; without branches.
  std::vector<Event> events;              // Of kChanges.
  absl::Time committed;                   // Of kChanges: by the server's wall clock, for people.
};

struct WatchOptions {
  // What happens when changes that come next are compacted away, or belong to another store.
  enum class OnGap {
    kSnapshot,  // kReset and the state; the watch goes on from there.
    kEnd,       // The watch ends with kOutOfRange or kFailedPrecondition.
  };

  Scope scope = Scope::kKey;
  // Whether it begins with the state. With a `start_revision`: only if the changes from there on are not to be had.
  bool snapshot = false;
  // The first revision whose changes are told; 0: what comes from now on. To go on where another watch ended: one more than the revision
  // of its last event, and its store.
  Revision start_revision = 0;
  StoreId store_id;  // That `start_revision` belongs to; empty: the one that is there, whichever it is.
  OnGap on_gap = OnGap::kSnapshot;
  // Whether events tell what was there before.
  bool previous = false;
  // So often something is told, kProgress if nothing happened: 100 ms to 1 h.
  absl::Duration progress_interval = absl::Seconds(10);
  // What is read ahead of the program, beyond one message of 3.5 MiB: 1 KiB to 1 GiB. With more nothing is read: a slow program holds back
  // its own watches, and no other.
  size_t buffer_bytes = 4 << 20;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_WATCH_EVENT_H_
