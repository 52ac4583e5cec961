#ifndef SCOUTLIGHT_CLI_NETWORK_PLACES_H_
#define SCOUTLIGHT_CLI_NETWORK_PLACES_H_

#include <sys/socket.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace scoutlight::cli {

// The address that this machine has on its way to `endpoint` (HOST:PORT): where those find it who find the registry. Sends nothing.
// kUnavailable: the name is unknown, or there is no way. Blocks, for as long as the name is looked up.
absl::StatusOr<std::string> OwnAddressTowards(absl::string_view endpoint);

// Where a service listens, or will.
class PortProbe {
 public:
  // Blocks, for as long as the name is looked up. kUnavailable: it is unknown.
  static absl::StatusOr<PortProbe> For(const std::string& host, int port);

  // Whether somebody accepts connections at one of the addresses, of which the first kAddressesMax are tried. Blocks, for at most
  // kConnectTimeout each.
  bool Accepts() const;

  static constexpr size_t kAddressesMax = 4;
  static constexpr absl::Duration kConnectTimeout = absl::Milliseconds(100);

 private:
  struct Address {
    sockaddr_storage bytes;
    socklen_t size;
  };
  explicit PortProbe(std::vector<Address> addresses) : addresses_(std::move(addresses)) {}
  static bool AcceptsAt(const Address& address);

  std::vector<Address> addresses_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_NETWORK_PLACES_H_
