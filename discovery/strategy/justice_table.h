#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_JUSTICE_TABLE_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_JUSTICE_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace scoutlight::discovery {

// Who is next when the least used goes first, as a function of how many picks were made, so that picking takes one atomic addition and no
// lock. Among equals the one goes first that has had that count for longest, then the earlier place.
//
// Picks fill counts like water fills steps. With counts 2, 4, 4, 7: picks 0 and 1 go to the first; then three stand at 4, and picks 2..10
// go round them, those first that stood there before; then all stand at 7, and every later pick goes round all.
class JusticeTable {
 public:
  // `counts`: how often each place was picked so far. Not empty.
  explicit JusticeTable(const std::vector<uint64_t>& counts);

  // The next place. Thread-safe.
  int Take();

  // How often each place was picked by now. Thread-safe.
  std::vector<uint64_t> Counts() const;

 private:
  // From pick `start` on, all of places_[begin..] stand at `count` or above, and take turns.
  struct Step {
    uint64_t start = 0;
    uint64_t count = 0;
    size_t begin = 0;
  };

  const Step& StepAt(uint64_t pick) const;

  std::vector<int> places_;         // The most used first, then by place.
  std::vector<uint64_t> counts_;    // Of `places_` at the start.
  std::vector<Step> steps_;         // By `start`.
  std::atomic<uint64_t> picks_{0};  // Relaxed: a number orders nothing but itself.
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_JUSTICE_TABLE_H_
