#include "client/admin.h"

#include <string>
#include <utility>

#include "client/wire/paced_reader.h"
#include "client/wire/time_conversion.h"
#include "client/wire/wire.h"
#include "scoutlight/admin/v1/admin.pb.h"

namespace scoutlight {
namespace {

namespace wire = ::scoutlight::admin::v1;
using Stub = wire::AdminService::Stub;

ServingState StateOf(wire::ServingState state) {
  switch (state) {
    case wire::SERVING_STATE_SERVING:
      return ServingState::kServing;
    case wire::SERVING_STATE_READ_ONLY:
      return ServingState::kReadOnly;
    case wire::SERVING_STATE_UNAVAILABLE:
      return ServingState::kUnavailable;
    case wire::SERVING_STATE_DRAINING:
      return ServingState::kDraining;
    default:
      return ServingState::kUnknown;
  }
}

ServerStatus::Store StoreOf(const wire::StoreStatus& store) {
  ServerStatus::Store read{.kind = store.kind(), .oldest_revision = store.oldest_revision(), .leases_max = store.leases_max()};
  if (store.has_leases()) read.leases = store.leases();
  read.members = {store.members().begin(), store.members().end()};
  read.member = store.member();
  read.behind = client::DurationOf(store.behind());
  return read;
}

ServerStatus::Streams StreamsOf(const wire::StreamsStatus& streams) {
  return {.open = streams.open(),
          .open_max = streams.open_max(),
          .watch_streams = streams.watch_streams(),
          .watches = streams.watches(),
          .watches_behind = streams.watches_behind(),
          .instance_watches = streams.instance_watches(),
          .sessions = streams.sessions()};
}

ServerStatus::Discovery DiscoveryOf(const wire::DiscoveryStatus& discovery) {
  ServerStatus::Discovery read{.ready = discovery.ready(),
                               .loading = discovery.loading(),
                               .revision = discovery.revision(),
                               .guarded_omitted = discovery.guarded_omitted(),
                               .subscribers = discovery.subscribers(),
                               .subscribers_gone = discovery.subscribers_gone(),
                               .subscriptions = discovery.subscriptions(),
                               .drains = discovery.drains(),
                               .resolver_states = discovery.resolver_states()};
  if (discovery.has_totals()) {
    const wire::Totals& totals = discovery.totals();
    read.totals = {totals.clusters(), totals.services(), totals.instances(), totals.resolvable(), totals.held()};
  }
  for (const wire::GuardedService& guarded : discovery.guarded()) {
    read.guarded.push_back({{guarded.cluster(), guarded.service()}, guarded.held(), client::TimeOf(guarded.held_until())});
  }
  return read;
}

}  // namespace

absl::string_view ServingStateText(ServingState state) {
  switch (state) {
    case ServingState::kServing:
      return "SERVING";
    case ServingState::kReadOnly:
      return "READ_ONLY";
    case ServingState::kUnavailable:
      return "UNAVAILABLE";
    case ServingState::kDraining:
      return "DRAINING";
    case ServingState::kUnknown:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

Admin::Admin(Connection connection) : wire_(connection.wire()) {}

absl::StatusOr<ServerStatus> Admin::Status(Timeout timeout) const {
  const absl::StatusOr<wire::StatusResponse> response =
      wire_->Call(&Stub::Status, wire::StatusRequest(), {.timeout = timeout, .repeatable = client::Repeatable::kRead});
  if (!response.ok()) return response.status();
  return ServerStatus{.version = response->version(),
                      .started_at = client::TimeOf(response->started_at()),
                      .uptime = client::DurationOf(response->uptime()),
                      .serving = StateOf(response->state()),
                      .problems = {response->problems().begin(), response->problems().end()},
                      .store = StoreOf(response->store()),
                      .streams = StreamsOf(response->streams()),
                      .discovery = DiscoveryOf(response->discovery()),
                      .limits = {response->limits().begin(), response->limits().end()},
                      .state = {response->revision(), response->store_id()}};
}

absl::StatusOr<BackupSummary> Admin::Backup(absl::FunctionRef<absl::Status(absl::string_view)> sink, Timeout timeout) const {
  // The next one's if this server does not answer.
  if (const absl::StatusOr<ServerStatus> found = Status(timeout); !found.ok()) return found.status();
  const std::unique_ptr<client::PacedReader<wire::BackupResponse>> reader = wire_->ReadBackup();
  BackupCheck check;
  for (;;) {
    absl::StatusOr<std::optional<wire::BackupResponse>> piece = reader->Next(timeout.value_or(wire_->timeout()));
    if (!piece.ok()) return piece.status();
    if (!piece->has_value()) return check.End();
    const std::string& bytes = (*piece)->chunk();
    if (absl::Status damaged = check.Take(bytes); !damaged.ok()) return damaged;
    if (absl::Status full = sink(bytes); !full.ok()) return full;
  }
}

}  // namespace scoutlight
