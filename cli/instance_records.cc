#include "cli/instance_records.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/entry_records.h"
#include "discovery/url.h"

namespace scoutlight::cli {
namespace {

using discovery::Instance;
using Where = Field::Where;

Json TimeJson(absl::Time time) {
  if (time == absl::InfinitePast()) return {};
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}
Json TimeJson(std::optional<absl::Time> time) { return time.has_value() ? TimeJson(*time) : Json(); }

Json PropertiesJson(const discovery::Properties& properties) {
  Json json = Json::object();
  for (const auto& [name, value] : properties) json[name] = value;
  return json;
}

Json EndpointJson(const discovery::Endpoint& endpoint) {
  Json json = Json::object();
  if (!endpoint.name.empty()) json["name"] = endpoint.name;
  if (!endpoint.url.scheme.empty()) {
    json["url"] = discovery::UrlText(endpoint.url);
    json["protocol"] = endpoint.url.scheme;
  }
  json["host"] = endpoint.url.host;
  if (endpoint.url.port != 0) json["port"] = endpoint.url.port;
  return json;
}

// The URL; without a protocol host and port.
std::string EndpointText(const discovery::Endpoint& endpoint) {
  return endpoint.url.scheme.empty() ? discovery::HostText(endpoint.url) : discovery::UrlText(endpoint.url);
}

Json OverrideJson(const discovery::Override& override) { return JsonOf({.name = "", .fields = OverrideFields(override)}); }

Json SoftJson(const discovery::SoftValues& soft) {
  Json json = Json::object();
  if (soft.load.has_value()) json["load"] = *soft.load;
  if (soft.reliability.has_value()) json["reliability"] = *soft.reliability;
  for (const auto& [name, value] : soft.counters) json["counters"][name] = value;
  return json.empty() ? Json() : json;
}

Json ProblemsJson(const Instance& instance) {
  Json json = Json::array();
  for (const discovery::Problem& problem : instance.problems) {
    json.push_back({{"property", problem.property}, {"message", problem.message}});
  }
  return json.empty() ? Json() : json;
}

// Why it takes no work, or what else is wrong with it.
std::string ProblemsText(const Instance& instance) {
  std::vector<std::string> texts;
  if (instance.override.has_value()) texts.push_back(absl::StrCat("out of service: ", instance.override->reason));
  for (const discovery::Problem& problem : instance.problems) {
    texts.push_back(absl::StrCat(problem.property, problem.property.empty() ? "" : " ", problem.message));
  }
  return texts.empty() ? "-" : absl::StrJoin(texts, "; ");
}

Colour ColourOf(const Instance& instance) {
  if (instance.resolvable()) return Colour::kGreen;
  return instance.status == discovery::Status::kUp ? Colour::kRed : Colour::kYellow;
}

Field StatusField(const Instance& instance) {
  constexpr int kColumnsOfDraining = 8;
  return {"status", std::string(discovery::StatusText(instance.status)), Where::kAlways, std::nullopt, Colour::kNone, kColumnsOfDraining};
}

Field ZoneField(const Instance& instance) {
  const std::string* const zone = discovery::FindProperty(instance.properties, discovery::kZoneProperty);
  return {"zone", {}, Where::kAlways, zone == nullptr ? "-" : *zone};
}

Json EndpointsJson(const std::vector<discovery::Endpoint>& endpoints) {
  Json json = Json::array();
  for (const discovery::Endpoint& endpoint : endpoints) json.push_back(EndpointJson(endpoint));
  return json;
}

std::vector<Field> DetailFields(const Instance& instance) {
  return {{"soft", SoftJson(instance.soft), Where::kJson},
          {"lease_id", LeaseJson(instance.lease_id), Where::kWide},
          {"epoch", NumberJson(instance.epoch), Where::kWide},
          {"create_revision", NumberJson(instance.create_revision), Where::kJson},
          {"mod_revision", NumberJson(instance.mod_revision), Where::kJson},
          {"registered_at", TimeJson(instance.registered_at), Where::kWide},
          {"held_until", TimeJson(instance.held_until), Where::kJson},
          {"override", instance.override.has_value() ? OverrideJson(*instance.override) : Json(), Where::kJson},
          {"problems", ProblemsJson(instance), Where::kAlways, ProblemsText(instance), Colour::kYellow},
          {"properties", PropertiesJson(instance.properties), Where::kWide}};
}

}  // namespace

std::string ShownName(const discovery::InstanceName& name) {
  return absl::StrCat(name.cluster == "default" ? "" : absl::StrCat(name.cluster, ":"), name.service, "/", name.id);
}

std::vector<Field> NameFields(const discovery::InstanceName& name) {
  return {{"cluster", name.cluster, Where::kJson}, {"service", name.service, Where::kJson}, {"id", name.id, Where::kJson}};
}

Record InstanceRecord(const Instance& instance) {
  const std::vector<discovery::Endpoint> endpoints = discovery::ReadEndpoints(instance.properties).endpoints;
  Record record{.name = instance.name.id,
                .fields = {{"cluster", instance.name.cluster, Where::kJson},
                           {"service", instance.name.service, Where::kJson},
                           {"id", instance.name.id},
                           StatusField(instance),
                           {"health", std::string(discovery::HealthText(instance.health))},
                           {"resolvable", instance.resolvable(), Where::kAlways, std::nullopt, ColourOf(instance)},
                           {"endpoint", {}, Where::kAlways, endpoints.empty() ? "-" : EndpointText(endpoints.front())},
                           {"endpoints", EndpointsJson(endpoints), Where::kJson},
                           ZoneField(instance)}};
  Append(DetailFields(instance), &record);
  return record;
}

Record PickRecord(const ResolveResult::Pick& pick) {
  const Instance& instance = pick.instance;
  Field endpoint{"endpoint", {}, Where::kAlways, "-"};
  if (pick.endpoint.has_value()) {
    endpoint.value = EndpointJson(*pick.endpoint);
    endpoint.text = EndpointText(*pick.endpoint);
  }
  return {.name = instance.name.id,
          .fields = {{"cluster", instance.name.cluster, Where::kJson},
                     {"service", instance.name.service, Where::kJson},
                     {"id", instance.name.id},
                     std::move(endpoint),
                     ZoneField(instance),
                     {"status", std::string(discovery::StatusText(instance.status)), Where::kWide},
                     {"health", std::string(discovery::HealthText(instance.health)), Where::kWide},
                     {"properties", PropertiesJson(instance.properties), Where::kWide}}};
}

Record ServiceRecord(const ServiceSummary& service) {
  const Colour colour = service.resolvable == 0 ? Colour::kRed : service.resolvable < service.instances ? Colour::kYellow : Colour::kGreen;
  return {.name = service.name,
          .fields = {{"service", service.name},
                     {"instances", service.instances},
                     {"resolvable", service.resolvable, Where::kAlways, std::nullopt, colour},
                     {"held", service.held, Where::kAlways, std::nullopt, service.held == 0 ? Colour::kNone : Colour::kYellow}}};
}

std::vector<Field> OverrideFields(const discovery::Override& override) {
  return {{"reason", override.reason},
          {"author", override.author},
          {"created_at", TimeJson(override.created_at), Where::kWide},
          {"expires_at", TimeJson(override.expires_at)}};
}

Record LaggardRecord(const DrainReport::Laggard& laggard) {
  return {.name = laggard.subscriber_id, .fields = {{"subscriber", laggard.subscriber_id}, {"peer", laggard.peer}, {"gone", laggard.gone}}};
}

std::string LaggardText(const DrainReport::Laggard& laggard) {
  if (laggard.subscriber_id.empty()) return absl::StrCat("the server at ", laggard.peer, ", which has not answered");
  return absl::StrCat(laggard.subscriber_id, " at ", laggard.peer, laggard.gone ? ", which is gone without goodbye" : "");
}

std::string DrainText(const DrainReport& report) {
  const int laggards = static_cast<int>(report.laggards.size()) + report.laggards_omitted;
  if (report.complete) return "is drained: every subscriber has confirmed";
  // Who subscribed to the server before may not have come back.
  if (laggards == 0) return "is draining: the server has started only now, and does not know yet who may still send it work";
  const auto servers = std::count_if(report.laggards.begin(), report.laggards.end(),
                                     [](const DrainReport::Laggard& laggard) { return laggard.subscriber_id.empty(); });
  const auto subscribers = laggards - servers;
  std::vector<std::string> parts;
  if (subscribers > 0)
    parts.push_back(absl::StrCat(subscribers, subscribers == 1 ? " subscriber has" : " subscribers have", " not confirmed yet"));
  if (servers > 0) parts.push_back(absl::StrCat(servers, servers == 1 ? " server has" : " servers have", " not answered"));
  return absl::StrCat("is draining: ", absl::StrJoin(parts, ", "));
}

absl::Status DrainStatus(const DrainReport& report, absl::Duration timeout) {
  if (report.complete) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat("not confirmed by all within ", absl::FormatDuration(timeout)));
}

std::vector<Field> DrainFields(const DrainReport& report) {
  Json laggards = Json::array();
  for (const DrainReport::Laggard& laggard : report.laggards) laggards.push_back(JsonOf(LaggardRecord(laggard)));
  return {{"complete", report.complete, Where::kJson},
          {"laggards", std::move(laggards), Where::kJson},
          {"laggards_omitted", report.laggards_omitted, Where::kJson},
          {"unconfirmable_watches", report.unconfirmable_watches, Where::kJson},
          {"recent_resolvers", report.recent_resolvers, Where::kJson}};
}

}  // namespace scoutlight::cli
