#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SESSION_CONVERSION_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SESSION_CONVERSION_H_

#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/key.h"
#include "scoutlight/discovery/v1/registration.pb.h"
#include "server/discovery/session.h"
#include "storage/store.h"

namespace scoutlight::server {

struct SessionOpening {
  std::string id;
  absl::Duration ttl;
};
struct SessionHeartbeat {
  std::vector<SoftUpdate> updates;
};
struct SessionLeaving {};
using SessionStep = std::variant<SessionOpening, Declaration, SessionHeartbeat, SessionLeaving>;

// What a client of RegistrationService/Session asks. kInvalidArgument names every field that breaks a rule, with the limit and the value.
// What is wrong with an instance's properties is told of that instance, when it is registered. Thread-safe.
absl::StatusOr<SessionStep> SessionStepOf(const discovery::v1::SessionRequest& request, const storage::Traits& traits);

// For authorization: what a step touches.
std::vector<KeyRange> RangesOf(const SessionStep& step);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SESSION_CONVERSION_H_
