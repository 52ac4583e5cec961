#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_SLOW_START_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_SLOW_START_H_

#include <memory>

#include "absl/time/time.h"
#include "discovery/strategy/picker.h"

namespace scoutlight::discovery {

// Another strategy, of whose picks a candidate younger than `window` keeps only a share; the rest is picked again among the others. Once
// the oldest candidate is past the window the share is max(10 %, age / window); before, it is what that will be when it has come so far, so
// that a service that is young as a whole is picked from as ever, and no share falls while the oldest candidate stays (Envoy, "Slow start
// mode", with aggression 1; done by thinning, so that it needs no weights and works over every strategy: Lewis and Shedler 1979). After
// four candidates in a row that were refused, one of them is taken, drawn by their shares. With an affinity key the key decides whether it
// stays, so that keys move to a newcomer one after the other, and do not go back while the oldest candidate stays.
class SlowStart : public Strategy {
 public:
  // `window` is positive.
  SlowStart(absl::Duration window, std::unique_ptr<Strategy> inner);

  std::unique_ptr<Picker> NewPicker(SharedCandidates candidates) override;

 private:
  const absl::Duration window_;
  const std::unique_ptr<Strategy> inner_;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_SLOW_START_H_
