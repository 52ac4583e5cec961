#ifndef SCOUTLIGHT_TOPOLOGY_TOPOLOGY_H_
#define SCOUTLIGHT_TOPOLOGY_TOPOLOGY_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "discovery/url.h"
#include "topology/link_type.h"

namespace scoutlight::topology {

// Of one document.
inline constexpr size_t kDocumentBytesMax = 256 * 1024;
inline constexpr int kServicesMax = 1'000;
inline constexpr int kLinksOfServiceMax = 100;
inline constexpr int kAddressesOfLinkMax = 16;
// So that `endpoint.gate.<queue>` is a property's name.
inline constexpr size_t kQueueBytesMax = 100;
inline constexpr int kMistakesMax = 64;

// The end of a link that waits to be dialled.
struct InLink {
  std::string queue;
  LinkType type = LinkType::kPull;
  // Where to bind: tcp with a host of this machine (0.0.0.0 and :: for all) and a port, 0 for a free one; ipc with a path; inproc with a
  // name. At least one.
  std::vector<discovery::Url> addresses;
  Delivery delivery = Delivery::kPlain;
  // The host that others are to dial, of tcp addresses; empty: the address by which this machine reaches the registry, or the host itself
  // if that does not stand for all.
  std::string advertise;
  // If the port of an address is taken, binding fails; else a free one is taken in its place.
  bool port_is_fixed = false;

  friend bool operator==(const InLink&, const InLink&) = default;
};

// The end that dials: every instance of `service`, where that waits with `to_queue`.
struct OutLink {
  std::string queue;
  LinkType type = LinkType::kPush;
  std::string service;
  std::string to_queue;                  // The other end's queue.
  Delivery delivery = Delivery::kPlain;  // As the other end's.

  friend bool operator==(const OutLink&, const OutLink&) = default;
};

// The links of one service, in order of the document. Within each of both a queue is there once.
struct ServiceLinks {
  std::vector<InLink> in;
  std::vector<OutLink> out;

  // nullptr: there is none. Valid as long as this.
  const InLink* FindIn(absl::string_view queue) const;
  const OutLink* FindOut(absl::string_view queue) const;

  friend bool operator==(const ServiceLinks&, const ServiceLinks&) = default;
};

// Who is linked with whom: what ParseTopology has found right. A plain value.
struct Topology {
  absl::btree_map<std::string, ServiceLinks> services;  // By name.

  friend bool operator==(const Topology&, const Topology&) = default;
};

}  // namespace scoutlight::topology

#endif  // SCOUTLIGHT_TOPOLOGY_TOPOLOGY_H_
