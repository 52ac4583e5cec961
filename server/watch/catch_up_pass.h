#ifndef SCOUTLIGHT_SERVER_WATCH_CATCH_UP_PASS_H_
#define SCOUTLIGHT_SERVER_WATCH_CATCH_UP_PASS_H_

#include <array>
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

// The watches that are behind and whose streams are free, by where they are, and the pieces of history at hand for them: one of the recent
// batches, one of the log. Like a lift in either part of the history, the pass moves on to the next watch above and then begins at the
// bottom, so that however many watches are behind, a piece is read once for all that wait for it; and who replays the log, however long,
// is not in the way of those whom the recent batches serve. Not thread-safe.
class CatchUpPass {
 public:
  enum class Part : uint8_t { kRecent, kLog };

  explicit CatchUpPass(InterestIndex* index) : index_(*index) {}  // Outlives this.

  void Add(Watch* watch);
  void Remove(Watch* watch);
  size_t size() const { return waiting_.size(); }

  // Where to go on in `part`, which reaches over [from, to] for now: the position of the next watch there; nullopt: there is none.
  std::optional<Revision> NextStop(Part part, Revision from, Revision to) const;

  // Takes out the watches with positions in [from, to].
  std::vector<Watch*> TakeBetween(Revision from, Revision to);

  // The piece at hand of `part`.
  void SetPiece(Part part, BatchRun run);
  const BatchRun& piece(Part part) const { return At(part).run; }
  void LeavePiece(Part part) { At(part).position = piece(part).to + 1; }

  // The next frame of `watch`, which lies in the piece of `part`; shared with watches of the same interest at the same place.
  const ChangesFrame& FrameFor(Part part, const Watch& watch, ChangesForm form);

 private:
  struct Piece {
    Revision position = 0;  // Of the lift.
    BatchRun run;
    uint64_t last_interest = 0;                                             // Those up to here were looked up for the piece.
    absl::flat_hash_map<uint64_t, std::vector<Matches>> matches;            // By interest.
    absl::flat_hash_map<std::pair<uint64_t, Cursor>, ChangesFrame> frames;  // Of the piece.
    size_t frame_bytes = 0;
  };

  Piece& At(Part part) { return pieces_[static_cast<size_t>(part)]; }
  const Piece& At(Part part) const { return pieces_[static_cast<size_t>(part)]; }
  static const std::vector<Matches>& MatchesOf(Piece& piece, const Interest& interest);

  InterestIndex& index_;
  std::set<std::pair<Revision, Watch*>> waiting_;
  std::array<Piece, 2> pieces_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_WATCH_CATCH_UP_PASS_H_
