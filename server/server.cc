#include "server/server.h"

#include <grpc/compression.h>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/limits.h"
#include "server/admin/admin_service.h"
#include "server/lease_service.h"
#include "server/registry_service.h"
#include "server/topology/topology_service.h"

namespace scoutlight::server {
namespace {

constexpr int kMessageBytesMax = 4 * limits::kMiB;
constexpr int kMetadataBytesMax = 8 * limits::kKiB;
constexpr size_t kBufferBytesMax = 256 * limits::kMiB;
constexpr absl::Duration kHandshakeTimeout = absl::Seconds(5);
// Without a call for so long, a connection is closed; a client opens it again with its next call.
constexpr absl::Duration kIdleConnectionMax = absl::Minutes(10);
constexpr absl::Duration kPingAfterIdle = absl::Seconds(30);
constexpr absl::Duration kPingTimeout = absl::Seconds(10);
constexpr absl::Duration kClientPingIntervalMin = absl::Seconds(10);
constexpr int kPingStrikesMax = 2;
// gRPC 1.51 ends a call that comes in after Shutdown() with CANCELLED, which tells a client that it gave up itself. For so long before,
// calls get the answer that they should.
constexpr absl::Duration kDrainNotice = absl::Milliseconds(200);

int Milliseconds(absl::Duration duration) { return static_cast<int>(absl::ToInt64Milliseconds(duration)); }

std::vector<std::string> ServiceNames() {
  std::vector<std::string> names = DiscoveryServer::ServiceNames();
  names.insert(names.end(), {admin::v1::AdminService::service_full_name(), registry::v1::RegistryService::service_full_name(),
                             registry::v1::LeaseService::service_full_name(), topology::v1::TopologyService::service_full_name(),
                             "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"});
  return names;
}

std::shared_ptr<grpc::ServerCredentials> CredentialsOf(const std::optional<TlsMaterial>& tls) {
  if (!tls.has_value()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options(tls->client_ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                                                   : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = tls->client_ca;
  options.pem_key_cert_pairs.push_back({tls->key, tls->certificate});
  return grpc::SslServerCredentials(options);
}

void SetConnectionRules(grpc::ServerBuilder* builder) {
  // By default two servers may share a port, and the kernel splits the clients between them in silence.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits::kStreamsPerConnectionMax);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, Milliseconds(kHandshakeTimeout));
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, Milliseconds(kIdleConnectionMax));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(kPingAfterIdle));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(kPingTimeout));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, Milliseconds(kClientPingIntervalMin));
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, kPingStrikesMax);
  builder->SetMaxReceiveMessageSize(kMessageBytesMax);
  builder->SetMaxSendMessageSize(kMessageBytesMax);
  // gRPC 1.51 inflates a message before it looks at its size: 4 MiB sent become 4 GiB held. So compressed ones are refused unread.
  for (const grpc_compression_algorithm algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    builder->SetCompressionAlgorithmSupportStatus(algorithm, false);
  }
  // The receive limit holds only once a whole message is buffered: this one holds before.
  builder->SetResourceQuota(grpc::ResourceQuota("scoutlight").Resize(kBufferBytesMax));
}

}  // namespace

Server::Server(storage::Store* store, ServerOptions options)
    : store_(*store),
      address_(std::move(options.listen)),
      admission_(std::move(options.authorize)),
      places_(std::make_shared<StreamPlaces>(options.streams_max)) {
  Clock* const clock = options.discovery.clock;
  options.discovery.places = places_;
  discovery_ = std::make_unique<DiscoveryServer>(store, &admission_, std::move(options.discovery));
  hub_ = std::make_unique<WatchHub>(store, WatchHubOptions{.places = places_, .also = discovery_->sink()});
  registry_ = std::make_unique<RegistryService>(store, &admission_, hub_.get());
  leases_ = std::make_unique<LeaseService>(store, &admission_, places_);
  topologies_ = std::make_unique<TopologyService>(
      TopologyService::Parts{.store = store, .admission = &admission_, .hub = hub_.get(), .clock = clock});
  admin_ = std::make_unique<AdminService>(AdminService::Parts{.store = store,
                                                              .admission = &admission_,
                                                              .discovery = discovery_.get(),
                                                              .hub = hub_.get(),
                                                              .clock = clock,
                                                              .places = places_,
                                                              .streams_max = options.streams_max,
                                                              .store_kind = std::move(options.store_kind)});
  reflections_.push_back(NewReflectionV1(ServiceNames()));
  reflections_.push_back(NewReflectionV1Alpha(ServiceNames()));
}

