#ifndef SCOUTLIGHT_SERVER_IDENTITY_H_
#define SCOUTLIGHT_SERVER_IDENTITY_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace grpc {
class CallbackServerContext;
}

namespace scoutlight::server {

// Who makes a call.
struct Identity {
  // kHost: where the call comes from, which anybody there can say; kCertificate: proved by a client certificate.
  enum class Kind { kHost, kCertificate };

  Kind kind = Kind::kHost;
  std::string name;         // The host's address without port, or the certificate's first SAN.
  uint64_t connection = 0;  // The same for all calls of a connection, not 0; not known after a restart.

  // Text that differs between identities, at most limits::kCallerBytesMax bytes: "host:127.0.0.1", "cert:printer.example".
  std::string Caller() const;
};

Identity IdentityOf(const grpc::CallbackServerContext& context);

// The host in what gRPC calls a peer: "127.0.0.1" of "ipv4:127.0.0.1:7400", "::1" of "ipv6:%5B::1%5D:7400". Other forms stay as they are.
std::string HostOfPeer(absl::string_view peer);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_IDENTITY_H_
