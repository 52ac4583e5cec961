#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SERVICE_LOOKS_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SERVICE_LOOKS_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/entry.h"
#include "discovery/catalog.h"
#include "discovery/names.h"
#include "discovery/service_snapshot.h"

namespace scoutlight::server {

// A service as everybody whom a hub tells of it sees it in one round, whatever is committed meanwhile.
struct ServiceLook {
  discovery::SnapshotPtr snapshot;
  Revision revision = 0;  // Everything up to here is in `snapshot`.
};

// The looks of one round of a hub. Not thread-safe.
class ServiceLooks {
 public:
  // `catalog` gives null while none has been read.
  explicit ServiceLooks(std::function<std::shared_ptr<discovery::Catalog>()> catalog) : catalog_(std::move(catalog)) {}

  // Valid until the next call; null: there is no catalog yet. A change that comes after the round's first look at the service is seen in
  // the next round.
  const ServiceLook* At(const discovery::ServiceName& service);
  // Up to where the catalog has come; 0: there is none.
  Revision revision() const;

  // The next look at this service is a new one.
  void Forget(const discovery::ServiceName& service) { looks_.erase(service); }
  // The next round begins.
  void Clear() { looks_.clear(); }

 private:
  const std::function<std::shared_ptr<discovery::Catalog>()> catalog_;
  const discovery::SnapshotPtr empty_ = std::make_shared<const discovery::ServiceSnapshot>();
  absl::flat_hash_map<discovery::ServiceName, ServiceLook> looks_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SERVICE_LOOKS_H_
