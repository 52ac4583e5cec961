#include "client/gates/gate_link.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "base/shown.h"
#include "client/events/thread_end.h"
#include "client/events/try_thread.h"

namespace scoutlight::client {
namespace {

absl::string_view KindText(GateKind kind) {
  switch (kind) {
    case GateKind::kOut:
      return "out gate";
    case GateKind::kIn:
      return "in gate";
    default:
      return "in-out gate";
  }
}

std::optional<LinkType> DefaultOf(GateKind kind) {
  if (kind == GateKind::kOut) return LinkType::kPush;
  if (kind == GateKind::kIn) return LinkType::kPull;
  return std::nullopt;
}

// An address as sockets take it: a port, even if it is none.
std::string AddressText(const discovery::Url& address) {
  std::string text = discovery::UrlText(address);
  if (address.scheme == "tcp" && address.port == 0) text += ":0";
  return text;
}

GateLink LinkOfIn(const topology::InLink& in) {
  GateLink link = {.type = in.type, .delivery = in.delivery, .advertise = in.advertise, .port_is_fixed = in.port_is_fixed};
  for (const discovery::Url& address : in.addresses) link.addresses.push_back(AddressText(address));
  return link;
}

GateLink LinkOfOut(const topology::OutLink& out) {
  return {.type = out.type, .delivery = out.delivery, .service = out.service, .to_queue = out.to_queue};
}

absl::Status NoSuchQueue(const topology::ServiceLinks& links, absl::string_view service, absl::string_view queue, GateKind kind) {
  std::vector<std::string> known;
  const auto add = [&](const std::string& name, LinkType type) {
    known.push_back(absl::StrCat(name, " (", topology::LinkTypeText(type), ")"));
  };
  for (const topology::OutLink& out : links.out) add(out.queue, out.type);
  for (const topology::InLink& in : links.in) add(in.queue, in.type);
  return MakeError(absl::StatusCode::kNotFound,
                   absl::StrCat("service ", Shown(service), " has no queue ", Shown(queue), " that is an ", KindText(kind), "; it has ",
                                known.empty() ? "none" : absl::StrJoin(known, ", ")),
                   {.resource = std::string(queue)});
}

}  // namespace

absl::StatusOr<GateLink> FindLink(const topology::Topology& topology, absl::string_view service, absl::string_view queue, GateKind kind) {
  const auto links = topology.services.find(service);
  if (links == topology.services.end()) {
    return MakeError(absl::StatusCode::kNotFound,
                     absl::StrCat("the topology has no service ", Shown(service), "; it has ",
                                  absl::StrJoin(topology.services, ", ", [](std::string* out, const auto& known) { *out += known.first; })),
                     {.reason = Reason::kServiceNotFound, .resource = std::string(service)});
  }
  const topology::OutLink* out = links->second.FindOut(queue);
  const topology::InLink* in = links->second.FindIn(queue);
  if (out != nullptr && KindOf(out->type) != kind) out = nullptr;
  if (in != nullptr && KindOf(in->type) != kind) in = nullptr;
  if (in != nullptr && (out == nullptr || kind == GateKind::kIn)) return LinkOfIn(*in);
  if (out != nullptr) return LinkOfOut(*out);
  return NoSuchQueue(links->second, service, queue, kind);
}

bool SaysLink(const GateOptions& options) { return !options.service.empty() || !options.endpoints.empty() || !options.addresses.empty(); }

absl::StatusOr<GateLink> LinkOf(const GateOptions& options, GateKind kind) {
  std::vector<FieldViolation> wrong;
  if (!options.service.empty() + !options.endpoints.empty() + !options.addresses.empty() > 1) {
    wrong.push_back({"service", "is one of three of which a gate has one: service, endpoints, addresses"});
  }
  const std::optional<LinkType> type = options.type.has_value() ? options.type : DefaultOf(kind);
  if (!type.has_value()) {
    wrong.push_back({"type", "is missing"});
  } else if (KindOf(*type) != kind) {
    wrong.push_back({"type", absl::StrCat("is ", topology::LinkTypeText(*type), ", which is no ", KindText(kind))});
  }
  if (!wrong.empty()) return InvalidFields(Reason::kInvalidField, std::move(wrong));
  return GateLink{.type = *type,
                  .delivery = options.delivery,
                  .service = options.service,
                  .to_queue = options.queue,
                  .endpoints = options.endpoints,
                  .addresses = options.addresses,
                  .advertise = options.advertise,
                  .port_is_fixed = options.port_is_fixed};
}

std::string AdvertisedUrl(const std::string& bound, const std::string& advertise, const std::string& reached) {
  absl::StatusOr<discovery::Url> url = discovery::ParseUrl(bound);
  if (!url.ok()) return std::string();
  if (url->scheme != "tcp") return bound;
  if (!advertise.empty()) {
    url->host = advertise;
  } else if (url->host == "0.0.0.0" || url->host == "::") {
    url->host = reached;
  }
  return url->host.empty() ? std::string() : discovery::UrlText(*url);
}

std::string FindAddressTowards(const discovery::Url& target) {
  const addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
  addrinfo* found = nullptr;
  if (getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &found) != 0) return std::string();
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  const int descriptor = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return std::string();
  // Connecting a datagram socket chooses the route, and sends nothing (connect(2)).
  sockaddr_storage own = {};
  socklen_t own_bytes = sizeof(own);
  std::string host(NI_MAXHOST, '\0');
  const bool known = connect(descriptor, found->ai_addr, found->ai_addrlen) == 0 &&
                     getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &own_bytes) == 0 &&
                     getnameinfo(reinterpret_cast<sockaddr*>(&own), own_bytes, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) == 0;
  close(descriptor);
  return known ? std::string(host.c_str()) : std::string();
}

std::string AddressTowards(const std::string& host_and_port, absl::Duration timeout,
                           std::function<std::string(const discovery::Url&)> find) {
  const absl::StatusOr<discovery::Url> target = discovery::ParseUrl(absl::StrCat("tcp://", host_and_port));
  if (!target.ok()) return std::string();
  struct Found {
    std::string address;
    ThreadEnd end;
  };
  const auto found = std::make_shared<Found>();
  const bool looks = TryThread([found, find = std::move(find), target = *target] {
    found->address = find(target);
    found->end.Tell();
  });
  return looks && found->end.Await(timeout) ? found->address : std::string();
}

}  // namespace scoutlight::client
