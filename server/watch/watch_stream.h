#ifndef SCOUTLIGHT_SERVER_WATCH_WATCH_STREAM_H_
#define SCOUTLIGHT_SERVER_WATCH_WATCH_STREAM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/key.h"
#include "base/limits.h"

namespace scoutlight::server {

// What a watch is to show, checked.
struct WatchSpec {
  KeyRange range;
  StoreId store_id;    // That `start` belongs to; empty: this store.
  Revision start = 0;  // The first revision to show; 0: see include_snapshot.
  bool include_snapshot = false;
  bool include_previous = false;
  absl::Duration heartbeat = limits::kHeartbeatDefault;
};

// What a watch has been sent, in this way or another, when it has been sent nothing here: what came before its start, or nothing if it is
// to begin with the state, or with another store. `shown`: the latest revision.
inline Revision SentBefore(const WatchSpec& spec, const StoreId& store_id, Revision shown) {
  if (!spec.store_id.empty() && spec.store_id != store_id) return 0;
  if (spec.start > 0) return spec.start - 1;
  return spec.include_snapshot ? 0 : shown;
}

// How a watch or a stream ends.
struct WatchEnd {
  absl::Status status;
  std::optional<Revision> revision;  // Everything up to it has been sent. Of a stream of many, of which each watch has its own: nothing.
  Revision oldest_revision = 0;      // With kOutOfRange: the oldest state that can be read.
  StoreId store_id;
};

// A WatchResponse, serialized; shared by all streams that it goes to.
using FrameBytes = std::shared_ptr<const std::string>;

// What a client asks for on a stream of many watches. A Status ends the stream.
struct CreateWatch {
  int64_t watch_id = 0;
  absl::StatusOr<WatchSpec> spec;
};
struct CancelWatch {
  int64_t watch_id = 0;
};
using WatchCommand = std::variant<CreateWatch, CancelWatch, absl::Status>;

// One call, as the hub sees it. The hub calls it from its thread only: Write when none is outstanding, Finish once, and nothing after it.
// None of these blocks, nor calls the hub back inside but to hand over.
class WatchStream {
 public:
  virtual ~WatchStream() = default;

  // Sends a frame; WatchHub::OnWritten() tells when it is gone. `watch_id` is for a stream of many watches.
  virtual void Write(int64_t watch_id, const FrameBytes& frame) = 0;

  // The next command may come: of a stream of many watches.
  virtual void ReadNext() = 0;

  // Ends the call, behind what was written.
  virtual void Finish(const WatchEnd& end) = 0;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_WATCH_WATCH_STREAM_H_
