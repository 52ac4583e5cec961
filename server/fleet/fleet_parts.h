#ifndef SCOUTLIGHT_SERVER_FLEET_FLEET_PARTS_H_
#define SCOUTLIGHT_SERVER_FLEET_FLEET_PARTS_H_

#include <cstdint>
#include <functional>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/entry.h"
#include "server/discovery/drain_waits.h"
#include "server/discovery/hub_inbox.h"
#include "storage/store.h"

namespace scoutlight::server {

// What the store refused, and what is not there yet, is tried again after so long.
inline constexpr absl::Duration kFleetRetry = absl::Seconds(1);

// What this server knows by itself: its subscribers and its catalog. All may be called from any thread; none waits.
struct LocalDrains {
  std::function<uint64_t()> new_number;
  // As SubscriberHub::FollowConfirmed, until end().
  std::function<void(uint64_t number, DrainWait wait, DrainWaits::Tell tell)> follow;
  std::function<void(uint64_t number)> end;
  // As CatalogFeed::WhenAt.
  std::function<void(Revision revision, absl::AnyInvocable<void(absl::Status) &&> done)> when_at;
  // As SubscriberHub::OnServerGone.
  std::function<void()> on_server_gone;
  // What was held back until the others knew of this server can be shown.
  std::function<void()> on_admitted;
  // As SubscriberHub::Drain.
  std::function<void(absl::Status reason, absl::AnyInvocable<void() &&> done)> end_subscribers;
};

// What the parts of a Fleet work with. All outlives it.
struct FleetParts {
  storage::Store* store = nullptr;
  Clock* clock = nullptr;
  std::function<uint64_t()> random;  // For ids.
  LocalDrains local;
  std::function<void(absl::string_view)> warn = [](absl::string_view) {};
};

// Hands a task over to the fleet's thread, from any. After the fleet's end it is dropped.
using FleetPost = std::function<void(HubInbox::Task)>;

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_FLEET_FLEET_PARTS_H_
