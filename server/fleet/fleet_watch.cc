#include "server/fleet/fleet_watch.h"

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::server {
namespace {

namespace wire = registry::v1;

constexpr int64_t kServersWatch = 1;
constexpr int64_t kDrainsWatch = 2;

CreateWatch WatchOf(int64_t watch_id) {
  WatchSpec spec;
  spec.range = {watch_id == kServersWatch ? ServersTree() : DrainsTree(), Scope::kSubtree};
  spec.include_snapshot = true;
  spec.heartbeat = limits::kHeartbeatMax;
  return {.watch_id = watch_id, .spec = std::move(spec)};
}

}  // namespace

absl::Status FleetWatch::Open() {
  // Of no client's connection.
  return hub_.OpenMany(shared_from_this(), 0);
}

void FleetWatch::ReadNext() {
  if (asked_ == kDrainsWatch) return;
  hub_.Command(this, WatchOf(++asked_));
}

void FleetWatch::Write(int64_t watch_id, const FrameBytes& frame) {
  post_([self = shared_from_this(), watch_id, frame] { self->Take(watch_id, frame); });
}

void FleetWatch::Finish(const WatchEnd& end) {
  // Nothing but this is between the hub and who watches: the call is over with that.
  hub_.OnClosed(this);
  post_([self = shared_from_this(), why = end.status] {
    if (!self->detached_) self->events_.on_end(why);
  });
}

void FleetWatch::Take(int64_t watch_id, const FrameBytes& frame) {
  if (detached_) return;
  wire::WatchResponse read;
  // One of the two watches has ended: both begin anew.
  if (!read.ParseFromString(*frame) || read.kind() == wire::WatchResponse::KIND_ENDED) return hub_.OnCancelled(this);
  const bool of_servers = watch_id == kServersWatch;
  absl::flat_hash_set<std::string>& names = of_servers ? servers_ : drains_;
  if (read.restart()) names.clear();
  for (const wire::Entry& entry : read.entries()) {
    const std::optional<FleetKey> key = Show(entry);
    if (key.has_value() && key->kind != FleetKey::Kind::kStanding) names.insert(of_servers ? key->server : key->drain);
  }
  for (const wire::Event& event : read.events()) {
    if (event.kind() == wire::Event::KIND_PUT) {
      Show(event.entry());
    } else if (const std::optional<FleetKey> key = ReadFleetKey(event.entry().key()); key.has_value()) {
      events_.on_gone(*key);
    }
  }
  if (read.kind() == wire::WatchResponse::KIND_SNAPSHOT_END) {
    events_.on_state(of_servers ? FleetKey::Kind::kServer : FleetKey::Kind::kDrain, names, read.revision());
    names.clear();
  }
  hub_.OnWritten(this);
}

std::optional<FleetKey> FleetWatch::Show(const wire::Entry& entry) {
  std::optional<FleetKey> key = ReadFleetKey(entry.key());
  if (key.has_value()) events_.on_put(*key, entry.text(), entry.mod_revision(), entry.lease_id());
  return key;
}

}  // namespace scoutlight::server
