#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_PART_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_PART_H_

#include <memory>
#include <vector>

#include "discovery/strategy/picker.h"

namespace scoutlight::discovery {

// Some of the candidates of a snapshot, with a picker of their own: what modifiers that leave candidates out are made of. As thread-safe
// as its picker.
class Part {
 public:
  // `places`: of the part's candidates in `candidates`, each once. `strategy` makes the picker.
  Part(const SharedCandidates& candidates, std::vector<int> places, Strategy* strategy);

  // As Picker::Pick, in places of the whole.
  int Pick(const PickRequest& request);

  const std::vector<int>& places() const { return places_; }

 private:
  std::vector<int> places_;  // In the whole.
  std::vector<int> inner_;   // Of each place of the whole: its place in the part, kNoPick for the others.
  std::unique_ptr<Picker> picker_;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_PART_H_
