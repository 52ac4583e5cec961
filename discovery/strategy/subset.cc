#include "discovery/strategy/subset.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "discovery/strategy/part.h"

namespace scoutlight::discovery {
namespace {

class SubsetPicker : public Picker {
 public:
  explicit SubsetPicker(Part part) : part_(std::move(part)) {}

  int Pick(const PickRequest& request) override { return part_.Pick(request); }

 private:
  Part part_;
};

}  // namespace

Subset::Subset(int size, uint64_t caller, std::unique_ptr<Strategy> inner) : size_(size), caller_(caller), inner_(std::move(inner)) {}

std::unique_ptr<Picker> Subset::NewPicker(SharedCandidates candidates) {
  std::vector<std::pair<uint64_t, int>> ranks;
  ranks.reserve(candidates->size());
  for (size_t i = 0; i < candidates->size(); ++i) ranks.emplace_back(MixBits(MixBits(caller_) ^ (*candidates)[i].id), static_cast<int>(i));
  const size_t size = std::min(ranks.size(), static_cast<size_t>(size_));
  std::nth_element(ranks.begin(), ranks.begin() + size, ranks.end());
  std::vector<int> places;
  for (size_t i = 0; i < size; ++i) places.push_back(ranks[i].second);
  std::sort(places.begin(), places.end());
  return std::make_unique<SubsetPicker>(Part(candidates, std::move(places), inner_.get()));
}

}  // namespace scoutlight::discovery
