#include "discovery/strategy/part.h"

#include <array>
#include <cstddef>
#include <utility>

#include "base/limits.h"

namespace scoutlight::discovery {

Part::Part(const SharedCandidates& candidates, std::vector<int> places, Strategy* strategy)
    : places_(std::move(places)), inner_(candidates->size(), kNoPick) {
  auto part = std::make_shared<CandidateList>();
  part->reserve(places_.size());
  for (const int place : places_) {
    inner_[place] = static_cast<int>(part->size());
    part->push_back((*candidates)[place]);
  }
  picker_ = strategy->NewPicker(std::move(part));
}

int Part::Pick(const PickRequest& request) {
  // Who is to be avoided, in places of the part.
  std::array<int, limits::kPickAvoidMax> avoid;
  size_t avoided = 0;
  for (const int place : request.avoid) {
    const bool within = place >= 0 && place < static_cast<int>(inner_.size()) && inner_[place] != kNoPick;
    if (within && avoided < avoid.size()) avoid[avoided++] = inner_[place];
  }
  PickRequest inner = request;
  inner.avoid = absl::MakeConstSpan(avoid.data(), avoided);
  const int place = picker_->Pick(inner);
  return place == kNoPick ? kNoPick : places_[place];
}

}  // namespace scoutlight::discovery
