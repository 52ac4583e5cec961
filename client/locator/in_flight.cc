#include "client/locator/in_flight.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

namespace scoutlight::client {
namespace {

using discovery::kNoPick;
using discovery::PickRequest;
using discovery::SharedCandidates;

thread_local const RecordsById* records_of_view = nullptr;

// The records of the candidates, by place; one that has none gets one of its own.
std::vector<std::shared_ptr<CallRecord>> RecordsOf(const discovery::CandidateList& candidates) {
  std::vector<std::shared_ptr<CallRecord>> records;
  records.reserve(candidates.size());
  for (const discovery::Candidate& candidate : candidates) {
    std::shared_ptr<CallRecord> record;
    if (records_of_view != nullptr) {
      if (const auto found = records_of_view->find(candidate.id); found != records_of_view->end()) record = found->second;
    }
    records.push_back(record != nullptr ? std::move(record) : std::make_shared<CallRecord>());
  }
  return records;
}

class LeastLoadedPicker : public discovery::Picker {
 public:
  explicit LeastLoadedPicker(const SharedCandidates& candidates) : size_(static_cast<int>(candidates->size())) {
    const std::vector<double> loads = discovery::KnownLoads(*candidates, 0);
    std::vector<std::shared_ptr<CallRecord>> records = RecordsOf(*candidates);
    for (int place = 0; place < size_; ++place) ranked_.push_back({loads[place], place, std::move(records[place])});
    std::stable_sort(ranked_.begin(), ranked_.end(), [](const Ranked& a, const Ranked& b) { return a.load < b.load; });
    for (int i = 1; i <= size_; ++i) {
      if (i == size_ || ranked_[i].load != ranked_[i - 1].load) rank_ends_.push_back(i);
    }
  }

  int Pick(const PickRequest& request) override {
    // One rank after the other; but for those to avoid, the first has one.
    int begin = 0;
    for (const int end : rank_ends_) {
      if (const int place = PickWithin(begin, end, request); place != kNoPick) return place;
      begin = end;
    }
    return kNoPick;
  }

 private:
  struct Ranked {
    double load = 0;
    int place = 0;
    std::shared_ptr<CallRecord> record;
  };

  int PickWithin(int begin, int end, const PickRequest& request) {
    const int start = static_cast<int>(turn_.fetch_add(1, std::memory_order_relaxed) % static_cast<uint64_t>(end - begin));
    int best = kNoPick;
    int32_t fewest = 0;
    for (int i = 0; i < end - begin; ++i) {
      const Ranked& ranked = ranked_[begin + (start + i) % (end - begin)];
      const int32_t in_flight = ranked.record->in_flight.load(std::memory_order_relaxed);
      if ((best != kNoPick && in_flight >= fewest) || request.Avoids(ranked.place)) continue;
      best = ranked.place;
      fewest = in_flight;
      if (in_flight <= 0) break;
    }
    return best;
  }

  const int size_;
  std::vector<Ranked> ranked_;  // The lowest load first.
  std::vector<int> rank_ends_;  // Behind the last of each load.
  // Relaxed: a turn orders nothing but itself.
  std::atomic<uint64_t> turn_{0};
};

class PowerOfTwoPicker : public discovery::Picker {
 public:
  explicit PowerOfTwoPicker(const SharedCandidates& candidates)
      : loads_(discovery::KnownLoads(*candidates, 0)), records_(RecordsOf(*candidates)) {}

  int Pick(const PickRequest& request) override {
    const int size = static_cast<int>(loads_.size());
    if (size == 0) return kNoPick;
    const int first = static_cast<int>(request.random->Below(size));
    if (size == 1) return request.Avoids(first) ? kNoPick : first;
    // The second is another one: drawn from the rest.
    const int second = (first + 1 + static_cast<int>(request.random->Below(size - 1))) % size;
    if (request.Avoids(first) && request.Avoids(second)) return discovery::FirstAllowed(request, first, size);
    if (request.Avoids(first)) return second;
    return !request.Avoids(second) && Better(second, first) ? second : first;
  }

 private:
  bool Better(int a, int b) const {
    if (loads_[a] != loads_[b]) return loads_[a] < loads_[b];
    return records_[a]->in_flight.load(std::memory_order_relaxed) < records_[b]->in_flight.load(std::memory_order_relaxed);
  }

  const std::vector<double> loads_;
  const std::vector<std::shared_ptr<CallRecord>> records_;
};

}  // namespace

RecordsScope::RecordsScope(const RecordsById* records) { records_of_view = records; }

RecordsScope::~RecordsScope() { records_of_view = nullptr; }

std::unique_ptr<discovery::Strategy> MakeLeastLoadedInFlight() { return std::make_unique<discovery::StrategyOf<LeastLoadedPicker>>(); }

std::unique_ptr<discovery::Strategy> MakePowerOfTwoInFlight() { return std::make_unique<discovery::StrategyOf<PowerOfTwoPicker>>(); }

}  // namespace scoutlight::client
