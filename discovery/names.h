#ifndef SCOUTLIGHT_DISCOVERY_NAMES_H_
#define SCOUTLIGHT_DISCOVERY_NAMES_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace scoutlight::discovery {

// One service of one cluster.
struct ServiceName {
  std::string cluster;
  std::string service;

  friend auto operator<=>(const ServiceName&, const ServiceName&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const ServiceName& name) {
    return H::combine(std::move(state), name.cluster, name.service);
  }
};

// One instance of one service.
struct InstanceName {
  std::string cluster;
  std::string service;
  std::string id;

  friend auto operator<=>(const InstanceName&, const InstanceName&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const InstanceName& name) {
    return H::combine(std::move(state), name.cluster, name.service, name.id);
  }
};

// kNotFound, with Reason::kServiceNotFound: it has no instance.
absl::Status ServiceNotFound(const ServiceName& name);

// The functions below answer what is wrong with a name, with limit and value, in words that go on after the field's name ("is empty");
// empty: nothing is wrong. Thread-safe.

// Cluster, service, instance id: one segment of a key (see base/key.h) of at most limits::kNameBytesMax bytes. A cluster or service is
// not `*`, which stands for all of them in bindings; none is `.scoutlight`, the system tree.
std::string ClusterFault(absl::string_view name);
std::string ServiceFault(absl::string_view name);
std::string InstanceIdFault(absl::string_view name);

// A property: one segment of a key of at most limits::kPropertyNameBytesMax bytes.
std::string PropertyNameFault(absl::string_view name);

// A schema: 1 to limits::kNameBytesMax of a-z, A-Z, 0-9, `.`, `_`, `-`. Not `none`, which switches discovery off in bindings, and not
// `.` or `..`.
std::string SchemaNameFault(absl::string_view name);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_NAMES_H_
