#ifndef SCOUTLIGHT_CLIENT_WIRE_INSTANCE_CONVERSION_H_
#define SCOUTLIGHT_CLIENT_WIRE_INSTANCE_CONVERSION_H_

#include "discovery/instance.h"
#include "scoutlight/discovery/v1/instance.pb.h"

namespace scoutlight::client {

// Between discovery's messages and the domain. Nothing is checked: what a server sends is taken as it is. Thread-safe.

discovery::Override OverrideOf(const discovery::v1::Override& message);

// Of a status or a health that this release does not know: one that takes work only if the message says so. `valid` is what `resolvable`
// tells; where something else keeps the instance out of work, that it has no problems.
discovery::Instance ReadInstance(const discovery::v1::Instance& message);
// ReadInstance gives `instance` again, but for `valid` where the above says so. Endpoints are left out: they follow from the properties.
void FillInstance(const discovery::Instance& instance, discovery::v1::Instance* out);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_INSTANCE_CONVERSION_H_
