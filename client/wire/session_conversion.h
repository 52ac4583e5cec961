#ifndef SCOUTLIGHT_CLIENT_WIRE_SESSION_CONVERSION_H_
#define SCOUTLIGHT_CLIENT_WIRE_SESSION_CONVERSION_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "base/error.h"
#include "client/registration.h"
#include "discovery/instance.h"
#include "discovery/names.h"
#include "scoutlight/discovery/v1/registration.pb.h"

// The messages of registrations and sessions from and to what the library's callers know. Thread-safe.
namespace scoutlight::client {

void FillName(const discovery::InstanceName& name, discovery::v1::InstanceName* out);
void FillRegistration(const discovery::InstanceName& name, const discovery::Properties& properties, discovery::v1::Registration* out);
void FillSoftValues(const discovery::SoftValues& soft, discovery::v1::SoftValues* out);

discovery::InstanceName NameOf(const discovery::v1::InstanceName& name);

DrainReport DrainReportOf(const discovery::v1::DrainResponse& response);

// The error of one of several, as RegisterAllResponse.Result and InstanceState tell it: its fields begin at the Registration ("properties",
// not "instance.properties"). OK for code 0.
absl::Status ErrorOf(const discovery::v1::RegisterAllResponse::Result& result);
absl::Status ErrorOf(const discovery::v1::SessionResponse::InstanceState& state);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_SESSION_CONVERSION_H_
