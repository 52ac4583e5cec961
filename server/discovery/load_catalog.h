#ifndef SCOUTLIGHT_SERVER_DISCOVERY_LOAD_CATALOG_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_LOAD_CATALOG_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "discovery/catalog.h"
#include "discovery/claims.h"
#include "server/discovery/store_reader.h"

namespace scoutlight::server {

// Takes a line about trouble for the operator.
using Warn = std::function<void(absl::string_view)>;

// The schemas and bindings that are stored at the reader's pinned revision, and those that are there from the start. A stored one that
// cannot be read, or does not fit the others, is left out and warned of.
absl::StatusOr<std::shared_ptr<const discovery::Claims>> LoadClaims(StoreReader* reader, const Warn& warn);

// A catalog of the reader's pinned revision. Reads only where the patterns of `claims` may have keys: its cost follows what is there for
// discovery, and the nodes beside the way there.
absl::StatusOr<std::shared_ptr<discovery::Catalog>> LoadCatalog(StoreReader* reader, uint64_t number,
                                                                std::shared_ptr<const discovery::Claims> claims, Revision revision);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_LOAD_CATALOG_H_
