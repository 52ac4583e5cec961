#ifndef SCOUTLIGHT_CLIENT_GATES_NNG_CONNECTIONS_H_
#define SCOUTLIGHT_CLIENT_GATES_NNG_CONNECTIONS_H_

#include <vector>

namespace scoutlight::client {

// Ends the TCP connections of these pipes of nng, both ways, as if their peers had hung up; what was sent is still delivered. nng notices
// by itself, and lets go of them. Other transports: nothing. nng does not tell a connection's descriptor, so the process's are looked
// through (proc(5)) for the one with the same two addresses. Thread-safe.
void HangUp(const std::vector<int>& pipes);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_NNG_CONNECTIONS_H_
