// Documents of topologies: every out link has its other end, and links written out one by one are the same topology. Input: the document.
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "base/error.h"
#include "tests/fuzz/fuzz_target.h"
#include "topology/topology_diff.h"
#include "topology/topology_document.h"

namespace scoutlight::fuzz {
namespace {

using namespace topology;

void RequireRefusal(const absl::Status& status) {
  Require(status.code() == absl::StatusCode::kInvalidArgument, status.ToString());
  const std::optional<ErrorDetails> details = DetailsOf(status);
  Require(details.has_value() && !details->violations.empty(), "a refusal names fields: ", status.ToString());
  Require(details->violations.size() <= static_cast<size_t>(kMistakesMax), "mistakes are bounded");
  for (const FieldViolation& violation : details->violations) {
    Require(!violation.description.empty(), "a mistake has a reason: ", status.ToString());
  }
}

void CheckInLink(const InLink& link) {
  Require(!link.addresses.empty() && link.addresses.size() <= static_cast<size_t>(kAddressesOfLinkMax), "addresses of ", link.queue);
  const bool may_be_acked = link.type == LinkType::kPull;
  Require(link.delivery == Delivery::kPlain || may_be_acked, "acked delivery of ", link.queue);
}

void CheckOutLink(const Topology& topology, const OutLink& link) {
  const auto service = topology.services.find(link.service);
  Require(service != topology.services.end(), "there is no service ", link.service);
  const InLink* const end = service->second.FindIn(link.to_queue);
  Require(end != nullptr, link.service, " does not wait with ", link.to_queue);
  Require(end->type == ComplementOf(link.type) && ComplementOf(end->type) == link.type, "types of ", link.queue);
  Require(end->delivery == link.delivery, "delivery of ", link.queue);
}

void CheckService(const Topology& topology, const ServiceLinks& links) {
  Require(links.in.size() + links.out.size() <= static_cast<size_t>(kLinksOfServiceMax), "links are bounded");
  std::set<std::string> in, out;
  for (const InLink& link : links.in) {
    Require(link.queue.size() <= kQueueBytesMax && in.insert(link.queue).second, "in links of ", link.queue);
    CheckInLink(link);
  }
  for (const OutLink& link : links.out) {
    Require(link.queue.size() <= kQueueBytesMax && out.insert(link.queue).second, "out links of ", link.queue);
    CheckOutLink(topology, link);
  }
}

// The document with each link as LinkText writes it.
std::string Written(const Topology& topology) {
  nlohmann::json document = nlohmann::json::object();
  for (const auto& [name, links] : topology.services) {
    nlohmann::json& written = document[name]["links"] = nlohmann::json::array();
    for (const InLink& link : links.in) written.push_back(nlohmann::json::parse(LinkText(link)));
    for (const OutLink& link : links.out) written.push_back(nlohmann::json::parse(LinkText(link)));
  }
  return document.dump();
}

}  // namespace

void FuzzTopology(absl::string_view bytes) {
  const absl::StatusOr<Topology> topology = ParseTopology(bytes);
  if (!topology.ok()) return RequireRefusal(topology.status());
  Require(topology->services.size() <= static_cast<size_t>(kServicesMax), "services are bounded");
  for (const auto& [name, links] : topology->services) CheckService(*topology, links);
  Require(DiffTopologies(*topology, *topology).empty(), "a topology differs from itself");
  const std::string written = Written(*topology);
  if (written.size() > kDocumentBytesMax) return;  // What was left to be found takes room.
  const absl::StatusOr<Topology> again = ParseTopology(written);
  Require(again.ok(), written, ": ", again.status().ToString());
  const std::vector<LinkChange> changes = DiffTopologies(*topology, *again);
  Require(changes.empty(), "written as ", written, " it differs in ", changes.empty() ? "" : changes[0].before);
}

}  // namespace scoutlight::fuzz
