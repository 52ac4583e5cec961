#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_CONSISTENT_HASH_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_CONSISTENT_HASH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "discovery/strategy/picker.h"

namespace scoutlight::discovery {

// Equal affinity keys go to one candidate, in every process that sees the same candidates; when one goes, only its keys move, and when one
// comes, only those that it takes. Multi-probe consistent hashing (Appleton and O'Reilly, arXiv:1505.00062) over a ring of 24 points a
// candidate: a key has 8 probes, and goes to the point nearest behind one of them, so that the fullest candidate has at most about 1.17
// times the mean, of two as of thousands. Chosen over one point and 21 probes, where of a few candidates one may have nearly all keys; over
// a ring alone, which needs hundreds of points a candidate for that; over Maglev, which moves other keys too; over rendezvous hashing,
// which looks at every candidate. Weights do not count. Without a key each pick is as with a random one. Takes some 350 bytes a candidate.
class ConsistentHashPicker : public Picker {
 public:
  explicit ConsistentHashPicker(const SharedCandidates& candidates);

  int Pick(const PickRequest& request) override;

 private:
  void Sort(const std::vector<uint64_t>& points);
  // In `points_`: the first point at or behind `at`, going round.
  size_t Next(uint64_t at) const;

  const int candidates_;          // At most 16 million: those behind get nothing.
  const size_t size_;             // Of the ring.
  std::vector<uint64_t> points_;  // In order: position, and place in the lower bits; then the end of the ring, which stands for the first.
  std::vector<uint32_t> starts_;  // For each value of the upper bits of a position: the first point there or behind; one for the end.
  int shift_ = 63;                // What of a position is not its upper bits.
};

using ConsistentHash = StrategyOf<ConsistentHashPicker>;

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_CONSISTENT_HASH_H_
