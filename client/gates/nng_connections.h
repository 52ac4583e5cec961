#ifndef SCOUTLIGHT_CLIENT_GATES_NNG_CONNECTIONS_H_
#define SCOUTLIGHT_CLIENT_GATES_NNG_CONNECTIONS_H_

#include <nng/nng.h>

#include <optional>
#include <string>

namespace scoutlight::client {

// What nng does not let be done with its TCP connections. It tells no descriptors, so each of these functions looks through the process's
// (proc(5)) for those with the same addresses; where that cannot be read they do nothing. Other transports: nothing. Thread-safe.

// One end of a TCP connection: family, port and address, as bytes.
using TcpAddress = std::string;

// Where a listener that has been started listens; nullopt: not over TCP.
std::optional<TcpAddress> ListeningAddress(nng_listener listener);

// Nobody new connects at `listening` any more, from when this returns: the system drops what would begin a connection, so that who tries
// waits until that is closed, and is refused then. nng notices nothing, and those who are connected go on. False: it could not be done.
bool StopAccepting(const TcpAddress& listening);

// Lets be heard who was in the middle of connecting to `listening` at StopAccepting() and has connected since: what keeps the others off is
// taken over by a connection from its listener, and drops all that its peer sends. To be called again later, for those who have not by now.
// Whether there is a connection that was made to `listening`, also one that nng has no pipe for yet, and one that it is about to close.
bool TakeInAccepted(const TcpAddress& listening);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_NNG_CONNECTIONS_H_
