#ifndef SCOUTLIGHT_SERVER_DISCOVERY_REGISTRATION_CONVERSION_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_REGISTRATION_CONVERSION_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "discovery/instance.h"
#include "scoutlight/discovery/v1/registration.pb.h"
#include "server/discovery/registrar.h"
#include "storage/store.h"

namespace scoutlight::server {

// From RegistrationService's requests. kInvalidArgument names every field that breaks a rule, with the limit and the value. Origins are
// left empty.

absl::StatusOr<Registration> RegistrationOf(const discovery::v1::RegisterRequest& request, const storage::Traits& traits);
absl::StatusOr<Update> UpdateOf(const discovery::v1::UpdateRequest& request);
absl::StatusOr<Deregistration> DeregistrationOf(const discovery::v1::DeregisterRequest& request);

struct OverrideSpec {
  discovery::InstanceName name;
  std::string reason;
  std::optional<absl::Duration> ttl;
};
absl::StatusOr<OverrideSpec> OverrideSpecOf(const discovery::v1::PutOverrideRequest& request, const storage::Traits& traits);
absl::StatusOr<discovery::InstanceName> NameOf(const discovery::v1::DeleteOverrideRequest& request);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_REGISTRATION_CONVERSION_H_
