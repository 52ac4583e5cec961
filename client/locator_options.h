#ifndef SCOUTLIGHT_CLIENT_LOCATOR_OPTIONS_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_OPTIONS_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/ejection_options.h"
#include "client/resolve_options.h"
#include "discovery/strategy/make_strategy.h"

namespace scoutlight {

struct LocatorOptions {
  std::string cluster = "default";
  // How instances are picked where a call does not say; its `zone` is the caller's.
  discovery::StrategyOptions strategy = {};
  StrategyMaker own_strategy = nullptr;  // As ResolveOptions.
  // By which drains name this program when it lags behind: at most 64 bytes, at one time one program's. Empty, and whenever another comes
  // with it: one is drawn.
  std::string subscriber_id = {};
  // How long the first Resolve of a service waits for what the registry knows of it, counted from when the service is followed: 0 s to
  // 10 min.
  absl::Duration first_answer_timeout = absl::Seconds(5);
  // How often the registry is to say that nothing has changed: 100 ms to 1 h. A server from which nothing comes for three times that is
  // left for another; so is one that says for as long, and for 15 s, that it does not reach its store.
  absl::Duration heartbeat = absl::Seconds(5);
  // What nobody has said to be current for longer is not acted on, to about a second: at least 1 s. By default it is, however old, because
  // instances outlive a registry that is away.
  absl::Duration age_max = absl::InfiniteDuration();
  // When the registry comes back as another store (wiped, restored), instances that took work and are not in it are kept for so long, as
  // they were: their sessions register them anew. 0 s to 10 min.
  absl::Duration replaced_store_grace = absl::Seconds(30);
  // nullopt: no instance is ejected.
  std::optional<EjectionOptions> ejection = EjectionOptions();
  // Where to keep what is known, to begin with when the registry is down: written by renaming a complete file, at most every 5 s, and when
  // the locator goes. One that cannot be read is ignored. Empty: none.
  std::string snapshot_file = {};
  // Told, on the connection's thread for callbacks, what goes wrong without an answer to say it in: the registry refuses the subscription
  // (tried again every 1 to 2 s), the file cannot be read or written. The newest, if they come faster than they are taken. May be null.
  std::function<void(const absl::Status&)> on_problem = nullptr;
};

// kInvalidArgument: every violated field.
absl::Status CheckOptions(const LocatorOptions& options);

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_OPTIONS_H_
