#ifndef SCOUTLIGHT_SERVER_LISTEN_ADDRESS_H_
#define SCOUTLIGHT_SERVER_LISTEN_ADDRESS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace scoutlight::server {

// Where the server listens.
struct ListenAddress {
  std::string host;   // A name or an address, IPv6 without brackets.
  uint16_t port = 0;  // 0: any free one.

  // "127.0.0.1:7400", "[::1]:7400".
  std::string ToString() const;

  // Whether only this machine can reach it: 127.0.0.0/8, ::1, "localhost".
  bool IsLoopback() const;
};

// Reads "HOST:PORT" or "[IPV6]:PORT". kInvalidArgument says what is wrong.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

// Tries to bind `address`, to learn why gRPC, which does not tell, could not. Blocks for a name look-up. kFailedPrecondition,
// kPermissionDenied, kNotFound: a line that says what is wrong and what to do.
absl::Status TryBind(const ListenAddress& address);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_LISTEN_ADDRESS_H_
