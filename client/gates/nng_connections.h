#ifndef SCOUTLIGHT_CLIENT_GATES_NNG_CONNECTIONS_H_
#define SCOUTLIGHT_CLIENT_GATES_NNG_CONNECTIONS_H_

#include <vector>

namespace scoutlight::client {

// Ends the TCP connections of these pipes of nng, both ways, as if their peers had hung up; what was sent is still delivered. And no other
// is accepted at `listening_port` of this process; 0: nothing. nng notices by itself, and lets go of them. Other transports: nothing. nng
// tells no descriptors, so the process's are looked through (proc(5)) for those with the same addresses. Thread-safe.
void HangUp(const std::vector<int>& pipes, int listening_port);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_NNG_CONNECTIONS_H_
