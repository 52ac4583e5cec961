#ifndef SCOUTLIGHT_SERVER_WATCH_WATCH_RECORDS_H_
#define SCOUTLIGHT_SERVER_WATCH_WATCH_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "server/watch/interest_index.h"
#include "server/watch/watch_frame.h"
#include "server/watch/watch_stream.h"

namespace scoutlight::server {

// What the dispatcher keeps of streams and watches: of the same size however far behind they are. Not thread-safe.

struct Stream;

// How far the snapshot of a watch has come.
struct SnapshotProgress {
  Revision revision = 0;     // The state shown; 0: not begun.
  std::optional<Key> after;  // The last entry sent.
  bool first = true;         // No frame of it has been sent.
  bool complete = false;     // Only its end is missing.
  int attempts = 1;
};

struct Watch {
  enum class Phase : uint8_t {
    kChecking,  // Asks the store whether its start has been reached.
    kSnapshot,
    kChanges,
    kEnding,  // Its last frame is to be sent.
  };

  uint64_t serial = 0;  // Never used again: what comes later finds out that the watch is gone.
  int64_t id = 0;       // On its stream.
  Stream* stream = nullptr;
  Interest* interest = nullptr;
  bool include_snapshot = false;
  Phase phase = Phase::kChanges;
  bool started = false;       // KIND_STARTED has been sent.
  bool current = false;       // In interest->current, at `place`: everything shown has been sent.
  bool queued = false;        // In stream->wants.
  bool behind = false;        // In the pass.
  bool progress_due = false;  // A heartbeat.
  size_t place = 0;
  Cursor next;  // The first that has not been sent; of a current watch only when it falls behind.
  absl::Duration heartbeat;
  absl::Duration last_frame;  // When.
  std::unique_ptr<SnapshotProgress> snapshot;
  std::unique_ptr<WatchEnd> end;
};

struct Stream {
  enum class Form : uint8_t { kOne, kMany };

  std::shared_ptr<WatchStream> call;
  Form form = Form::kOne;
  uint64_t connection = 0;
  bool busy = false;      // A write is outstanding, or a page of a snapshot is being read for it.
  bool finished = false;  // The call has its status; the record stays until the call is gone.
  bool reading = false;   // The next command may come.
  absl::flat_hash_map<int64_t, std::unique_ptr<Watch>> watches;
  std::deque<Watch*> wants;                           // That have something to send, or to find out; each once.
  std::deque<std::pair<int64_t, WatchEnd>> refusals;  // Of commands that did not make or find a watch.
  std::unique_ptr<WatchEnd> end;                      // When all watches have ended.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_WATCH_WATCH_RECORDS_H_
