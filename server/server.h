#ifndef SCOUTLIGHT_SERVER_SERVER_H_
#define SCOUTLIGHT_SERVER_SERVER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/limits.h"
#include "server/admission.h"
#include "server/discovery/discovery_server.h"
#include "server/health.h"
#include "server/listen_address.h"
#include "server/reflection_service.h"
#include "server/stream_places.h"
#include "server/tls.h"
#include "server/watch/watch_hub.h"
#include "storage/store.h"

namespace grpc {
class Server;
}

namespace scoutlight::server {

class AdminService;
class LeaseService;
class RegistryService;
class TopologyService;

struct ServerOptions {
  ListenAddress listen = {"127.0.0.1", 0};
  std::optional<TlsMaterial> tls;                     // Empty: plain text.
  Authorize authorize;                                // Empty: everybody may do everything.
  absl::Duration health_interval = absl::Seconds(1);  // How often it is looked at who is serving.
  int streams_max = limits::kStreamsMax;              // Of all kinds together, as limits::kStreamsMax.
  std::string store_kind;                             // "rocksdb", "memory": for AdminService/Status.
  DiscoveryOptions discovery;
};

// The gRPC server: every service on one port, over one Store. Thread-safe, but Stop() and the destructor come from one thread.
//
// What one client can take is bounded: limits::kStreamsPerConnectionMax streams a connection, messages of 4 MiB, metadata of 8 KiB, 256
// MiB for all of gRPC's buffers. Compressed messages get UNIMPLEMENTED. Connections that do not answer a ping, or do not speak HTTP/2
// within 5 s, are closed.
class Server {
 public:
  // Serves when it returns. `store` outlives the server, which takes the place of who followed it. kFailedPrecondition, kPermissionDenied,
  // kNotFound, kInvalidArgument: a line that says why it cannot listen and what to do.
  static absl::StatusOr<std::unique_ptr<Server>> Start(storage::Store* store, ServerOptions options);

  // Stops with a grace of zero.
  ~Server();

  // Where it listens, with the actual port.
  const ListenAddress& address() const { return address_; }

  // Health says NOT_SERVING, new calls get UNAVAILABLE, DRAINING, open streams end, no more leases fall due; calls in progress go on. Does
  // not block.
  void BeginDrain();

  // Drains, refuses new calls with UNAVAILABLE for up to 200 ms, waits until every call has ended, and closes the port. Streams and clients
  // that are in the way are cut off after `grace`. Blocks; the store's answers to calls in progress are waited for beyond `grace`. Only the
  // first call does anything.
  void Stop(absl::Duration grace);

  // Of the streams that are open.
  WatchHub::Counts watch_counts() const { return hub_->counts(); }
  // Of how many ServerOptions::streams_max bounds.
  int streams() const { return places_->taken(); }

 private:
  Server(storage::Store* store, ServerOptions options);
  absl::Status Listen(const ServerOptions& options);

  storage::Store& store_;
  ListenAddress address_;
  Admission admission_;
  const std::shared_ptr<StreamPlaces> places_;
  std::unique_ptr<DiscoveryServer> discovery_;
  std::unique_ptr<WatchHub> hub_;
  std::vector<ReflectionService> reflections_;
  std::unique_ptr<RegistryService> registry_;
  std::unique_ptr<LeaseService> leases_;
  std::unique_ptr<TopologyService> topologies_;
  std::unique_ptr<AdminService> admin_;
  std::unique_ptr<grpc::Server> server_;  // Null when stopped.
  std::unique_ptr<Health> health_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_SERVER_H_
