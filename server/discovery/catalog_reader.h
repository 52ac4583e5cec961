#ifndef SCOUTLIGHT_SERVER_DISCOVERY_CATALOG_READER_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_CATALOG_READER_H_

#include <optional>

#include "absl/status/status.h"
#include "base/clock.h"
#include "discovery/catalog.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "server/discovery/discovery_conversion.h"
#include "server/discovery/resolve_answer.h"
#include "server/discovery/resolver.h"
#include "storage/store.h"

namespace scoutlight::server {

// How long a read may take: so long as limits::kInlineEntriesMax entries take, as on a thread of gRPC's, or as long as it needs.
enum class Effort { kShort, kAny };

// What the calls of DiscoveryService find in a catalog. Each method fills a response, but for revision and store id, or says why it cannot.
// nullopt: it would take more than `effort`, and the response is to be thrown away. Thread-safe; blocks, with Effort::kAny alone, while
// another call makes what a Resolve needs.
class CatalogReader {
 public:
  // All outlive it.
  struct Parts {
    const storage::Store* store = nullptr;
    Resolver* resolver = nullptr;
    Clock* clock = nullptr;
  };
  using Result = std::optional<absl::Status>;

  explicit CatalogReader(Parts parts) : parts_(parts) {}

  Result Read(const NamesSpec& spec, Effort effort, discovery::Catalog* catalog, discovery::v1::ListClustersResponse* response) const;
  Result Read(const NamesSpec& spec, Effort effort, discovery::Catalog* catalog, discovery::v1::ListServicesResponse* response) const;
  Result Read(const InstancesSpec& spec, Effort effort, discovery::Catalog* catalog, discovery::v1::ListInstancesResponse* response) const;
  Result Read(const InstanceSpec& spec, Effort effort, discovery::Catalog* catalog, discovery::v1::GetInstanceResponse* response) const;
  Result Read(const ResolveSpec& spec, Effort effort, discovery::Catalog* catalog, ResolveAnswer* answer) const;
  Result Read(const OverridesSpec& spec, Effort effort, discovery::Catalog* catalog, discovery::v1::ListOverridesResponse* response) const;

 private:
  std::string TokenBehind(const discovery::InstanceName& last, uint64_t query_hash, const discovery::Catalog& catalog) const;

  const Parts parts_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_CATALOG_READER_H_
