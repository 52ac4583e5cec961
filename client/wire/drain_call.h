#ifndef SCOUTLIGHT_CLIENT_WIRE_DRAIN_CALL_H_
#define SCOUTLIGHT_CLIENT_WIRE_DRAIN_CALL_H_

#include "absl/status/statusor.h"
#include "base/entry.h"
#include "client/registration.h"
#include "client/wire/wire.h"
#include "discovery/names.h"
#include "scoutlight/discovery/v1/registration.pb.h"

namespace scoutlight::client {

// Drains an instance. Blocks for at most both times of `options` and 5 s. kNotFound; kAborted with Reason::kFenced: it is not there any
// more, or another's. Thread-safe.
absl::StatusOr<discovery::v1::DrainResponse> CallDrain(Wire* wire, const discovery::InstanceName& name, Revision epoch,
                                                       const DrainOptions& options);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_DRAIN_CALL_H_
