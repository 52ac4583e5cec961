#include "server/discovery/selection.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "discovery/endpoint.h"

namespace scoutlight::server {
namespace {

using discovery::InstancePtr;
using discovery::ServiceSnapshot;
using ChunkPtr = ServiceSnapshot::ChunkPtr;

bool IsFit(const Selection::Terms& terms, const discovery::Instance& instance) {
  if (terms.among == Selection::Terms::Among::kHeld) return instance.IsFitButLost();
  return terms.critical == Selection::Terms::Critical::kSeen ? instance.IsFit() : instance.resolvable();
}

bool TakesPart(const Selection::Terms& terms, const discovery::Instance& instance, absl::Time now) {
  if (!IsFit(terms, instance) || !terms.filter.Matches(instance, now)) return false;
  if (terms.endpoint.empty()) return true;
  const discovery::Endpoints read = discovery::ReadEndpoints(instance.properties);
  return discovery::PickEndpoint(read.endpoints, terms.endpoint) != nullptr;
}

}  // namespace

Selection::PiecePtr Selection::MakePiece(const Terms& terms, const ChunkPtr& chunk, absl::Time now) {
  auto piece = std::make_shared<Piece>();
  piece->chunk = chunk;
  for (const InstancePtr& instance : *chunk) {
    if (!TakesPart(terms, *instance, now)) continue;
    piece->instances.push_back(instance);
    if (terms.candidates == Terms::Candidates::kMade) piece->candidates.push_back(discovery::MakeCandidate(*instance));
  }
  return piece;
}

Selection::Pieces::const_iterator Selection::FindChunk(Pieces::const_iterator from, Pieces::const_iterator end, const ChunkPtr& chunk) {
  // Mostly it is the next one, and nobody need look at ids.
  const auto id = [](const ChunkPtr& of) -> const std::string& { return of->front()->name.id; };
  while (from != end && (*from)->chunk != chunk && id((*from)->chunk) < id(chunk)) ++from;
  return from;
}

Selection::Selection(const Selection& before, const Terms& terms, discovery::SnapshotPtr snapshot, absl::Time now)
    : snapshot_(std::move(snapshot)), made_(now) {
  const std::vector<ChunkPtr>& chunks = snapshot_->chunks();
  pieces_.reserve(chunks.size());
  ends_.reserve(chunks.size());
  // Whom age chooses changes without a change of the chunk.
  auto known = terms.filter.uses_age() ? before.pieces_.end() : before.pieces_.begin();
  for (const ChunkPtr& chunk : chunks) {
    known = FindChunk(known, before.pieces_.end(), chunk);
    const bool same = known != before.pieces_.end() && (*known)->chunk == chunk;
    pieces_.push_back(same ? *known : MakePiece(terms, chunk, now));
    ends_.push_back(size() + pieces_.back()->instances.size());
    if (same) ++known;
  }
}

template <typename Show>
void Selection::ForEachChanged(const Terms& terms, const ServiceSnapshot& snapshot, const Show& show) const {
  auto known = terms.filter.uses_age() ? pieces_.end() : pieces_.begin();
  for (const ChunkPtr& chunk : snapshot.chunks()) {
    known = FindChunk(known, pieces_.end(), chunk);
    if (known != pieces_.end() && (*known)->chunk == chunk) {
      ++known;
    } else {
      show(*chunk);
    }
  }
}

size_t Selection::WorkFor(const Terms& terms, const ServiceSnapshot& snapshot) const {
  size_t work = 0;
  ForEachChanged(terms, snapshot, [&work](const ServiceSnapshot::Chunk& chunk) { work += chunk.size(); });
  return work;
}

int64_t Selection::RegexWorkFor(const Terms& terms, const ServiceSnapshot& snapshot) const {
  int64_t work = 0;
  ForEachChanged(terms, snapshot, [&](const ServiceSnapshot::Chunk& chunk) {
    for (const InstancePtr& instance : chunk) work += terms.filter.RegexWork(*instance);
  });
  return work;
}

const InstancePtr& Selection::At(size_t place) const {
  const size_t piece = static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), place) - ends_.begin());
  return pieces_[piece]->instances[place - (piece == 0 ? 0 : ends_[piece - 1])];
}

discovery::SharedCandidates Selection::Candidates() const {
  auto candidates = std::make_shared<discovery::CandidateList>();
  candidates->reserve(size());
  for (const PiecePtr& piece : pieces_) candidates->insert(candidates->end(), piece->candidates.begin(), piece->candidates.end());
  return candidates;
}

}  // namespace scoutlight::server
