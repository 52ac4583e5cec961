#include "discovery/strategy/consistent_hash.h"

#include <algorithm>
#include <cstddef>

namespace scoutlight::discovery {
namespace {

constexpr int kProbes = 21;
constexpr uint64_t kStride = 0x9e3779b97f4a7c15U;

}  // namespace

ConsistentHashPicker::ConsistentHashPicker(const SharedCandidates& candidates) : size_(candidates->size()) {
  points_.reserve(size_ + 1);
  for (size_t i = 0; i < size_; ++i) points_.push_back({MixBits((*candidates)[i].id), static_cast<int>(i)});
  std::sort(points_.begin(), points_.end(), [](const Point& a, const Point& b) { return a.at != b.at ? a.at < b.at : a.place < b.place; });
  points_.push_back({~uint64_t{0}, kNoPick});
  // Four starts a point, so that few probes have to go on from where they start.
  while (shift_ > 1 && (size_t{1} << (64 - shift_)) < 4 * size_) --shift_;
  starts_.resize(size_t{1} << (64 - shift_));
  uint32_t point = 0;
  for (size_t i = 0; i < starts_.size(); ++i) {
    while (point < size_ && points_[point].at >> shift_ < i) ++point;
    starts_[i] = point;
  }
}

int ConsistentHashPicker::Pick(const PickRequest& request) {
  const bool any = std::any_of(points_.begin(), points_.end() - 1, [&request](const Point& point) { return !request.Avoids(point.place); });
  if (!any) return kNoPick;
  const uint64_t key = request.affinity.has_value() ? MixBits(*request.affinity + kStride) : request.random->Next();
  size_t nearest = 0;
  uint64_t nearest_distance = ~uint64_t{0};
  for (uint64_t probe = 1; probe <= kProbes; ++probe) {
    const uint64_t at = MixBits(key + probe * kStride);
    size_t next = Next(at);
    while (request.Avoids(points_[next].place)) next = next + 1 == size_ ? 0 : next + 1;
    const uint64_t distance = points_[next].at - at;  // Going round, as unsigned numbers do.
    const bool nearer = distance < nearest_distance;
    nearest = nearer ? next : nearest;
    nearest_distance = nearer ? distance : nearest_distance;
  }
  return points_[nearest].place;
}

size_t ConsistentHashPicker::Next(uint64_t at) const {
  size_t next = starts_[at >> shift_];
  // The first step without a branch: whether it is needed cannot be foretold, and 21 wrong guesses cost more than all the rest.
  next += points_[next].at < at ? 1 : 0;
  while (points_[next].at < at) ++next;
  return next == size_ ? 0 : next;
}

}  // namespace scoutlight::discovery
