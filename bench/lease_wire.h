#ifndef SCOUTLIGHT_BENCH_LEASE_WIRE_H_
#define SCOUTLIGHT_BENCH_LEASE_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/requests.h"
#include "grpcpp/support/byte_buffer.h"

// The messages of leases, for either API. Api::kFloor has none of them and must not be passed.
namespace scoutlight::bench {

// How renewals are sent. etcd has streams only.
enum class RenewForm { kUnary, kStream };

// "/package.Service/Method"
std::string GrantMethod(Api api);
std::string RenewMethod(Api api, RenewForm form);

grpc::ByteBuffer GrantRequestBytes(Api api, int64_t lease_id, absl::Duration ttl);
grpc::ByteBuffer PutOnLeaseBytes(Api api, const std::string& key, size_t value_bytes, int64_t lease_id);

// How many leases one message renews at most: 10,000, and 1 with etcd.
int LeasesPerMessageMax(Api api);
// Renews the leases `first` to `first` + `count` - 1.
grpc::ByteBuffer RenewRequestBytes(Api api, RenewForm form, int64_t first, int count);
// How many leases an answer says are renewed. kInternal: not a message of the API, or a lease that is not renewed.
absl::StatusOr<int> ParseRenewals(Api api, RenewForm form, const grpc::ByteBuffer& answer);

// The revision that a put was given. kInternal: not an answer to a put.
absl::StatusOr<int64_t> ParsePutRevision(Api api, const grpc::ByteBuffer& answer);

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_LEASE_WIRE_H_
