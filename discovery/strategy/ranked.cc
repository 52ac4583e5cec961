#include "discovery/strategy/ranked.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace scoutlight::discovery {
namespace {

class RankedPicker : public Picker {
 public:
  RankedPicker(const std::vector<double>& scores, std::shared_ptr<std::atomic<uint64_t>> turn)
      : turn_(std::move(turn)), order_(scores.size()) {
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(), [&scores](int a, int b) { return scores[a] > scores[b]; });
    while (best_ < static_cast<int>(order_.size()) && scores[order_[best_]] == scores[order_[0]]) ++best_;
  }

  int Pick(const PickRequest& request) override {
    if (order_.empty()) return kNoPick;
    for (size_t i = 0; i <= request.avoid.size(); ++i) {
      const int place = order_[turn_->fetch_add(1, std::memory_order_relaxed) % best_];
      if (!request.Avoids(place)) return place;
    }
    for (const int place : order_) {
      if (!request.Avoids(place)) return place;
    }
    return kNoPick;
  }

 private:
  const std::shared_ptr<std::atomic<uint64_t>> turn_;
  std::vector<int> order_;  // Places, best first.
  int best_ = 0;            // How many of them share the first rank.
};

}  // namespace

std::unique_ptr<Picker> Ranked::NewPicker(SharedCandidates candidates) {
  return std::make_unique<RankedPicker>(scores_(*candidates), turn_);
}

}  // namespace scoutlight::discovery
