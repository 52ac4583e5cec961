#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_SUBSET_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_SUBSET_H_

#include <cstdint>
#include <memory>

#include "discovery/strategy/picker.h"

namespace scoutlight::discovery {

// Another strategy over the `size` candidates that suit this caller most, so that a caller of a large service keeps few connections. Which
// ones they are, rendezvous hashing of caller and candidate says (Thaler and Ravishankar, "A name-based mapping scheme for rendezvous",
// 1996; as gRFC A68): callers spread evenly, and when a candidate comes or goes, a caller's subset changes by at most one. Of fewer
// candidates than `size` all are in it.
class Subset : public Strategy {
 public:
  // `size` is 1..limits::kSubsetMax; `caller` is HashName of what tells callers apart.
  Subset(int size, uint64_t caller, std::unique_ptr<Strategy> inner);

  std::unique_ptr<Picker> NewPicker(SharedCandidates candidates) override;

 private:
  const int size_;
  const uint64_t caller_;
  const std::unique_ptr<Strategy> inner_;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_SUBSET_H_
