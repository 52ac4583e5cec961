#ifndef SCOUTLIGHT_CLIENT_LOCATOR_IN_FLIGHT_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_IN_FLIGHT_H_

#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "client/locator/service_calls.h"
#include "discovery/strategy/picker.h"

namespace scoutlight::client {

// Records by Candidate::id.
using RecordsById = absl::flat_hash_map<uint64_t, std::shared_ptr<CallRecord>>;

// What the strategies below find the records of their candidates in, while it lives: set around Strategy::NewPicker, which cannot be handed
// more than candidates. For this thread; one at a time.
class RecordsScope {
 public:
  explicit RecordsScope(const RecordsById* records);
  ~RecordsScope();
  RecordsScope(const RecordsScope&) = delete;
  RecordsScope& operator=(const RecordsScope&) = delete;
};

// As discovery::LeastLoaded, but among those of the lowest load the one with the fewest of this program's calls in flight: so where
// instances tell no load, calls in flight are their load (join the shortest queue: Haight, "Two queues in parallel", Biometrika 1958). A
// pick looks at those of the lowest load, until it finds one without calls.
std::unique_ptr<discovery::Strategy> MakeLeastLoadedInFlight();

// As discovery::PowerOfTwo, but of equal loads the one with fewer of this program's calls in flight (as gRFC A48, least request, with two
// choices).
std::unique_ptr<discovery::Strategy> MakePowerOfTwoInFlight();

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_IN_FLIGHT_H_
