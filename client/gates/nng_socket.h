#ifndef SCOUTLIGHT_CLIENT_GATES_NNG_SOCKET_H_
#define SCOUTLIGHT_CLIENT_GATES_NNG_SOCKET_H_

#include "client/events/try_thread.h"
#include "client/gates/socket.h"

namespace scoutlight::client {

// Sockets of nng (nng(7)); nothing but the files nng_* knows that library. Which of the faults of its version 1.5.2 are kept away from,
// and how, stands in docs/decisions/0026-gates.md. They are to be closed before they are dropped, and share the threads on which they
// close. Errors of opening one: kInvalidArgument: an option. kResourceExhausted: no memory, no thread to close it on. `start` is what a
// test replaces.
SocketMaker NngSockets(ThreadStarter start = &TryThread);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_NNG_SOCKET_H_
