#ifndef SCOUTLIGHT_BENCH_REQUESTS_H_
#define SCOUTLIGHT_BENCH_REQUESTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "bench/discovery_wire.h"
#include "grpcpp/support/byte_buffer.h"

namespace scoutlight::bench {

// Whose API the load generator speaks. kFloor is an empty handler: it gets the registry's requests and answers with nothing.
enum class Api { kRegistry, kEtcd, kFloor };
// kGetPast reads an older state, kTransact puts several keys at once: the floor takes gets and puts alone. The last three are of discovery,
// which etcd has not; the floor has kResolve alone of them.
enum class Operation { kGet, kPut, kGetPast, kTransact, kResolve, kRegister, kRegisterAll };

// kInvalidArgument: no such name.
absl::StatusOr<Api> ParseApi(absl::string_view name);
absl::StatusOr<Operation> ParseOperation(absl::string_view name);
absl::string_view OperationName(Operation operation);
bool HasOperation(Api api, Operation operation);

// The keys and values of a run: the same bytes for every server. Operations of discovery have the fleet in their place.
struct DataSet {
  int keys = 10'000;
  size_t value_bytes = 128;
  int64_t past_revision = 1;  // That kGetPast reads.
  Fleet fleet;
};

constexpr int kPutsPerTransaction = 10;

// Of a data set. 32 bytes, valid as a registry key and as an etcd key.
std::string KeyOf(int index);
// Above all of them.
extern const char kKeysParent[];

// Everything needed to make one kind of call, for any key, or ten of them (kTransact; what is left behind the last ten is left out),
// service (kResolve), instance (kRegister), thousand of them (kRegisterAll). Serialized before the run, so that the generator takes little
// of the processor that the server needs.
struct Requests {
  std::string method;                  // "/package.Service/Method"
  std::vector<grpc::ByteBuffer> keys;  // One request for each.
  size_t response_bytes_min = 0;       // An answer shorter than this is wrong: it cannot hold the value.
};

// `api` has the operation.
Requests MakeRequests(Api api, Operation operation, const DataSet& data);

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_REQUESTS_H_
