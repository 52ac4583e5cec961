#ifndef SCOUTLIGHT_CLIENT_REGISTRATIONS_H_
#define SCOUTLIGHT_CLIENT_REGISTRATIONS_H_

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "client/connection.h"
#include "client/connection_options.h"
#include "client/registration.h"
#include "client/store_state.h"
#include "discovery/instance.h"
#include "discovery/names.h"

namespace scoutlight {

// How long a registration lasts.
struct Permanent {};  // Until it is deregistered.
using Lifetime = std::variant<
    // Until it has not been registered again, nor its lease renewed, for so long: limits::kLeaseTtlMin to limits::kLeaseTtlMax.
    absl::Duration, Permanent,
    // Until this lease ends, which the caller has granted and renews.
    LeaseId>;

struct RegisterOptions {
  IfOwned if_owned = IfOwned::kRefuse;
  // What tells this owner from others: at most limits::kSessionIdBytesMax bytes. The same registers again without asking, and keeps its
  // epoch; empty is that of everybody who names none.
  std::string session_id = {};
  Timeout timeout = std::nullopt;
};

struct RegisterResult {
  discovery::Instance instance;  // As it is now.
  StoreState state;
  bool unchanged = false;  // It was registered already just so, or by this request.
  bool replayed = false;   // A repetition found that an earlier try had done it.
};

struct ToRegister {
  Registration registration;
  Lifetime lifetime;
  RegisterOptions options = {};  // Without `timeout`.
};
struct RegisterAllResult {
  // One for each, in order. An instance is left out where the answer would be over limits::kAnswerBytesMax: then only its name is set.
  std::vector<absl::StatusOr<RegisterResult>> results;
  StoreState state;  // That shows all of them.
};

struct PropertyChanges {
  discovery::Properties set;        // Put in, or in place of what they were.
  std::vector<std::string> remove;  // If they are there.
  bool replace = false;             // `set` are all that it has from now on.
};
struct UpdateResult {
  discovery::Instance instance;
  StoreState state;
  bool replayed = false;
};

struct DeregisterResult {
  bool found = false;
  StoreState state;
  bool replayed = false;
};

struct DrainResult {
  DrainReport report;
  StoreState state;  // In which the instance was draining.
  bool replayed = false;
};

struct PutOverrideResult {
  std::optional<discovery::Override> override;  // As it is now; nullopt: this was a repetition, and it is gone since.
  StoreState state;
  bool replayed = false;
};
struct DeleteOverrideResult {
  bool found = false;
  StoreState state;
  bool replayed = false;
};

struct ConfirmLossResult {
  int confirmed = 0;  // How many are shown no longer.
  StoreState state;
};

// Single changes of registrations: for tools, and for programs that register others. A program that registers itself wants a Session.
//
// Calls block, are repeated, and fail, as those of Registry; each carries an id by which the server knows a repetition, but for
// ConfirmLoss, which is never repeated. `epoch` is that of the registration that is meant, and 0 that of whoever owns the instance; with
// another: kAborted with Reason::kFenced. kFailedPrecondition with Reason::kDiscoveryOff: the service is bound to no schema. kUnavailable
// with Reason::kCatalogLoading; kAborted with Reason::kContended: others kept changing the instance. An empty cluster is "default".
// Copies are the same. Thread-safe.
class Registrations {
 public:
  explicit Registrations(Connection connection);

  // Registers an instance, at one revision; an empty id: the server draws one. kInvalidArgument: every violated field
  // ("instance.properties.port"), what the schema says too. kAlreadyExists with Reason::kInstanceOwned: another session owns it.
  absl::StatusOr<RegisterResult> Register(Registration registration, Lifetime lifetime, RegisterOptions options = {}) const;
  // The same of 1 to limits::kRegistrationsMax, together at most limits::kRequestBytesMax: some may fail while others do not. Fields of
  // single results begin at the Registration ("properties.port").
  absl::StatusOr<RegisterAllResult> RegisterAll(std::vector<ToRegister> all, Timeout timeout = std::nullopt) const;

  // Changes properties, all at one revision. kNotFound with Reason::kInstanceNotFound. kInvalidArgument as Register, of the properties as
  // they would be.
  absl::StatusOr<UpdateResult> Update(const discovery::InstanceName& name, PropertyChanges changes, Revision epoch = 0,
                                      Timeout timeout = std::nullopt) const;

  // Removes an instance with all its entries, at one revision. One that is not there: `found` false.
  absl::StatusOr<DeregisterResult> Deregister(const discovery::InstanceName& name, Revision epoch = 0,
                                              Timeout timeout = std::nullopt) const;

  // Takes an instance out of work, and waits until nobody sends it any more, or the times of `options` are over: OK in any case, but
  // kUnavailable with Reason::kBackendUnavailable where several servers share the store and that has not told by then how it stands on the
  // others. Without `timeout` it takes at most a few seconds more than those. kNotFound with Reason::kInstanceNotFound. kFailedPrecondition
  // with Reason::kNotRegistered: it was written by hand.
  absl::StatusOr<DrainResult> Drain(const discovery::InstanceName& name, DrainOptions options = {}, Revision epoch = 0) const;

  // Says that an instance gets no work, whether or not it is registered now, until that expires (limits::kLeaseTtlMin to
  // limits::kLeaseTtlMax; nullopt: never) or is deleted. `reason`: 1 to limits::kOverrideReasonBytesMax bytes.
  absl::StatusOr<PutOverrideResult> PutOverride(const discovery::InstanceName& name, absl::string_view reason,
                                                std::optional<absl::Duration> ttl = std::nullopt, Timeout timeout = std::nullopt) const;
  // Takes that back. None there: `found` false.
  absl::StatusOr<DeleteOverrideResult> DeleteOverride(const discovery::InstanceName& name, Timeout timeout = std::nullopt) const;

  // Says that instances whose owner was lost are lost indeed: they are shown no longer. `ids` empty: all that are held; at most
  // limits::kLossesConfirmedMax.
  absl::StatusOr<ConfirmLossResult> ConfirmLoss(const discovery::ServiceName& service, const std::vector<std::string>& ids,
                                                Timeout timeout = std::nullopt) const;

 private:
  std::shared_ptr<client::Wire> wire_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_REGISTRATIONS_H_
