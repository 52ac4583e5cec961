#ifndef SCOUTLIGHT_CLIENT_WIRE_SERVERS_H_
#define SCOUTLIGHT_CLIENT_WIRE_SERVERS_H_

#include <grpcpp/channel.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "client/connection_options.h"
#include "scoutlight/admin/v1/admin.grpc.pb.h"
#include "scoutlight/discovery/v1/discovery.grpc.pb.h"
#include "scoutlight/discovery/v1/registration.grpc.pb.h"
#include "scoutlight/discovery/v1/schema.grpc.pb.h"
#include "scoutlight/registry/v1/lease.grpc.pb.h"
#include "scoutlight/registry/v1/registry.grpc.pb.h"
#include "scoutlight/topology/v1/topology.grpc.pb.h"

namespace scoutlight::client {

// A channel to one server, with a connection of its own, and the services behind it. Thread-safe.
class WireServer {
 public:
  // `address` is "host:port". Connects with the first call.
  WireServer(const std::string& address, const std::optional<TlsCredentials>& tls);

  template <typename Stub>
  Stub& stub() const {
    return *std::get<std::unique_ptr<Stub>>(stubs_);
  }

  // For methods that are called without a stub.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // Whether its connection stands, as far as gRPC knows.
  bool IsConnected() const;

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::tuple<std::unique_ptr<registry::v1::RegistryService::Stub>, std::unique_ptr<registry::v1::LeaseService::Stub>,
                   std::unique_ptr<discovery::v1::DiscoveryService::Stub>, std::unique_ptr<discovery::v1::RegistrationService::Stub>,
                   std::unique_ptr<discovery::v1::SchemaService::Stub>, std::unique_ptr<topology::v1::TopologyService::Stub>,
                   std::unique_ptr<admin::v1::AdminService::Stub>>
      stubs_;
};

// The servers of one Connection, over one store, and which of them is used. Thread-safe.
class Servers {
 public:
  explicit Servers(const ConnectionOptions& options);

  // The number of the one that is believed to answer.
  size_t current() const { return current_.load(std::memory_order_relaxed); }
  std::shared_ptr<const WireServer> at(size_t number) const {
    MutexLock lock(&mu_);
    return servers_[number];
  }
  size_t size() const { return endpoints_.size(); }

  // Number `number` does not answer: the next one is used, unless somebody has moved on already.
  void MoveOnFrom(size_t number) { current_.compare_exchange_strong(number, (number + 1) % size(), std::memory_order_relaxed); }

  // Number `number`, used as `silent`, says nothing on a connection that stands: calls from now on go over another one, unless somebody has
  // done that already. Those that are under way keep theirs. gRPC by itself would go on with it until a ping is not answered, for 13.5 s.
  void Reconnect(size_t number, const std::shared_ptr<const WireServer>& silent);

 private:
  const std::vector<std::string> endpoints_;
  const std::optional<TlsCredentials> tls_;
  mutable Mutex mu_;
  std::vector<std::shared_ptr<const WireServer>> servers_ ABSL_GUARDED_BY(mu_);  // One for each of `endpoints_`.
  std::atomic<size_t> current_ = 0;                                              // Orders nothing.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_SERVERS_H_
