#include "client/gates/nng_connections.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace scoutlight::client {
namespace {

constexpr size_t kPortEnd = 1 + sizeof(uint16_t);

TcpAddress MakeAddress(bool is_v6, uint16_t port, const void* address) {
  std::string bytes(1, is_v6 ? '6' : '4');
  bytes.append(reinterpret_cast<const char*>(&port), sizeof(port));
  bytes.append(static_cast<const char*>(address), is_v6 ? 16 : 4);
  return bytes;
}

std::optional<TcpAddress> AddressOf(const nng_sockaddr& address) {
  if (address.s_family == NNG_AF_INET) return MakeAddress(false, address.s_in.sa_port, &address.s_in.sa_addr);
  if (address.s_family == NNG_AF_INET6) return MakeAddress(true, address.s_in6.sa_port, address.s_in6.sa_addr);
  return std::nullopt;
}

std::optional<TcpAddress> AddressOf(int descriptor, int (*get)(int, sockaddr*, socklen_t*)) {
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

bool IsTcp(int descriptor) {
  int protocol = 0;
  socklen_t bytes = sizeof(protocol);
  return getsockopt(descriptor, SOL_SOCKET, SO_PROTOCOL, &protocol, &bytes) == 0 && protocol == IPPROTO_TCP;
}

bool Listens(int descriptor) {
  int listens = 0;
  socklen_t bytes = sizeof(listens);
  return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &bytes) == 0 && listens != 0;
}

// Whether one who connects to `own` reaches who listens at `listening`, which may stand for all addresses.
bool Covers(const TcpAddress& listening, const TcpAddress& own) {
  const absl::string_view host = absl::string_view(listening).substr(kPortEnd);
  const bool stands_for_all = std::all_of(host.begin(), host.end(), [](char byte) { return byte == '\0'; });
  return stands_for_all ? own.compare(1, sizeof(uint16_t), listening, 1, sizeof(uint16_t)) == 0 : own == listening;
}

// Calls `do_it` with the first descriptor of the process that is so, or with each. It is held meanwhile, and looked at once more: nng may
// close it, and another thread get its number. Whether there is one, also one that cannot be held; nullopt: they cannot be looked through,
// and errno says why.
enum class Which { kFirst, kAll };
std::optional<bool> WithDescriptors(Which which, const std::function<bool(int)>& is_so, const std::function<void(int)>& do_it) {
  const std::unique_ptr<DIR, int (*)(DIR*)> descriptors(opendir("/proc/self/fd"), &closedir);
  if (descriptors == nullptr) return std::nullopt;
  bool found = false;
  while (const dirent* const entry = readdir(descriptors.get())) {
    int descriptor = -1;
    if (!absl::SimpleAtoi(entry->d_name, &descriptor) || !is_so(descriptor)) continue;
    found = true;
    const int held = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (held < 0) continue;
    const bool is_still = is_so(held);
    if (is_still) do_it(held);
    close(held);
    if (is_still && which == Which::kFirst) break;
  }
  return found;
}

// For systems that let only the privileged attach filters: packets that have been forwarded, or begin with fewer hops to go than any may
// have, are dropped. By default all begin with 64.
bool TakeFromNearest(int descriptor) {
  const int hops = 255;
  const bool v4 = setsockopt(descriptor, IPPROTO_IP, IP_MINTTL, &hops, sizeof(hops)) == 0;
  const bool v6 = setsockopt(descriptor, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &hops, sizeof(hops)) == 0;
  return v4 || v6;
}

// Undoes either for a connection, which has taken it over from its listener. The filter lets no handshake end but one whose last packet has
// just passed it, on another processor.
void TakeFromAnywhere(int connection) {
  const int none = 0;
  static_cast<void>(setsockopt(connection, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)));
  static_cast<void>(setsockopt(connection, IPPROTO_IP, IP_MINTTL, &none, sizeof(none)));
  static_cast<void>(setsockopt(connection, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &none, sizeof(none)));
}

}  // namespace

std::optional<TcpAddress> ListeningAddress(nng_listener listener) {
  nng_sockaddr address;
  if (nng_listener_get_addr(listener, NNG_OPT_LOCADDR, &address) != 0) return std::nullopt;
  return AddressOf(address);
}

bool StopAccepting(const TcpAddress& listening) {
  // shutdown(2) would do it too, but nng would ask for the next connection without end.
  sock_filter drop_all[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  const sock_fprog program = {.len = 1, .filter = drop_all};
  bool stopped = false;
  static_cast<void>(WithDescriptors(
      Which::kFirst, [&listening](int descriptor) { return AddressOf(descriptor, &getsockname) == listening && Listens(descriptor); },
      [&](int descriptor) {
        stopped = setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0 || TakeFromNearest(descriptor);
      }));
  return stopped;
}

bool TakeInAccepted(const TcpAddress& listening) {
  const auto is_accepted = [&listening](int descriptor) {
    // First what tells most descriptors apart: it is asked of each.
    const std::optional<TcpAddress> own = AddressOf(descriptor, &getsockname);
    return own.has_value() && Covers(listening, *own) && AddressOf(descriptor, &getpeername).has_value() && IsTcp(descriptor);
  };
  const std::optional<bool> has = WithDescriptors(Which::kAll, is_accepted, &TakeFromAnywhere);
  // Where there is no such folder nobody can tell; where it cannot be opened just now there may be somebody.
  return has.has_value() ? *has : errno == EMFILE || errno == ENFILE || errno == ENOMEM;
}

}  // namespace scoutlight::client
