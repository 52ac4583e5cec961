#include "storage/etcd/etcd_members.h"

#include <utility>

#include "base/connect_errno.h"

namespace scoutlight::storage {
namespace {

// etcd closes connections that ping more often than every 5 s.
constexpr int kKeepaliveMs = 6'000;
constexpr int kKeepaliveTimeoutMs = 2'000;
constexpr int kReconnectMinMs = 50;
constexpr int kReconnectMaxMs = 2'000;
// Of one attempt to connect.
constexpr int kConnectMs = 2'000;

std::shared_ptr<grpc::ChannelCredentials> CredentialsOf(const EtcdTls& tls) {
  if (!tls.enabled) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = tls.ca;
  options.pem_cert_chain = tls.certificate;
  options.pem_private_key = tls.key;
  return grpc::SslCredentials(options);
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& endpoint, const EtcdTls& tls) {
  KeepErrnoOfConnect();
  grpc::ChannelArguments arguments;
  // etcd bounds requests, not answers.
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMinMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);
  // Two clients in one process share no connection, so that ending one cannot disturb the other.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(endpoint, CredentialsOf(tls), arguments);
}

}  // namespace

EtcdMembers::EtcdMembers(const EtcdClientOptions& options) {
  for (const std::string& endpoint : options.endpoints) {
    EtcdMember member{.endpoint = endpoint, .channel = MakeChannel(endpoint, options.tls), .kv = {}, .watch = {}, .lease = {}, .auth = {}};
    member.kv = etcdserverpb::KV::NewStub(member.channel);
    member.watch = etcdserverpb::Watch::NewStub(member.channel);
    member.lease = etcdserverpb::Lease::NewStub(member.channel);
    member.auth = etcdserverpb::Auth::NewStub(member.channel);
    members_.push_back(std::move(member));
  }
}

size_t EtcdMembers::in_use() const {
  MutexLock lock(&mu_);
  return in_use_;
}

void EtcdMembers::Leave(size_t index) {
  MutexLock lock(&mu_);
  if (index == in_use_) in_use_ = (in_use_ + 1) % members_.size();
}

}  // namespace scoutlight::storage
