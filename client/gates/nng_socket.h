#ifndef SCOUTLIGHT_CLIENT_GATES_NNG_SOCKET_H_
#define SCOUTLIGHT_CLIENT_GATES_NNG_SOCKET_H_

#include <memory>

#include "absl/status/statusor.h"
#include "client/gates/socket.h"

namespace scoutlight::client {

// A socket of nng (nng(7)); nothing but the files nng_* knows that library. Which of the faults of its version 1.5.2 are kept away from,
// and how, stands in docs/decisions/0026-gates.md. It is to be closed before it is dropped. kInvalidArgument: an option.
// kResourceExhausted: no memory.
absl::StatusOr<std::shared_ptr<Socket>> OpenNngSocket(const SocketOptions& options, SocketEvents* events);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_NNG_SOCKET_H_
