#include "discovery/strategy/least_used.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "discovery/strategy/justice_table.h"

namespace scoutlight::discovery {
namespace {

class LeastUsedPicker : public Picker {
 public:
  LeastUsedPicker(int size, std::shared_ptr<JusticeTable> table) : size_(size), table_(std::move(table)) {}

  int Pick(const PickRequest& request) override {
    if (size_ == 0) return kNoPick;
    // One that is avoided counts as used: whoever avoids it has just tried it.
    int place = table_->Take();
    for (size_t i = 0; i < request.avoid.size() && request.Avoids(place); ++i) place = table_->Take();
    return request.Avoids(place) ? FirstAllowed(request, place, size_) : place;
  }

 private:
  const int size_;
  const std::shared_ptr<JusticeTable> table_;
};

}  // namespace

std::unique_ptr<Picker> LeastUsed::NewPicker(SharedCandidates candidates) {
  const absl::flat_hash_map<uint64_t, uint64_t> so_far = CountsSoFar();
  std::optional<uint64_t> lowest;
  for (const Candidate& candidate : *candidates) {
    const auto found = so_far.find(candidate.id);
    if (found != so_far.end()) lowest = std::min(lowest.value_or(found->second), found->second);
  }
  std::vector<uint64_t> counts;
  counts.reserve(candidates->size());
  for (const Candidate& candidate : *candidates) {
    const auto found = so_far.find(candidate.id);
    counts.push_back(found != so_far.end() ? found->second : lowest.value_or(0));
  }
  candidates_ = std::move(candidates);
  table_ = counts.empty() ? nullptr : std::make_shared<JusticeTable>(counts);
  return std::make_unique<LeastUsedPicker>(static_cast<int>(counts.size()), table_);
}

absl::flat_hash_map<uint64_t, uint64_t> LeastUsed::CountsSoFar() const {
  absl::flat_hash_map<uint64_t, uint64_t> so_far;
  if (table_ == nullptr) return so_far;
  const std::vector<uint64_t> counts = table_->Counts();
  for (size_t i = 0; i < counts.size(); ++i) so_far[(*candidates_)[i].id] = counts[i];
  return so_far;
}

}  // namespace scoutlight::discovery
