#ifndef SCOUTLIGHT_CLIENT_GOVERNOR_H_
#define SCOUTLIGHT_CLIENT_GOVERNOR_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/gate_endpoint.h"

namespace scoutlight {

// An endpoint that a gate has dialled.
struct DialledEndpoint {
  GateEndpoint endpoint;
  bool connected = false;
  absl::Duration age;  // Since it was dialled.
};

// What a gate dials at most, whatever its governor says; those that are being undialled count. Of what is over it, Look() tells that it is
// not dialled, and it is asked for again after a second.
inline constexpr int kDialledMax = 10'000;

// What is to be done with a gate's endpoints.
struct GovernorStep {
  std::vector<GateEndpoint> dial;
  // By URL: they get nothing new, and are closed when what is on its way to them has been handed over.
  std::vector<std::string> undial;
  // To be asked again after so long, at least 10 ms, if nothing changes before. What could not be dialled is asked about after a second.
  absl::Duration ask_again = absl::InfiniteDuration();
};

// Decides which of the endpoints that stand behind a link a gate dials. One for each gate, asked on one thread whenever something has
// changed; does not block.
class Governor {
 public:
  virtual ~Governor() = default;

  // `wanted` are those that stand behind the link by now, each URL once; `dialled` those that the gate has, without those that are being
  // undialled.
  virtual GovernorStep Decide(const std::vector<GateEndpoint>& wanted, const std::vector<DialledEndpoint>& dialled) = 0;
};
using GovernorMaker = std::function<std::unique_ptr<Governor>()>;

struct FollowOptions {
  // How long an endpoint that is wanted no more is kept while others are not connected yet.
  absl::Duration replacement_timeout = absl::Milliseconds(500);
  // Of more, the first by URL are dialled. At most kDialledMax.
  int endpoints_max = 1'000;
};

// Dials what is wanted, then undials what is not, once everything else that is dialled is connected.
GovernorMaker FollowGovernor(FollowOptions options = {});
// Dials what is wanted when that is first known, and changes nothing any more.
GovernorMaker NoGovernor();

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_GOVERNOR_H_
