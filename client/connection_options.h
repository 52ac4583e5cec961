#ifndef SCOUTLIGHT_CLIENT_CONNECTION_OPTIONS_H_
#define SCOUTLIGHT_CLIENT_CONNECTION_OPTIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace scoutlight {

// What TLS needs, in PEM.
struct TlsCredentials {
  std::string root_ca;            // Whose certificates are trusted; empty: those that the system trusts.
  std::string certificate_chain;  // The client's own, and those that lead to its root; empty: it shows none.
  std::string private_key;        // Of `certificate_chain`, and only with it.
};

struct ConnectionOptions {
  // "host:port", 1 to 16 servers over one store: the first that answers is used, the next when it does not any more. IPv6 as "[::1]:7400".
  std::vector<std::string> endpoints = {"127.0.0.1:7400"};
  // Empty: plain text.
  std::optional<TlsCredentials> tls;
  // How long a call may take, its repetitions together, where it says nothing of its own: 1 ms to 10 min.
  absl::Duration timeout = absl::Seconds(5);
};

// How long a call may take with its repetitions: 1 ms to 30 min; nullopt: ConnectionOptions::timeout.
using Timeout = std::optional<absl::Duration>;

// kInvalidArgument: every violated field of `options`.
absl::Status CheckOptions(const ConnectionOptions& options);

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_CONNECTION_OPTIONS_H_
