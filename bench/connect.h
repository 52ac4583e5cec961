#ifndef SCOUTLIGHT_BENCH_CONNECT_H_
#define SCOUTLIGHT_BENCH_CONNECT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/channel.h"

namespace scoutlight::bench {

// So many channels to `server` ("host:port", without TLS), each with a connection of its own that stands. Blocks, 10 s for each at most.
// kUnavailable: no connection.
absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> Connect(const std::string& server, int connections);

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_CONNECT_H_
