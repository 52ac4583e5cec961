#include "discovery/strategy/zone_preference.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "discovery/strategy/part.h"

namespace scoutlight::discovery {
namespace {

double CapacityOf(const Candidate& candidate) {
  constexpr double kRoomyLoadMax = 0.8;
  const double health = candidate.health == Health::kPassing ? 1 : candidate.health == Health::kWarning ? 0.5 : 0;
  const double load = candidate.load.value_or(0);
  return health * std::clamp((1 - load) / (1 - kRoomyLoadMax), 0.0, 1.0);
}

class ZonePicker : public Picker {
 public:
  ZonePicker(double local_share, Part local, Part others)
      : local_share_(local_share), local_(std::move(local)), others_(std::move(others)) {}

  int Pick(const PickRequest& request) override {
    const bool stays = local_share_ >= 1 || Draw(request) < local_share_;
    const int place = stays ? local_.Pick(request) : others_.Pick(request);
    if (place != kNoPick) return place;
    return stays ? others_.Pick(request) : local_.Pick(request);
  }

 private:
  static double Draw(const PickRequest& request) {
    // Another function of the key than the strategies below use, or they would see half of the keys.
    return request.affinity.has_value() ? UnitInterval(MixBits(~*request.affinity)) : request.random->Unit();
  }

  const double local_share_;
  Part local_;
  Part others_;
};

}  // namespace

double LocalShare(const CandidateList& candidates, uint64_t zone) {
  constexpr double kOverprovisioning = 1.4;
  double capacity = 0;
  int local = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.zone != zone) continue;
    capacity += CapacityOf(candidate);
    ++local;
  }
  return local == 0 ? 0 : std::min(1.0, kOverprovisioning * capacity / local);
}

ZonePreference::ZonePreference(uint64_t zone, std::unique_ptr<Strategy> local, std::unique_ptr<Strategy> others)
    : zone_(zone), local_(std::move(local)), others_(std::move(others)) {}

std::unique_ptr<Picker> ZonePreference::NewPicker(SharedCandidates candidates) {
  std::vector<int> local;
  std::vector<int> others;
  for (size_t i = 0; i < candidates->size(); ++i) {
    const Candidate& candidate = (*candidates)[i];
    if (candidate.health == Health::kCritical) continue;
    (candidate.zone == zone_ ? local : others).push_back(static_cast<int>(i));
  }
  return std::make_unique<ZonePicker>(LocalShare(*candidates, zone_), Part(candidates, std::move(local), local_.get()),
                                      Part(candidates, std::move(others), others_.get()));
}

}  // namespace scoutlight::discovery
