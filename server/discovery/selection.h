#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SELECTION_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SELECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "discovery/filter/filter.h"
#include "discovery/service_snapshot.h"
#include "discovery/strategy/candidate.h"

namespace scoutlight::server {

// Who of a snapshot takes part in picks: those that take work, have the endpoint and are chosen by the filter, by id. It lies in pieces,
// one for each chunk of the snapshot, which the selections before and after share as the snapshots share the chunk: the next one costs the
// chunks that have changed, and one pointer for each other. Immutable; thread-safe.
class Selection {
 public:
  // What stays the same from one to the next.
  struct Terms {
    discovery::Filter filter;
    std::string endpoint;  // Name or scheme; empty: any, or none.
    enum class Candidates { kLeftOut, kMade } candidates = Candidates::kMade;
    // Whether instances are among the candidates whose health is critical: a strategy that picks none of them may have to count them.
    enum class Critical { kLeftOut, kSeen } critical = Critical::kLeftOut;
    // Whether it is of those that take work, or of those that are held though their owners were lost, and would take work else.
    enum class Among { kLive, kHeld } among = Among::kLive;
  };

  // Nobody, of no snapshot.
  Selection() = default;
  // `before`: an earlier one with the same terms.
  Selection(const Selection& before, const Terms& terms, discovery::SnapshotPtr snapshot, absl::Time now);

  // How many instances making the selection of `snapshot` after this one looks at.
  size_t WorkFor(const Terms& terms, const discovery::ServiceSnapshot& snapshot) const;
  // What the filter's regular expressions may cost in that: Filter::RegexWork of them all. Looks at each once itself.
  int64_t RegexWorkFor(const Terms& terms, const discovery::ServiceSnapshot& snapshot) const;

  const discovery::SnapshotPtr& snapshot() const { return snapshot_; }  // Null: of none.
  absl::Time made() const { return made_; }
  size_t size() const { return ends_.empty() ? 0 : ends_.back(); }
  // What it counts for in bounds of memory: instances and pieces, which are there though nobody in them takes part.
  size_t held() const { return size() + pieces_.size(); }
  // Requires place < size().
  const discovery::InstancePtr& At(size_t place) const;
  // What strategies see of all of them, in one list. Requires Candidates::kMade.
  discovery::SharedCandidates Candidates() const;

 private:
  struct Piece {
    discovery::ServiceSnapshot::ChunkPtr chunk;  // Kept, so that no other gets its place in memory.
    std::vector<discovery::InstancePtr> instances;
    std::vector<discovery::Candidate> candidates;
  };
  using PiecePtr = std::shared_ptr<const Piece>;
  using Pieces = std::vector<PiecePtr>;

  // From `from` on the piece of `chunk`; if there is none, the first that does not come before it.
  static Pieces::const_iterator FindChunk(Pieces::const_iterator from, Pieces::const_iterator end,
                                          const discovery::ServiceSnapshot::ChunkPtr& chunk);
  // Shows the chunks that the selection of `snapshot` after this one looks at.
  template <typename Show>
  void ForEachChanged(const Terms& terms, const discovery::ServiceSnapshot& snapshot, const Show& show) const;
  static PiecePtr MakePiece(const Terms& terms, const discovery::ServiceSnapshot::ChunkPtr& chunk, absl::Time now);

  discovery::SnapshotPtr snapshot_;
  absl::Time made_;
  Pieces pieces_;
  std::vector<size_t> ends_;  // Behind the last place of each piece.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SELECTION_H_
