#ifndef SCOUTLIGHT_CLIENT_GATES_NNG_PROBLEM_H_
#define SCOUTLIGHT_CLIENT_GATES_NNG_PROBLEM_H_

#include <string>

namespace scoutlight::client {

// What has gone wrong with the attempts of dialer `id` to connect, by nng's statistics: "refused 3 times"; empty: nothing that is counted.
// Thread-safe.
std::string NngDialerProblem(int id);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_NNG_PROBLEM_H_
