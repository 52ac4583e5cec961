#include "client/wire/servers.h"

#include <grpc/impl/codegen/grpc_types.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/connect_errno.h"

namespace scoutlight::client {
namespace {

// How soon gRPC connects anew: our own backoff is the slower one.
constexpr absl::Duration kReconnectFirst = absl::Milliseconds(100);
constexpr absl::Duration kReconnectMax = absl::Milliseconds(500);
// How long it takes a try to connect, TLS and the first frame of HTTP/2 too, to count as failed.
constexpr absl::Duration kConnectTimeout = absl::Seconds(2);
// How often a name is looked up at most, while none of its addresses answers.
constexpr absl::Duration kLookupInterval = absl::Seconds(2);
// The server takes a ping each 10 s (server/server.cc); a dead peer is found within 13.5 s.
constexpr absl::Duration kPingAfter = absl::Milliseconds(10'500);
constexpr absl::Duration kPingTimeout = absl::Seconds(3);

int Milliseconds(absl::Duration duration) { return static_cast<int>(absl::ToInt64Milliseconds(duration)); }

grpc::ChannelArguments ChannelArguments() {
  grpc::ChannelArguments arguments;
  // Channels with equal arguments would share a connection, and its bounds.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, Milliseconds(kReconnectFirst));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Milliseconds(kReconnectMax));
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, Milliseconds(kConnectTimeout));
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, Milliseconds(kLookupInterval));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(kPingAfter));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(kPingTimeout));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // How calls are made is this library's to say, not that of a TXT record, nor of http_proxy.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return arguments;
}

std::shared_ptr<grpc::ChannelCredentials> CredentialsOf(const std::optional<TlsCredentials>& tls) {
  if (!tls.has_value()) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = tls->root_ca;
  options.pem_private_key = tls->private_key;
  options.pem_cert_chain = tls->certificate_chain;
  return grpc::SslCredentials(options);
}

std::shared_ptr<grpc::Channel> NewChannel(const std::string& address, const std::optional<TlsCredentials>& tls) {
  KeepErrnoOfConnect();
  return grpc::CreateCustomChannel(absl::StrCat("dns:///", address), CredentialsOf(tls), ChannelArguments());
}

}  // namespace

WireServer::WireServer(const std::string& address, const std::optional<TlsCredentials>& tls)
    : channel_(NewChannel(address, tls)),
      stubs_(registry::v1::RegistryService::NewStub(channel_), registry::v1::LeaseService::NewStub(channel_),
             discovery::v1::DiscoveryService::NewStub(channel_), discovery::v1::RegistrationService::NewStub(channel_),
             discovery::v1::SchemaService::NewStub(channel_), topology::v1::TopologyService::NewStub(channel_),
             admin::v1::AdminService::NewStub(channel_)) {}

bool WireServer::IsConnected() const { return channel_->GetState(/*try_to_connect=*/false) == GRPC_CHANNEL_READY; }

Servers::Servers(const ConnectionOptions& options) : endpoints_(options.endpoints), tls_(options.tls) {
  for (const std::string& address : endpoints_) servers_.push_back(std::make_shared<const WireServer>(address, tls_));
}

void Servers::Reconnect(size_t number, const std::shared_ptr<const WireServer>& silent) {
  // One that is still connecting goes on with that: it has a timeout of its own.
  if (!silent->IsConnected()) return;
  auto anew = std::make_shared<const WireServer>(endpoints_[number], tls_);
  MutexLock lock(&mu_);
  if (servers_[number] == silent) servers_[number] = std::move(anew);
}

}  // namespace scoutlight::client
