#include "cli/server_verbs.h"

#include <algorithm>
#include <cstddef>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/entry_records.h"
#include "cli/flags.h"
#include "cli/settings.h"
#include "client/admin.h"
#include "client/connection.h"

namespace scoutlight::cli {
namespace {

using Where = Field::Where;

Json TimeJson(absl::Time time) { return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()); }

Json StoreJson(const ServerStatus::Store& store) {
  Json json = Json::object();
  if (!store.kind.empty()) json["kind"] = store.kind;
  if (store.oldest_revision != 0) json["oldest_revision"] = store.oldest_revision;
  if (store.leases.has_value()) json["leases"] = *store.leases;
  json["leases_max"] = store.leases_max;
  if (!store.members.empty()) {
    json["members"] = store.members;
    json["member"] = store.member;
    json["behind_seconds"] = absl::ToDoubleSeconds(store.behind);
  }
  return json;
}

Json StreamsJson(const ServerStatus::Streams& streams) {
  return {{"open", streams.open},
          {"open_max", streams.open_max},
          {"watch_streams", streams.watch_streams},
          {"watches", streams.watches},
          {"watches_behind", streams.watches_behind},
          {"instance_watches", streams.instance_watches},
          {"sessions", streams.sessions}};
}

std::string ServiceText(const discovery::ServiceName& name) {
  return absl::StrCat(name.cluster == "default" ? "" : absl::StrCat(name.cluster, ":"), name.service);
}

Json DiscoveryJson(const ServerStatus::Discovery& discovery) {
  Json json = {{"ready", discovery.ready}, {"loading", discovery.loading}};
  if (discovery.revision != 0) json["revision"] = discovery.revision;
  if (discovery.totals.has_value()) {
    const ServerStatus::Totals& totals = *discovery.totals;
    json["clusters"] = totals.clusters;
    json["services"] = totals.services;
    json["instances"] = totals.instances;
    json["resolvable"] = totals.resolvable;
    json["held"] = totals.held;
  }
  json["guarded"] = Json::array();
  for (const ServerStatus::Guarded& guarded : discovery.guarded) {
    json["guarded"].push_back({{"cluster", guarded.name.cluster},
                               {"service", guarded.name.service},
                               {"held", guarded.held},
                               {"held_until", TimeJson(guarded.held_until)}});
  }
  json.update(Json{{"guarded_omitted", discovery.guarded_omitted},
                   {"subscribers", discovery.subscribers},
                   {"subscribers_gone", discovery.subscribers_gone},
                   {"subscriptions", discovery.subscriptions},
                   {"drains", discovery.drains},
                   {"resolver_states", discovery.resolver_states}});
  return json;
}

std::string GuardedText(const ServerStatus::Discovery& discovery) {
  std::vector<std::string> texts;
  for (const ServerStatus::Guarded& guarded : discovery.guarded) {
    texts.push_back(absl::StrCat(ServiceText(guarded.name), " (", guarded.held, " held)"));
  }
  if (discovery.guarded_omitted > 0) texts.push_back(absl::StrCat("and ", discovery.guarded_omitted, " more"));
  return texts.empty() ? "-" : absl::StrJoin(texts, ", ");
}

std::string InstancesText(const ServerStatus::Discovery& discovery) {
  if (!discovery.totals.has_value()) return discovery.ready ? "not known" : "are being read";
  const ServerStatus::Totals& totals = *discovery.totals;
  return absl::StrCat(totals.instances, " of ", totals.services, totals.services == 1 ? " service, " : " services, ", totals.resolvable,
                      " resolvable, ", totals.held, " held");
}

std::string StoreText(const ServerStatus::Store& store) {
  if (store.kind.empty()) return "not known";
  if (store.members.empty()) return store.kind;
  const std::string behind = store.behind == absl::ZeroDuration()
                                 ? ""
                                 : absl::StrCat(", ", absl::FormatDuration(absl::Trunc(store.behind, absl::Seconds(1))), " behind");
  return absl::StrCat(store.kind, ", by ", store.member, " of ", store.members.size(), behind);
}

std::string LeasesText(const ServerStatus::Store& store) {
  return absl::StrCat(store.leases.has_value() ? absl::StrCat(*store.leases) : "?", " of ", store.leases_max);
}

Record StatusRecord(const ServerStatus& status, Where limits_where) {
  const ServerStatus::Streams& streams = status.streams;
  const bool serves = status.serving == ServingState::kServing;
  Json limits = Json::object();
  for (const auto& [name, value] : status.limits) limits[name] = value;
  return {
      .name = std::string(ServingStateText(status.serving)),
      .fields = {
          {"state", std::string(ServingStateText(status.serving)), Where::kAlways, std::nullopt, serves ? Colour::kGreen : Colour::kRed},
          {"problems", status.problems, Where::kAlways, status.problems.empty() ? "-" : absl::StrJoin(status.problems, "; "),
           Colour::kYellow},
          {"version", status.version},
          {"started_at", TimeJson(status.started_at)},
          {"uptime", absl::FormatDuration(absl::Trunc(status.uptime, absl::Seconds(1)))},
          {"revision", NumberJson(status.state.revision)},
          {"store_id", status.state.store_id},
          {"store", StoreJson(status.store), Where::kAlways, StoreText(status.store)},
          {"oldest_revision", {}, Where::kAlways, absl::StrCat(status.store.oldest_revision)},
          {"leases", {}, Where::kAlways, LeasesText(status.store)},
          {"streams", StreamsJson(streams), Where::kAlways, absl::StrCat(streams.open, " of ", streams.open_max)},
          {"watches",
           {},
           Where::kAlways,
           absl::StrCat(streams.watches, ", ", streams.watches_behind, " behind; of instances ", streams.instance_watches)},
          {"sessions", {}, Where::kAlways, absl::StrCat(streams.sessions)},
          {"subscribers", {}, Where::kAlways, absl::StrCat(status.discovery.subscribers, ", ", status.discovery.subscribers_gone, " gone")},
          {"discovery", DiscoveryJson(status.discovery), Where::kJson},
          {"instances", {}, Where::kAlways, InstancesText(status.discovery)},
          {"guarded", {}, Where::kAlways, GuardedText(status.discovery)},
          {"limits", std::move(limits), limits_where}}};
}

// A line of several servers.
Record ServerRecord(const std::string& endpoint, const absl::StatusOr<ServerStatus>& status) {
  Record record{.name = endpoint, .fields = {{"endpoint", endpoint}}};
  if (!status.ok()) {
    const std::string message(status.status().message());
    Append({{"state", {}, Where::kAlways, "-", Colour::kRed},
            {"instances", {}, Where::kAlways, "-"},
            {"revision", {}, Where::kAlways, "-"},
            {"version", {}, Where::kWide, "-"},
            {"uptime", {}, Where::kWide, "-"},
            {"store", {}, Where::kWide, "-"},
            {"leases", {}, Where::kWide, "-"},
            {"streams", {}, Where::kWide, "-"},
            {"problems", {}, Where::kAlways, message, Colour::kYellow},
            {"error", {{"code", absl::StatusCodeToString(status.status().code())}, {"message", message}}, Where::kJson}},
           &record);
    return record;
  }
  const auto at = [fields = StatusRecord(*status, Where::kJson).fields](absl::string_view name, Where where) {
    Field field = *std::find_if(fields.begin(), fields.end(), [name](const Field& one) { return one.name == name; });
    field.where = where;
    return field;
  };
  for (const char* shown : {"state", "instances", "revision"}) record.fields.push_back(at(shown, Where::kAlways));
  for (const char* wide : {"version", "uptime", "store", "leases", "streams"}) record.fields.push_back(at(wide, Where::kWide));
  record.fields.push_back(at("problems", Where::kAlways));
  for (const char* rest : {"started_at", "store_id", "discovery", "limits"}) record.fields.push_back(at(rest, Where::kJson));
  return record;
}

bool Serves(const absl::StatusOr<ServerStatus>& status) { return status.ok() && status->serving == ServingState::kServing; }

// Of each endpoint, all asked at a time.
std::vector<absl::StatusOr<ServerStatus>> AskAll(const Settings& settings) {
  std::vector<std::future<absl::StatusOr<ServerStatus>>> asked;
  for (const std::string& endpoint : settings.endpoints) {
    asked.push_back(std::async(std::launch::async, [one = settings, endpoint]() mutable -> absl::StatusOr<ServerStatus> {
      one.endpoints = {endpoint};
      const absl::StatusOr<Connection> connection = Connect(one);
      if (!connection.ok()) return connection.status();
      return Admin(*connection).Status();
    }));
  }
  std::vector<absl::StatusOr<ServerStatus>> answers;
  for (auto& one : asked) answers.push_back(one.get());
  return answers;
}

absl::Status ShowServers(const Settings& settings, Printer* printer) {
  const std::vector<absl::StatusOr<ServerStatus>> answers = AskAll(settings);
  std::vector<Record> records;
  for (size_t i = 0; i < answers.size(); ++i) records.push_back(ServerRecord(settings.endpoints[i], answers[i]));
  printer->List("servers", records, Json::object());
  const auto serving = std::count_if(answers.begin(), answers.end(), Serves);
  if (static_cast<size_t>(serving) == answers.size()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(serving, " of ", answers.size(), " servers serve"));
}

}  // namespace

ServerVerbs::ServerVerbs(CLI::App* app, Verb* chosen) {
  CLI::App* const status =
      app->add_subcommand("status", "whether the server, or each of several, serves, and what it holds; if one does not: exit code 6");
  status->add_flag("--limits", limits_, "every bound that a caller can meet too");
  SetExample(status, "scoutctl status");
  ChooseOnServer(status, this, &ServerVerbs::Status, chosen);
}

absl::Status ServerVerbs::Status(const Call& call) const {
  if (call.settings.endpoints.size() > 1) return ShowServers(call.settings, &call.printer);
  const absl::StatusOr<ServerStatus> status = Admin(call.connection).Status();
  if (!status.ok()) return status.status();
  call.printer.Item(StatusRecord(*status, limits_ ? Where::kAlways : Where::kJson));
  if (status->serving == ServingState::kServing) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("the server does not serve: it is ", ServingStateText(status->serving)));
}

}  // namespace scoutlight::cli
