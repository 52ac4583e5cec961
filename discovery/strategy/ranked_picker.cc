#include "discovery/strategy/ranked_picker.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace scoutlight::discovery {

RankedPicker::RankedPicker(const std::vector<double>& scores) : order_(scores.size()) {
  std::iota(order_.begin(), order_.end(), 0);
  std::stable_sort(order_.begin(), order_.end(), [&scores](int a, int b) { return scores[a] > scores[b]; });
  while (best_ < static_cast<int>(order_.size()) && scores[order_[best_]] == scores[order_[0]]) ++best_;
}

int RankedPicker::Pick(const PickRequest& request) {
  if (order_.empty()) return kNoPick;
  for (size_t i = 0; i <= request.avoid.size(); ++i) {
    const int place = order_[turn_.fetch_add(1, std::memory_order_relaxed) % best_];
    if (!request.Avoids(place)) return place;
  }
  for (const int place : order_) {
    if (!request.Avoids(place)) return place;
  }
  return kNoPick;
}

}  // namespace scoutlight::discovery
