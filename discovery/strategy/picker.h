#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_PICKER_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_PICKER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "discovery/strategy/candidate.h"
#include "discovery/strategy/random.h"

namespace scoutlight::discovery {

// What a pick may depend on besides the candidates.
struct PickRequest {
  absl::Time now;
  Random* random = nullptr;          // Never null; the calling thread's own.
  std::optional<uint64_t> affinity;  // HashName of the caller's key: equal keys go to one candidate, where the strategy knows of keys.
  absl::Span<const int> avoid;       // Places that are not wanted, at most limits::kPickAvoidMax: tried before, or taken already.

  bool Avoids(int place) const {
    for (const int avoided : avoid) {
      if (avoided == place) return true;
    }
    return false;
  }
};

// No candidate is there, or all are avoided.
inline constexpr int kNoPick = -1;

// Picks among one snapshot of candidates. Tables are made once, by the constructor; a pick takes no lock, allocates nothing, and may be
// called from several threads at a time.
class Picker {
 public:
  virtual ~Picker() = default;

  // The place of the chosen one in the snapshot, never one to avoid; kNoPick.
  virtual int Pick(const PickRequest& request) = 0;
};

// What stays while snapshots come and go: makes the picker of each, and holds what one must know of the picks of those before, bounded by
// the size of the snapshot. NewPicker is called by one thread at a time; pickers may be used meanwhile, and may outlive the strategy. Picks
// from an older picker that come after NewPicker may be forgotten.
class Strategy {
 public:
  virtual ~Strategy() = default;

  virtual std::unique_ptr<Picker> NewPicker(SharedCandidates candidates) = 0;

  // The same, for so many candidates, of a strategy that looks at nothing but their number: a change in a large snapshot then costs no list
  // of all. Null: it must see them.
  virtual std::unique_ptr<Picker> NewPickerOf(int /*candidates*/) { return nullptr; }
};

// A strategy that remembers nothing, from its picker alone: a strategy of one's own is a class with a constructor that takes a
// SharedCandidates and the method Pick, used as StrategyOf<MyPicker>.
template <typename PickerType>
class StrategyOf : public Strategy {
 public:
  std::unique_ptr<Picker> NewPicker(SharedCandidates candidates) override { return std::make_unique<PickerType>(std::move(candidates)); }
};

// The first place that is not to be avoided, going round from `start` < `size`; kNoPick. For the rare pick that must avoid a lot.
inline int FirstAllowed(const PickRequest& request, int start, int size) {
  for (int i = 0; i < size; ++i) {
    const int place = start + i < size ? start + i : start + i - size;
    if (!request.Avoids(place)) return place;
  }
  return kNoPick;
}

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_PICKER_H_
