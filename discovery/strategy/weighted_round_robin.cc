#include "discovery/strategy/weighted_round_robin.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

#include "absl/container/btree_map.h"
#include "base/limits.h"

namespace scoutlight::discovery {
namespace {

// Places of one weight. nginx adds to each its weight every turn and takes the sum of all from the one picked, so among equal weights they
// are picked in the order of their places, round and round: only the next of them has to be looked at.
struct WeightGroup {
  int64_t weight = 0;
  std::vector<int> places;
  size_t next = 0;    // In `places`.
  int64_t round = 0;  // How often the next one was picked.
};

class WeightedRoundRobinPicker : public Picker {
 public:
  WeightedRoundRobinPicker(std::vector<int> round, int size, std::shared_ptr<std::atomic<uint64_t>> turn)
      : round_(std::move(round)), size_(size), turn_(std::move(turn)) {}

  int Pick(const PickRequest& request) override {
    if (round_.empty()) return kNoPick;
    // In a few turns more than there are to avoid another one comes, if not one weight outweighs all.
    const size_t tries = 1 + 4 * request.avoid.size();
    int place = kNoPick;
    for (size_t i = 0; i < tries; ++i) {
      place = round_[turn_->fetch_add(1, std::memory_order_relaxed) % round_.size()];
      if (!request.Avoids(place)) return place;
    }
    return FirstAllowed(request, place, size_);
  }

 private:
  const std::vector<int> round_;
  const int size_;
  const std::shared_ptr<std::atomic<uint64_t>> turn_;
};

std::vector<double> WeightsOf(const CandidateList& candidates) {
  std::vector<double> weights;
  weights.reserve(candidates.size());
  for (const Candidate& candidate : candidates) weights.push_back(std::max(candidate.weight, 0.0));
  const bool none = std::all_of(weights.begin(), weights.end(), [](double weight) { return weight == 0; });
  if (none) std::fill(weights.begin(), weights.end(), 1.0);
  return weights;
}

}  // namespace

std::vector<int64_t> WholeWeights(const CandidateList& candidates, int64_t sum_max) {
  const std::vector<double> weights = WeightsOf(candidates);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<int64_t> whole;
  whole.reserve(weights.size());
  constexpr double kExactMax = 1e12;
  const bool integers =
      std::all_of(weights.begin(), weights.end(), [](double weight) { return weight <= kExactMax && weight == std::floor(weight); });
  if (integers) {
    int64_t shared = 0;
    for (const double weight : weights) {
      whole.push_back(static_cast<int64_t>(weight));
      shared = std::gcd(shared, whole.back());
    }
    if (sum / std::max<int64_t>(shared, 1) <= static_cast<double>(sum_max)) {
      for (int64_t& weight : whole) weight /= std::max<int64_t>(shared, 1);
      return whole;
    }
    whole.clear();
  }
  for (const double weight : weights) {
    const int64_t rounded = std::llround(weight / sum * static_cast<double>(sum_max));
    whole.push_back(weight > 0 ? std::max<int64_t>(rounded, 1) : 0);
  }
  return whole;
}

std::vector<int> SmoothRound(const std::vector<int64_t>& weights) {
  absl::btree_map<int64_t, WeightGroup> by_weight;
  int64_t sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    WeightGroup& group = by_weight[weights[i]];
    group.weight = weights[i];
    group.places.push_back(static_cast<int>(i));
    sum += weights[i];
  }
  std::vector<WeightGroup> groups;
  for (auto& [weight, group] : by_weight) groups.push_back(std::move(group));
  std::vector<int> round;
  round.reserve(sum);
  for (int64_t turn = 1; turn <= sum; ++turn) {
    WeightGroup* best = nullptr;
    int64_t best_current = 0;
    for (WeightGroup& group : groups) {
      const int64_t current = group.weight * turn - sum * group.round;
      const bool better =
          best == nullptr || current > best_current || (current == best_current && group.places[group.next] < best->places[best->next]);
      if (better) {
        best = &group;
        best_current = current;
      }
    }
    round.push_back(best->places[best->next]);
    if (++best->next == best->places.size()) {
      best->next = 0;
      ++best->round;
    }
  }
  return round;
}

std::unique_ptr<Picker> WeightedRoundRobin::NewPicker(SharedCandidates candidates) {
  const int64_t size = static_cast<int64_t>(candidates->size());
  const int64_t sum_max = std::max<int64_t>(limits::kWeightSlotsMax, 4 * size);
  return std::make_unique<WeightedRoundRobinPicker>(SmoothRound(WholeWeights(*candidates, sum_max)), static_cast<int>(size), turn_);
}

}  // namespace scoutlight::discovery
