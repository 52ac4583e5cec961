#ifndef SCOUTLIGHT_SERVER_DISCOVERY_REGISTRATION_CONVERSION_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_REGISTRATION_CONVERSION_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/claims.h"
#include "discovery/instance.h"
#include "discovery/names.h"
#include "scoutlight/discovery/v1/registration.pb.h"
#include "server/discovery/registrar.h"
#include "storage/store.h"

namespace scoutlight::server {

// From RegistrationService's requests. kInvalidArgument names every field that breaks a rule, with the limit and the value. Origins are
// left empty.

// `claims`: the schemas in force, so that what a property's schema has against it is told with everything else; null: not known yet.
absl::StatusOr<Registration> RegistrationOf(const discovery::v1::RegisterRequest& request, const storage::Traits& traits,
                                            const discovery::Claims* claims);
absl::StatusOr<Update> UpdateOf(const discovery::v1::UpdateRequest& request);
absl::StatusOr<Deregistration> DeregistrationOf(const discovery::v1::DeregisterRequest& request);

struct DrainSpec {
  DrainChange change;
  absl::Duration timeout;
  absl::Duration linger;
};
absl::StatusOr<DrainSpec> DrainSpecOf(const discovery::v1::DrainRequest& request);

struct OverrideSpec {
  discovery::InstanceName name;
  std::string reason;
  std::optional<absl::Duration> ttl;
};
absl::StatusOr<OverrideSpec> OverrideSpecOf(const discovery::v1::PutOverrideRequest& request, const storage::Traits& traits);
absl::StatusOr<discovery::InstanceName> NameOf(const discovery::v1::DeleteOverrideRequest& request);

struct ConfirmedLoss {
  discovery::ServiceName service;
  std::vector<std::string> ids;  // None: all.
};
absl::StatusOr<ConfirmedLoss> ConfirmedLossOf(const discovery::v1::ConfirmLossRequest& request);

// What a result of RegisterAll tells of an error, in at most kResultErrorBytesMax bytes: what is over limits::kErrorMessageBytesMax of a
// text is cut, violations over limits::kErrorViolationsBytesMax are left out. Requires !status.ok().
void FillError(const absl::Status& status, discovery::v1::RegisterAllResponse::Result* result);
inline constexpr size_t kResultErrorBytesMax = limits::kErrorMessageBytesMax + limits::kErrorViolationsBytesMax + 512;

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_REGISTRATION_CONVERSION_H_
