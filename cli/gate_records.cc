#include "cli/gate_records.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "discovery/endpoint.h"
#include "discovery/url.h"
#include "topology/link_type.h"

namespace scoutlight::cli {
namespace {

using topology::InLink;
using topology::OutLink;
using Where = Field::Where;

constexpr absl::string_view kGatePrefix = "gate.";
constexpr absl::string_view kCounters[] = {"sent", "received", "waiting", "unconfirmed"};

struct Gate {
  std::string address;  // Where it is bound; empty: nowhere, as far as is known.
  absl::btree_map<std::string, int64_t> counters;
};
using Gates = absl::btree_map<std::string, Gate>;  // By queue.

Gates GatesOf(const discovery::Instance& instance) {
  Gates gates;
  for (const discovery::Endpoint& endpoint : discovery::ReadEndpoints(instance.properties).endpoints) {
    if (!absl::StartsWith(endpoint.name, kGatePrefix)) continue;
    gates[endpoint.name.substr(kGatePrefix.size())].address = discovery::UrlText(endpoint.url);
  }
  for (const auto& [name, value] : instance.soft.counters) {
    const size_t end = name.rfind('.');
    if (!absl::StartsWith(name, kGatePrefix) || end < kGatePrefix.size()) continue;
    gates[name.substr(kGatePrefix.size(), end - kGatePrefix.size())].counters[name.substr(end + 1)] = value;
  }
  return gates;
}

// What is known of one end of a gate.
struct End {
  absl::string_view end;  // "in", "out"; empty: the topology does not have it.
  std::optional<topology::LinkType> type;
  topology::Delivery delivery = topology::Delivery::kPlain;
  std::string address;
  std::string to_service;
  std::string to_queue;
};

std::string LinkText(const End& end) {
  if (!end.to_service.empty()) return absl::StrCat("-> ", end.to_service, "/", end.to_queue);
  return end.address.empty() ? "-" : end.address;
}

Json OrNull(absl::string_view text) { return text.empty() ? Json() : Json(std::string(text)); }

Record GateRecord(const discovery::Instance& instance, const std::string& queue, const Gate& gate, const End& end) {
  Record record{
      .name = absl::StrCat(instance.name.service, "/", instance.name.id, "/", queue),
      .fields = {
          {"service", instance.name.service}, {"instance", instance.name.id}, {"queue", queue}, {"end", OrNull(end.end), Where::kJson}}};
  const bool linked = end.type.has_value();
  record.fields.push_back({"type", linked ? OrNull(topology::LinkTypeText(*end.type)) : Json()});
  record.fields.push_back({"delivery", linked ? OrNull(topology::DeliveryText(end.delivery)) : Json(), Where::kWide});
  record.fields.push_back({"address", OrNull(end.address), Where::kJson});
  record.fields.push_back({"to_service", OrNull(end.to_service), Where::kJson});
  record.fields.push_back({"to_queue", OrNull(end.to_queue), Where::kJson});
  record.fields.push_back({"link", Json(), Where::kAlways, LinkText(end)});
  for (const absl::string_view counter : kCounters) {
    const auto found = gate.counters.find(counter);
    record.fields.push_back({std::string(counter), found == gate.counters.end() ? Json() : Json(found->second)});
  }
  return record;
}

}  // namespace

std::vector<Record> GateRecords(const discovery::Instance& instance, const topology::Topology& topology) {
  const auto found = topology.services.find(instance.name.service);
  const topology::ServiceLinks links = found == topology.services.end() ? topology::ServiceLinks() : found->second;
  std::vector<Record> records;
  for (const auto& [queue, gate] : GatesOf(instance)) {
    const InLink* const in = links.FindIn(queue);
    const OutLink* const out = links.FindOut(queue);
    const auto add = [&, queue = &queue, gate = &gate](const End& end) { records.push_back(GateRecord(instance, *queue, *gate, end)); };
    if (in != nullptr || !gate.address.empty()) {
      add({.end = "in",
           .type = in == nullptr ? std::nullopt : std::optional(in->type),
           .delivery = in == nullptr ? topology::Delivery::kPlain : in->delivery,
           .address = gate.address});
    }
    if (out != nullptr) {
      add({.end = "out", .type = out->type, .delivery = out->delivery, .to_service = out->service, .to_queue = out->to_queue});
    }
    if (in == nullptr && out == nullptr && gate.address.empty()) add({});
  }
  return records;
}

}  // namespace scoutlight::cli
