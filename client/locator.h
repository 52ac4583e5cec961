#ifndef SCOUTLIGHT_CLIENT_LOCATOR_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/change_watch.h"
#include "client/connection.h"
#include "client/locator_options.h"
#include "client/pick.h"
#include "client/resolve_options.h"
#include "discovery/service_snapshot.h"

namespace scoutlight {

namespace client {
class Choice;
class LocatorCore;
}  // namespace client

// One way of picking from one service, found once: Resolve() is as the locator's, without the look-up. A cheap copy, used by any number of
// threads; may outlive the locator.
class ServiceHandle {
 public:
  // As Locator::Resolve. kFailedPrecondition: the service was forgotten, or the locator is gone.
  absl::StatusOr<Pick> Resolve(const PickOptions& pick = {}) const;
  // As Locator::TryResolve.
  absl::StatusOr<Pick> TryResolve(const PickOptions& pick = {}) const;

 private:
  friend class Locator;
  ServiceHandle(std::shared_ptr<client::LocatorCore> core, std::shared_ptr<client::Choice> choice)
      : core_(std::move(core)), choice_(std::move(choice)) {}

  std::shared_ptr<client::LocatorCore> core_;
  std::shared_ptr<client::Choice> choice_;
};

// Finds instances of services, from what it knows: one subscription tells it of all services that it follows, and what it is told is
// confirmed, so that a drain knows when this program sends an instance no more work. While no registry answers it goes on with what it
// knows; AgeOf() says how old that is. See docs/decisions/0017-the-locators-answers.md for what it answers when.
//
// A pick takes no call, no lock and no memory but the handle's, which is none: each thread has a view of what it picks from, and looks
// whether there is a newer one. Thread-safe, but for moving. The destructor says goodbye, and returns within a second, and what writing
// the file takes.
class Locator {
 public:
  // Reads LocatorOptions::snapshot_file, and does not wait for the registry. kInvalidArgument: every violated field of `options`.
  static absl::StatusOr<Locator> Open(const Connection& connection, LocatorOptions options = {});

  Locator(Locator&& other) noexcept;
  Locator& operator=(Locator&& other) noexcept;
  ~Locator();

  // Picks an instance of `service`, which is followed from now on: at most limits::kSubscribedServicesMax are. The first one of a service
  // waits for what the registry knows, at most LocatorOptions::first_answer_timeout from when it was followed; those after that, and all
  // whose service was in the snapshot file while the registry is away, do not.
  // Errors as DiscoveryService/Resolve: kNotFound, SERVICE_NOT_FOUND: it has no instance. kUnavailable, NONE_RESOLVABLE: none takes work,
  // or is left besides those to avoid. kFailedPrecondition, NONE_MATCHES: filter or endpoint exclude those that do. Besides: kUnavailable,
  // CATALOG_LOADING: nothing is known yet, or what is known is older than LocatorOptions::age_max. What the registry refuses the
  // subscription with, if nothing is known. kInvalidArgument: every violated field. kResourceExhausted, WATCHES_FULL: too many services.
  // kFailedPrecondition: the locator was moved from.
  absl::StatusOr<Pick> Resolve(absl::string_view service);
  absl::StatusOr<Pick> Resolve(absl::string_view service, const ResolveOptions& options, const PickOptions& pick = {});
  // The same, and never waits.
  absl::StatusOr<Pick> TryResolve(absl::string_view service, const ResolveOptions& options = {}, const PickOptions& pick = {});

  // Follows `service`, and waits for nothing. Errors of `options` and of following as Resolve.
  absl::StatusOr<ServiceHandle> Service(absl::string_view service, const ResolveOptions& options = {});

  // Follows these from now on, so that nobody waits for their first answer. Of more than can be followed, the first are.
  absl::Status Follow(const std::vector<std::string>& services);
  // Follows it no more, until it is resolved again: its handles and watches are over. Nothing: it is not followed.
  void Forget(absl::string_view service);

  // How long ago the registry last said that what is known of the service is current: at most about LocatorOptions::heartbeat while it is
  // there and reaches its store, and is not behind what another server of the same store has shown. InfiniteDuration: it never did.
  absl::Duration AgeOf(absl::string_view service) const;
  // All instances that are known, those too that take no work; null: nothing is known, or it is not followed.
  discovery::SnapshotPtr SnapshotOf(absl::string_view service) const;

  // Follows `service`, and calls `callback` on the connection's thread for callbacks: with what is known, then whenever it changes; a slow
  // one is shown the newest state of what changed. Errors as Service().
  absl::StatusOr<ChangeWatch> OnChange(absl::string_view service, ChangeCallback callback);

 private:
  explicit Locator(std::shared_ptr<client::LocatorCore> core) : core_(std::move(core)) {}

  std::shared_ptr<client::LocatorCore> core_;  // Null: moved from.
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_H_
