#include "cli/network_places.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace scoutlight::cli {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// At least one.
absl::StatusOr<Addresses> LookUp(const std::string& host, const std::string& port, int kind) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = kind;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host.c_str(), port.c_str(), &wanted, &found);
  if (failed != 0) return absl::UnavailableError(absl::StrCat("cannot look up ", host, ": ", gai_strerror(failed)));
  return Addresses(found, &freeaddrinfo);
}

absl::StatusOr<std::string> OwnNumericAddress(int socket) {
  sockaddr_storage own{};
  socklen_t size = sizeof(own);
  std::array<char, NI_MAXHOST> text;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size) != 0 ||
      getnameinfo(reinterpret_cast<sockaddr*>(&own), size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
    return absl::UnavailableError("the own address cannot be read");
  }
  return std::string(text.data());
}

// TCP connects a port to itself if it happens to be drawn for the asking end too.
bool IsConnectedToItself(int socket) {
  sockaddr_storage own{};
  sockaddr_storage other{};
  socklen_t own_size = sizeof(own);
  socklen_t other_size = sizeof(other);
  return getsockname(socket, reinterpret_cast<sockaddr*>(&own), &own_size) == 0 &&
         getpeername(socket, reinterpret_cast<sockaddr*>(&other), &other_size) == 0 && own_size == other_size &&
         memcmp(&own, &other, own_size) == 0;
}

}  // namespace

absl::StatusOr<std::string> OwnAddressTowards(absl::string_view endpoint) {
  const size_t colon = endpoint.rfind(':');
  if (colon == absl::string_view::npos) return absl::UnavailableError(absl::StrCat(endpoint, " is no HOST:PORT"));
  const absl::string_view host = absl::StripSuffix(absl::StripPrefix(endpoint.substr(0, colon), "["), "]");
  const absl::StatusOr<Addresses> addresses = LookUp(std::string(host), std::string(endpoint.substr(colon + 1)), SOCK_DGRAM);
  if (!addresses.ok()) return addresses.status();
  absl::Status failed = absl::UnavailableError("no address");
  for (const addrinfo* address = addresses->get(); address != nullptr; address = address->ai_next) {
    const int file = socket(address->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (file < 0) continue;
    // Of datagrams it only chooses the way.
    const bool has_way = connect(file, address->ai_addr, address->ai_addrlen) == 0;
    failed = absl::UnavailableError(absl::StrCat("no way to ", endpoint, ": ", strerror(errno)));
    absl::StatusOr<std::string> own = has_way ? OwnNumericAddress(file) : failed;
    close(file);
    if (own.ok()) return own;
  }
  return failed;
}

absl::StatusOr<PortProbe> PortProbe::For(const std::string& host, int port) {
  const absl::StatusOr<Addresses> found = LookUp(host, absl::StrCat(port), SOCK_STREAM);
  if (!found.ok()) return found.status();
  std::vector<Address> addresses;
  for (const addrinfo* one = found->get(); one != nullptr && addresses.size() < kAddressesMax; one = one->ai_next) {
    Address address{};
    address.size = one->ai_addrlen;
    memcpy(&address.bytes, one->ai_addr, address.size);
    addresses.push_back(address);
  }
  return PortProbe(std::move(addresses));
}

bool PortProbe::Accepts() const { return std::any_of(addresses_.begin(), addresses_.end(), AcceptsAt); }

bool PortProbe::AcceptsAt(const Address& address) {
  const int file = socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (file < 0) return false;
  bool accepted = connect(file, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) == 0;
  pollfd connecting{.fd = file, .events = POLLOUT, .revents = 0};
  if (!accepted && errno == EINPROGRESS && poll(&connecting, 1, static_cast<int>(absl::ToInt64Milliseconds(kConnectTimeout))) == 1) {
    int error = 0;
    socklen_t size = sizeof(error);
    accepted = getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
  }
  accepted = accepted && !IsConnectedToItself(file);
  close(file);
  return accepted;
}

}  // namespace scoutlight::cli
