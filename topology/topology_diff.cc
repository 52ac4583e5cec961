#include "topology/topology_diff.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "discovery/url.h"

namespace scoutlight::topology {
namespace {

using Json = nlohmann::ordered_json;

std::string AddressText(const discovery::Url& url) {
  // Port 0 is a free one, which URLs leave out.
  const std::string text = discovery::UrlText(url);
  return url.scheme == "tcp" && url.port == 0 ? absl::StrCat(text, ":0") : text;
}

// What is no UTF-8, which no document has, becomes U+FFFD.
std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

struct LinkKey {
  std::string service;
  LinkEnd end;
  std::string queue;

  friend auto operator<=>(const LinkKey&, const LinkKey&) = default;
};
using Texts = std::pair<std::string, std::string>;
using Links = absl::btree_map<LinkKey, Texts>;

void AddLinks(const Topology& topology, std::string Texts::*text, Links* links) {
  for (const auto& [service, its] : topology.services) {
    for (const InLink& link : its.in) (*links)[{service, LinkEnd::kIn, link.queue}].*text = LinkText(link);
    for (const OutLink& link : its.out) (*links)[{service, LinkEnd::kOut, link.queue}].*text = LinkText(link);
  }
}

}  // namespace

absl::string_view LinkEndText(LinkEnd end) { return end == LinkEnd::kIn ? "in" : "out"; }

std::string LinkText(const InLink& link) {
  Json json;
  for (const discovery::Url& url : link.addresses) json["addresses"].push_back(AddressText(url));
  json["queue"] = link.queue;
  json["type"] = std::string(LinkTypeText(link.type));
  if (link.delivery != Delivery::kPlain) json["delivery"] = std::string(DeliveryText(link.delivery));
  if (!link.advertise.empty()) json["advertise"] = link.advertise;
  if (link.port_is_fixed) json["port"] = "fixed";
  return Dump(json);
}

std::string LinkText(const OutLink& link) {
  Json json;
  json["outgate"] = link.service;
  json["queue"] = link.queue;
  json["to_queue"] = link.to_queue;
  json["type"] = std::string(LinkTypeText(link.type));
  if (link.delivery != Delivery::kPlain) json["delivery"] = std::string(DeliveryText(link.delivery));
  return Dump(json);
}

std::vector<LinkChange> DiffTopologies(const Topology& before, const Topology& after) {
  Links links;
  AddLinks(before, &Texts::first, &links);
  AddLinks(after, &Texts::second, &links);
  std::vector<LinkChange> changes;
  for (auto& [key, texts] : links) {
    if (texts.first == texts.second) continue;
    changes.push_back({key.service, key.end, key.queue, std::move(texts.first), std::move(texts.second)});
  }
  return changes;
}

}  // namespace scoutlight::topology
