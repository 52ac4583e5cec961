#include "server/admin/status_report.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/limits.h"
#include "base/limits_table.h"
#include "base/version.h"
#include "server/clean_text.h"
#include "server/discovery/instance_conversion.h"
#include "server/request_fields.h"

namespace scoutlight::server {
namespace {

namespace wire = admin::v1;
using Health = storage::StoreHealth;

int32_t Int32(uint64_t count) { return static_cast<int32_t>(std::min<uint64_t>(count, std::numeric_limits<int32_t>::max())); }

wire::ServingState StateOf(const StatusFacts& facts) {
  if (facts.draining) return wire::SERVING_STATE_DRAINING;
  switch (facts.health.state) {
    case Health::State::kServing:
      return wire::SERVING_STATE_SERVING;
    case Health::State::kReadOnly:
      return wire::SERVING_STATE_READ_ONLY;
    case Health::State::kUnavailable:
      break;
  }
  return wire::SERVING_STATE_UNAVAILABLE;
}

void AddProblem(absl::string_view problem, wire::StatusResponse* out) {
  out->add_problems(CleanText(problem, limits::kErrorMessageBytesMax));
}

void FillProblems(const StatusFacts& facts, wire::StatusResponse* out) {
  if (facts.draining) AddProblem("the server stops", out);
  if (!facts.health.problem.empty()) {
    AddProblem(facts.health.problem, out);
  } else if (facts.health.state != Health::State::kServing) {
    AddProblem("the store is being opened again", out);
  }
  if (facts.store_late) {
    AddProblem(absl::StrCat("the store has not answered a read within ", absl::FormatDuration(facts.answer_within),
                            ": its revisions are not known"),
               out);
  }
  if (!facts.discovery.ready) {
    AddProblem("the instances are being read: discovery answers CATALOG_LOADING", out);
  } else if (facts.discovery_late) {
    AddProblem(absl::StrCat("the instances could not be counted within ", absl::FormatDuration(facts.answer_within)), out);
  } else if (!facts.discovery.totals.has_value()) {
    AddProblem("too many long calls of discovery wait: they are refused with OVERLOADED", out);
  }
  if (!facts.discovery.problem.empty()) AddProblem(facts.discovery.problem, out);
}

void FillStore(const StatusFacts& facts, wire::StoreStatus* out) {
  out->set_kind(facts.store_kind);
  out->set_oldest_revision(facts.oldest_revision);
  out->set_leases_max(limits::kLeasesMax);
  if (facts.leases.has_value()) out->set_leases(Int32(*facts.leases));
  if (facts.backend.members.empty()) return;
  for (const std::string& member : facts.backend.members) out->add_members(member);
  out->set_member(facts.backend.member);
  FillDuration(facts.behind, out->mutable_behind());
}

void FillStreams(const StatusFacts& facts, wire::StreamsStatus* out) {
  out->set_open(facts.streams);
  out->set_open_max(facts.streams_max);
  out->set_watch_streams(facts.watches.streams);
  out->set_watches(facts.watches.watches);
  out->set_watches_behind(facts.watches.behind);
  out->set_instance_watches(facts.discovery.watches);
  out->set_sessions(facts.discovery.sessions);
}

void FillTotals(const discovery::Catalog::Totals& totals, wire::DiscoveryStatus* out) {
  wire::Totals* const shown = out->mutable_totals();
  shown->set_clusters(Int32(totals.clusters));
  shown->set_services(Int32(totals.services));
  shown->set_instances(Int32(totals.instances));
  shown->set_resolvable(Int32(totals.resolvable));
  shown->set_held(Int32(totals.held));
  shown->set_unread(Int32(totals.unread));
  for (const auto& guarded : totals.guarded) {
    wire::GuardedService* const service = out->add_guarded();
    service->set_cluster(guarded.service.cluster);
    service->set_service(guarded.service.service);
    service->set_held(Int32(guarded.held));
    FillTime(guarded.held_until, service->mutable_held_until());
  }
  out->set_guarded_omitted(Int32(totals.guarded_omitted));
}

void FillDiscovery(const DiscoveryServer::Figures& figures, wire::DiscoveryStatus* out) {
  out->set_ready(figures.ready);
  out->set_loading(figures.loading);
  out->set_revision(figures.revision);
  if (figures.totals.has_value()) FillTotals(*figures.totals, out);
  out->set_subscribers(figures.subscribers.subscribers);
  out->set_subscribers_gone(figures.subscribers.gone);
  out->set_subscriptions(figures.subscribers.subscriptions);
  out->set_drains(figures.subscribers.drains);
  out->set_resolver_states(Int32(figures.resolver_states));
}

}  // namespace

wire::StatusResponse StatusResponseOf(const StatusFacts& facts) {
  wire::StatusResponse response;
  response.set_version(kVersion);
  FillTime(facts.started_at, response.mutable_started_at());
  FillDuration(facts.uptime, response.mutable_uptime());
  response.set_state(StateOf(facts));
  FillProblems(facts, &response);
  FillStore(facts, response.mutable_store());
  FillStreams(facts, response.mutable_streams());
  FillDiscovery(facts.discovery, response.mutable_discovery());
  for (const limits::NamedLimit& limit : limits::Table()) (*response.mutable_limits())[limit.name] = limit.value;
  response.set_revision(facts.revision);
  response.set_store_id(facts.store_id);
  return response;
}

}  // namespace scoutlight::server
