#include "client/gates/nng_connections.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <nng/nng.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"

namespace scoutlight::client {
namespace {

// Family, port and address, as bytes.
using Address = std::string;
using Connection = std::pair<Address, Address>;  // Own, peer's.

Address MakeAddress(bool is_v6, uint16_t port, const void* address) {
  std::string bytes(1, is_v6 ? '6' : '4');
  bytes.append(reinterpret_cast<const char*>(&port), sizeof(port));
  bytes.append(static_cast<const char*>(address), is_v6 ? 16 : 4);
  return bytes;
}

std::optional<Address> AddressOf(nng_pipe pipe, const char* which) {
  nng_sockaddr address;
  if (nng_pipe_get_addr(pipe, which, &address) != 0) return std::nullopt;
  if (address.s_family == NNG_AF_INET) return MakeAddress(false, address.s_in.sa_port, &address.s_in.sa_addr);
  if (address.s_family == NNG_AF_INET6) return MakeAddress(true, address.s_in6.sa_port, address.s_in6.sa_addr);
  return std::nullopt;
}

std::optional<Address> AddressOf(int descriptor, int (*get)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage address = {};
  socklen_t bytes = sizeof(address);
  if (get(descriptor, reinterpret_cast<sockaddr*>(&address), &bytes) != 0) return std::nullopt;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return MakeAddress(false, v4.sin_port, &v4.sin_addr);
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    return MakeAddress(true, v6.sin6_port, &v6.sin6_addr);
  }
  return std::nullopt;
}

template <typename From, typename Which>
std::optional<Connection> ConnectionOf(From from, Which own, Which peer) {
  std::optional<Address> at = AddressOf(from, own);
  std::optional<Address> to = AddressOf(from, peer);
  if (!at.has_value() || !to.has_value()) return std::nullopt;
  return Connection(*std::move(at), *std::move(to));
}

bool ListensAt(int descriptor, int port) {
  int listens = 0;
  socklen_t bytes = sizeof(listens);
  if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &bytes) != 0 || listens == 0) return false;
  const std::optional<Address> address = AddressOf(descriptor, &getsockname);
  const uint16_t wanted = htons(static_cast<uint16_t>(port));
  return address.has_value() && std::memcmp(address->data() + 1, &wanted, sizeof(wanted)) == 0;
}

// Whether it is one of `connections`, or listens at `listening_port`.
bool IsOurs(int descriptor, const absl::flat_hash_set<Connection>& connections, int listening_port) {
  const auto connection = ConnectionOf(descriptor, &getsockname, &getpeername);
  if (connection.has_value()) return connections.contains(*connection);
  return listening_port != 0 && ListensAt(descriptor, listening_port);
}

}  // namespace

void HangUp(const std::vector<int>& pipes, int listening_port) {
  absl::flat_hash_set<Connection> connections;
  for (const int id : pipes) {
    const nng_pipe pipe = {static_cast<uint32_t>(id)};
    if (auto connection = ConnectionOf(pipe, NNG_OPT_LOCADDR, NNG_OPT_REMADDR); connection.has_value()) {
      connections.insert(*std::move(connection));
    }
  }
  if (connections.empty() && listening_port == 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> descriptors(opendir("/proc/self/fd"), &closedir);
  if (descriptors == nullptr) return;
  while (const dirent* const entry = readdir(descriptors.get())) {
    int descriptor = -1;
    if (!absl::SimpleAtoi(entry->d_name, &descriptor)) continue;
    if (!IsOurs(descriptor, connections, listening_port)) continue;
    // nng may close it meanwhile, and another thread get its number: so it is held, and looked at once more.
    const int held = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (held < 0) continue;
    if (IsOurs(held, connections, listening_port)) shutdown(held, SHUT_RDWR);
    close(held);
  }
}

}  // namespace scoutlight::client
