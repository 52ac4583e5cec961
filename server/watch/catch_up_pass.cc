#include "server/watch/catch_up_pass.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace scoutlight::server {
namespace {

// Of frames kept for others at the same place.
constexpr size_t kSharedFrameBytesMax = 8 * limits::kMiB;

}  // namespace

void CatchUpPass::Add(Watch* watch) {
  watch->behind = true;
  waiting_.emplace(watch->next.revision, watch);
}

void CatchUpPass::Remove(Watch* watch) {
  if (!watch->behind) return;
  watch->behind = false;
  waiting_.erase({watch->next.revision, watch});
}

std::optional<Revision> CatchUpPass::NextStop(Part part, Revision from, Revision to) const {
  auto next = waiting_.lower_bound({std::max(At(part).position, from), nullptr});
  if (next == waiting_.end() || next->first > to) next = waiting_.lower_bound({from, nullptr});
  if (next == waiting_.end() || next->first > to) return std::nullopt;
  return next->first;
}

std::vector<Watch*> CatchUpPass::TakeBetween(Revision from, Revision to) {
  std::vector<Watch*> taken;
  auto each = waiting_.lower_bound({from, nullptr});
  while (each != waiting_.end() && each->first <= to) {
    each->second->behind = false;
    taken.push_back(each->second);
    each = waiting_.erase(each);
  }
  return taken;
}

void CatchUpPass::SetPiece(Part part, BatchRun run) {
  Piece& piece = At(part);
  piece = {.position = piece.position, .run = std::move(run), .last_interest = index_.last_id(), .matches = {}, .frames = {}};
  for (const BatchPtr& batch : piece.run.batches) {
    for (uint32_t event = 0; event < batch->events.size(); ++event) {
      index_.ForEachMatch(batch->events[event].key, [&](const Interest& interest) {
        std::vector<Matches>& matches = piece.matches[interest.id];
        if (matches.empty() || matches.back().batch != batch.get()) matches.push_back({batch.get(), {}});
        matches.back().events.push_back(event);
      });
    }
  }
}

const std::vector<Matches>& CatchUpPass::MatchesOf(Piece& piece, const Interest& interest) {
  const auto [found, made] = piece.matches.try_emplace(interest.id);
  if (!made || interest.id <= piece.last_interest) return found->second;
  // It is younger than the piece.
  found->second = FindMatches(piece.run.batches, interest);
  return found->second;
}

const ChangesFrame& CatchUpPass::FrameFor(Part part, const Watch& watch, ChangesForm form) {
  Piece& piece = At(part);
  if (piece.frame_bytes > kSharedFrameBytesMax) {
    piece.frames.clear();
    piece.frame_bytes = 0;
  }
  const auto [found, made] = piece.frames.try_emplace({watch.interest->id, watch.next});
  if (made) {
    found->second = BuildChanges(MatchesOf(piece, *watch.interest), watch.next, piece.run.to, form);
    if (found->second.bytes != nullptr) piece.frame_bytes += found->second.bytes->size();
  }
  return found->second;
}

}  // namespace scoutlight::server
