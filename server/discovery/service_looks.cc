#include "server/discovery/service_looks.h"

#include <algorithm>

namespace scoutlight::server {

const ServiceLook* ServiceLooks::At(const discovery::ServiceName& service) {
  if (const auto found = looks_.find(service); found != looks_.end()) return &found->second;
  const std::shared_ptr<discovery::Catalog> catalog = catalog_();
  if (catalog == nullptr) return nullptr;
  // Before the snapshot: what came up to here is in it.
  const Revision revision = catalog->revision();
  discovery::SnapshotPtr snapshot = catalog->Find(service.cluster, service.service);
  if (snapshot == nullptr) snapshot = empty_;
  const Revision shown = std::max(revision, snapshot->revision());
  return &looks_.insert({service, {.snapshot = std::move(snapshot), .revision = shown}}).first->second;
}

Revision ServiceLooks::revision() const {
  const std::shared_ptr<discovery::Catalog> catalog = catalog_();
  return catalog == nullptr ? 0 : catalog->revision();
}

}  // namespace scoutlight::server
