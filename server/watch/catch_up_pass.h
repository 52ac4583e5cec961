#ifndef SCOUTLIGHT_SERVER_WATCH_CATCH_UP_PASS_H_
#define SCOUTLIGHT_SERVER_WATCH_CATCH_UP_PASS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/entry.h"
#include "server/watch/interest_index.h"
#include "server/watch/recent_batches.h"
#include "server/watch/watch_frame.h"
#include "server/watch/watch_records.h"

namespace scoutlight::server {

// The watches that are behind and whose streams are free, by where they are, and the piece of history at hand for them. Like a lift, the
// pass moves on to the next watch above and then begins at the bottom, so that however many watches are behind, a piece is read once for
// all that wait for it. Not thread-safe.
class CatchUpPass {
 public:
  explicit CatchUpPass(InterestIndex* index) : index_(*index) {}  // Outlives this.

  void Add(Watch* watch);
  void Remove(Watch* watch);
  size_t size() const { return waiting_.size(); }

  // Where to go on: the position of the next watch whose next revision is at most `reached`; nullopt: none waits for that.
  std::optional<Revision> NextStop(Revision reached) const;

  // Takes out the watches with positions in [from, to].
  std::vector<Watch*> TakeBetween(Revision from, Revision to);

  // The piece of history at hand.
  void SetPiece(BatchRun piece);
  const BatchRun& piece() const { return piece_; }
  void LeavePiece() { position_ = piece_.to + 1; }

  // The next frame of `watch`, which lies in the piece; shared with watches of the same interest at the same place.
  const ChangesFrame& FrameFor(const Watch& watch, ChangesForm form);

 private:
  const std::vector<Matches>& MatchesOf(const Interest& interest);

  InterestIndex& index_;
  std::set<std::pair<Revision, Watch*>> waiting_;
  Revision position_ = 0;
  BatchRun piece_;
  uint64_t last_interest_ = 0;                                             // Those up to here were looked up for the piece.
  absl::flat_hash_map<uint64_t, std::vector<Matches>> matches_;            // By interest.
  absl::flat_hash_map<std::pair<uint64_t, Cursor>, ChangesFrame> frames_;  // Of the piece.
  size_t frame_bytes_ = 0;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_WATCH_CATCH_UP_PASS_H_
