#ifndef SCOUTLIGHT_SERVER_WATCH_WATCH_FRAME_H_
#define SCOUTLIGHT_SERVER_WATCH_WATCH_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/entry.h"
#include "server/watch/interest_index.h"
#include "server/watch/recent_batches.h"
#include "server/watch/watch_stream.h"

namespace scoutlight::server {

// The frames of scoutlight.registry.v1.WatchResponse, serialized.

FrameBytes StartedFrame(Revision revision, const StoreId& store_id);
FrameBytes ProgressFrame(Revision revision, const StoreId& store_id);
enum class Restart { kNo, kYes };
FrameBytes SnapshotFrame(std::vector<Entry> entries, Revision revision, const StoreId& store_id, Restart restart);
FrameBytes SnapshotEndFrame(Revision revision, const StoreId& store_id, Restart restart);
FrameBytes EndedFrame(const WatchEnd& end);

// A place in the history: the first event that has not been sent.
struct Cursor {
  Revision revision = 0;
  uint32_t event = 0;  // In its batch; not 0 only inside a transaction that is sent in fragments.

  friend bool operator==(const Cursor&, const Cursor&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const Cursor& cursor) {
    return H::combine(std::move(state), cursor.revision, cursor.event);
  }
};

// The events of one batch that belong to an interest, by their places in it, ascending.
struct Matches {
  const Batch* batch = nullptr;
  std::vector<uint32_t> events;
};

// Those of `batches`, by looking at every event.
std::vector<Matches> FindMatches(const std::vector<BatchPtr>& batches, const Interest& interest);

// A frame of changes and where the next one begins. No bytes: nothing matched.
struct ChangesFrame {
  FrameBytes bytes;
  Cursor next;
};

struct ChangesForm {
  StoreId store_id;
  Previous previous = Previous::kLeftOut;
  size_t bytes_max = 0;  // Of the frame; the events of one key always fit.
};

// The frame with what lies in `matches` (in order of revision) from `from` on; everything up to revision `to` was looked at. It ends
// before a transaction that does not fit; one that does not fit even alone is cut.
ChangesFrame BuildChanges(const std::vector<Matches>& matches, Cursor from, Revision to, const ChangesForm& form);

// Of a frame on a stream of many watches: the bytes of WatchManyResponse that come before those of the frame. At most
// kWatchManyPrefixBytesMax.
std::string WatchManyPrefix(int64_t watch_id, size_t frame_bytes);
inline constexpr size_t kWatchManyPrefixBytesMax = 32;

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_WATCH_WATCH_FRAME_H_
