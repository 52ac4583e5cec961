#include "server/identity.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/server_context.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/limits.h"
#include "base/stable_hash.h"

namespace scoutlight::server {
namespace {

// The alternative name that the peer's certificate proves; empty: none. Common names prove nothing since RFC 6125.
std::string CertifiedName(const grpc::AuthContext& auth) {
  if (!auth.IsPeerAuthenticated()) return "";
  const std::vector<grpc::string_ref> names = auth.FindPropertyValues(GRPC_X509_SAN_PROPERTY_NAME);
  return names.empty() ? "" : std::string(names.front().data(), names.front().size());
}

}  // namespace

std::string Identity::Caller() const {
  std::string caller = absl::StrCat(kind == Kind::kCertificate ? "cert:" : "host:", name);
  if (caller.size() <= limits::kCallerBytesMax) return caller;
  const std::string hash = absl::StrCat("#", absl::Hex(StableHash().Add(caller).value(), absl::kZeroPad16));
  caller.resize(limits::kCallerBytesMax - hash.size());
  return caller + hash;
}

Identity IdentityOf(const grpc::CallbackServerContext& context) {
  const std::string peer = context.peer();
  Identity identity;
  identity.connection = std::max<uint64_t>(1, StableHash().Add(peer).value());
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth != nullptr) identity.name = CertifiedName(*auth);
  if (identity.name.empty()) {
    identity.name = HostOfPeer(peer);
  } else {
    identity.kind = Identity::Kind::kCertificate;
  }
  return identity;
}

std::string HostOfPeer(absl::string_view peer) {
  if (!absl::ConsumePrefix(&peer, "ipv4:") && !absl::ConsumePrefix(&peer, "ipv6:")) return std::string(peer);
  std::string host(peer.substr(0, peer.rfind(':')));
  if (absl::StrContains(host, '%')) absl::StrReplaceAll({{"%5B", "["}, {"%5D", "]"}, {"%25", "%"}}, &host);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return host;
}

}  // namespace scoutlight::server