Server::~Server() { Stop(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(storage::Store* store, ServerOptions options) {
  // gRPC keeps errno to itself: ask first. Another process may take the port in between; then the message is less exact.
  if (absl::Status taken = TryBind(options.listen); !taken.ok()) return taken;
  auto server = std::unique_ptr<Server>(new Server(store, options));
  if (absl::Status failed = server->Listen(options); !failed.ok()) return failed;
  return server;
}

absl::Status Server::Listen(const ServerOptions& options) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  SetConnectionRules(&builder);
  int port = 0;
  builder.AddListeningPort(address_.ToString(), CredentialsOf(options.tls), &port);
  builder.RegisterService(registry_.get());
  builder.RegisterService(leases_.get());
  builder.RegisterService(topologies_.get());
  builder.RegisterService(admin_.get());
  for (grpc::Service* service : discovery_->services()) builder.RegisterService(service);
  for (const ReflectionService& reflection : reflections_) builder.RegisterService(reflection.service.get());
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    absl::string_view guess = "the port was just taken";
    if (options.tls.has_value()) guess = "the TLS certificate and key do not fit, or the port was just taken";
    if (options.tls.has_value() && !options.tls->client_ca.empty()) {
      guess = "the TLS certificate and key do not fit, --tls-client-ca holds no certificate, or the port was just taken";
    }
    return absl::FailedPreconditionError(absl::StrCat("cannot listen on ", address_.ToString(), ": ", guess));
  }
  // Not before: a server that cannot listen leaves the store to the one that does.
  discovery_->Start();
  hub_->Start();
  store_.BeginServing();
  address_.port = static_cast<uint16_t>(port);
  discovery_->Join(hub_.get(), address_.ToString());
  const auto store_serves = [this] { return store_.health().state == storage::StoreHealth::State::kServing; };
  const HealthPart registry{.names = {"", registry::v1::RegistryService::service_full_name(),
                                      registry::v1::LeaseService::service_full_name(), topology::v1::TopologyService::service_full_name()},
                            .serving = store_serves};
  const HealthPart discovery{.names = DiscoveryServer::ServiceNames(),
                             .serving = [this, store_serves] { return store_serves() && discovery_->ready(); }};
  // Answers whatever state the rest is in.
  const HealthPart admin{.names = {admin::v1::AdminService::service_full_name()}, .serving = [] { return true; }};
  health_ = std::make_unique<Health>(server_->GetHealthCheckService(), std::vector<HealthPart>{registry, discovery, admin},
                                     options.health_interval);
  return absl::OkStatus();
}

void Server::BeginDrain() {
  admission_.Close();
  // Who is refused cannot renew. A server that never served leaves the leases to the one that does.
  if (health_ != nullptr) {
    store_.EndServing();
    health_->Drain();
  }
  for (const ReflectionService& reflection : reflections_) reflection.streams->Close();
  hub_->Drain(admission_.CheckOpen());
  leases_->Drain();
  admin_->Drain();
  discovery_->Drain(admission_.CheckOpen());
}

void Server::Stop(absl::Duration grace) {
  if (server_ == nullptr) return;
  BeginDrain();
  absl::SleepFor(std::min(grace, kDrainNotice));
  discovery_->EndWaits();
  server_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(grace));
  discovery_->Stop();
  health_.reset();
  server_.reset();
}

}  // namespace scoutlight::server
