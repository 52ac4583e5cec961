#include "client/wire/drain_call.h"

#include <utility>

#include "client/wire/session_conversion.h"
#include "client/wire/time_conversion.h"

namespace scoutlight::client {
namespace {

namespace wire = discovery::v1;

// Beside the waits: for the commit, and for another try when a server goes.
constexpr absl::Duration kTryExtra = absl::Seconds(2);
constexpr absl::Duration kCallExtra = absl::Seconds(5);

}  // namespace

absl::StatusOr<wire::DrainResponse> CallDrain(Wire* wire, const discovery::InstanceName& name, Revision epoch,
                                              const DrainOptions& options) {
  wire::DrainRequest request;
  FillName(name, request.mutable_name());
  request.set_epoch(epoch);
  *request.mutable_timeout() = WireDuration(options.timeout);
  *request.mutable_linger() = WireDuration(options.linger);
  request.set_request_id(wire->NewRequestId());
  const absl::Duration waits = options.timeout + options.linger;
  const CallOptions call{.timeout = waits + kCallExtra, .repeatable = Repeatable::kWithId, .try_timeout = waits + kTryExtra};
  return wire->Call(&wire::RegistrationService::Stub::Drain, std::move(request), call);
}

}  // namespace scoutlight::client
