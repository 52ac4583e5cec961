#include "discovery/strategy/consistent_hash.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace scoutlight::discovery {
namespace {

constexpr size_t kPointsOfEach = 24;
constexpr int kProbes = 8;
constexpr uint64_t kStride = 0x9e3779b97f4a7c15U;
// A point is a position on the ring whose lower bits are a candidate's place: as good as distinct for positions, enough for places.
constexpr int kPlaceBits = 24;
constexpr uint64_t kPlaceMask = (uint64_t{1} << kPlaceBits) - 1;

int PlaceOf(uint64_t point) { return static_cast<int>(point & kPlaceMask); }

}  // namespace

ConsistentHashPicker::ConsistentHashPicker(const SharedCandidates& candidates)
    : candidates_(static_cast<int>(std::min<size_t>(candidates->size(), kPlaceMask))), size_(kPointsOfEach * candidates_) {
  // One or two starts a point, so that few probes have to go on from where they start.
  while (shift_ > 1 && (size_t{1} << (64 - shift_)) < size_) --shift_;
  std::vector<uint64_t> points;
  points.reserve(size_);
  for (int place = 0; place < candidates_; ++place) {
    uint64_t at = MixBits((*candidates)[place].id);
    for (size_t i = 0; i < kPointsOfEach; ++i) {
      at = MixBits(at + kStride);
      points.push_back((at & ~kPlaceMask) | static_cast<uint64_t>(place));
    }
  }
  Sort(points);
}

// Into buckets by their upper bits, which are as many as points or more: in linear time, for each change in a service makes a new ring.
void ConsistentHashPicker::Sort(const std::vector<uint64_t>& points) {
  starts_.resize((size_t{1} << (64 - shift_)) + 1);
  for (const uint64_t point : points) ++starts_[(point >> shift_) + 1];
  std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
  points_.resize(size_ + 1);
  std::vector<uint32_t> free(starts_.begin(), starts_.end() - 1);
  for (const uint64_t point : points) {
    // Behind those of its bucket that are not before it.
    uint32_t to = free[point >> shift_]++;
    for (; to > starts_[point >> shift_] && point < points_[to - 1]; --to) points_[to] = points_[to - 1];
    points_[to] = point;
  }
  points_[size_] = ~uint64_t{0};
}

int ConsistentHashPicker::Pick(const PickRequest& request) {
  if (FirstAllowed(request, 0, candidates_) == kNoPick) return kNoPick;
  const uint64_t key = request.affinity.has_value() ? MixBits(*request.affinity + kStride) : request.random->Next();
  size_t nearest = 0;
  uint64_t nearest_distance = ~uint64_t{0};
  for (uint64_t probe = 1; probe <= kProbes; ++probe) {
    const uint64_t at = MixBits(key + probe * kStride) & ~kPlaceMask;
    size_t next = Next(at);
    while (request.Avoids(PlaceOf(points_[next]))) next = next + 1 == size_ ? 0 : next + 1;
    const uint64_t distance = points_[next] - at;  // Going round, as unsigned numbers do.
    const bool nearer = distance < nearest_distance;
    nearest = nearer ? next : nearest;
    nearest_distance = nearer ? distance : nearest_distance;
  }
  return PlaceOf(points_[nearest]);
}

size_t ConsistentHashPicker::Next(uint64_t at) const {
  size_t next = starts_[at >> shift_];
  // The first step without a branch: whether it is needed cannot be foretold, and wrong guesses cost more than all the rest.
  next += points_[next] < at ? 1 : 0;
  while (points_[next] < at) ++next;
  return next == size_ ? 0 : next;
}

}  // namespace scoutlight::discovery
