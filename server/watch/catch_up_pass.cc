#include "server/watch/catch_up_pass.h"

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

std::optional<Revision> CatchUpPass::NextStop(Revision reached) const {
  auto next = waiting_.lower_bound({position_, nullptr});
  if (next == waiting_.end() || next->first > reached) next = waiting_.begin();
  if (next == waiting_.end() || next->first > reached) return std::nullopt;
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

void CatchUpPass::SetPiece(BatchRun piece) {
  piece_ = std::move(piece);
  matches_.clear();
  frames_.clear();
  frame_bytes_ = 0;
  last_interest_ = index_.last_id();
  for (const BatchPtr& batch : piece_.batches) {
    for (uint32_t event = 0; event < batch->events.size(); ++event) {
      index_.ForEachMatch(batch->events[event].key, [&](const Interest& interest) {
        std::vector<Matches>& matches = matches_[interest.id];
        if (matches.empty() || matches.back().batch != batch.get()) matches.push_back({batch.get(), {}});
        matches.back().events.push_back(event);
      });
    }
  }
}

const std::vector<Matches>& CatchUpPass::MatchesOf(const Interest& interest) {
  const auto [found, made] = matches_.try_emplace(interest.id);
  if (!made || interest.id <= last_interest_) return found->second;
  // It is younger than the piece.
  found->second = FindMatches(piece_.batches, interest);
  return found->second;
}

const ChangesFrame& CatchUpPass::FrameFor(const Watch& watch, ChangesForm form) {
  if (frame_bytes_ > kSharedFrameBytesMax) {
    frames_.clear();
    frame_bytes_ = 0;
  }
  const auto [found, made] = frames_.try_emplace({watch.interest->id, watch.next});
  if (made) {
    found->second = BuildChanges(MatchesOf(*watch.interest), watch.next, piece_.to, form);
    if (found->second.bytes != nullptr) frame_bytes_ += found->second.bytes->size();
  }
  return found->second;
}

}  // namespace scoutlight::server
