#ifndef SCOUTLIGHT_BENCH_WATCH_WIRE_H_
#define SCOUTLIGHT_BENCH_WATCH_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/requests.h"
#include "grpcpp/support/byte_buffer.h"

// The messages of watches and of the puts that they see, for either API. Api::kFloor takes the registry's of WatchForm::kStreamEach.
namespace scoutlight::bench {

// How watches share streams. etcd has one method for the first two forms. kInstances, of the registry alone, are DiscoveryService's: a
// stream each, the key is a service's name, and a put is a StampedUpdateBytes.
enum class WatchForm { kStreamEach, kMultiplexed, kInstances };

struct WatchTarget {
  enum class Extent { kKey, kSubtree };
  std::string key;
  Extent extent = Extent::kKey;
};

// "/package.Service/Method"
std::string WatchMethod(Api api, WatchForm form);
std::string PutMethod(Api api);

// Begins a watch of what happens from now on (kInstances: of the state too, which counts as no news), without heartbeats for an hour, as
// etcd sends none. Watches of one stream have different ids, from 1 on.
grpc::ByteBuffer WatchRequestBytes(Api api, WatchForm form, int64_t watch_id, const WatchTarget& target);

// A put whose value, of `value_bytes` (at least 20), begins with the time it was sent.
grpc::ByteBuffer StampedPutBytes(Api api, const std::string& key, size_t value_bytes, absl::Duration sent);

// What came on a stream of watches.
struct WatchNews {
  int watches_started = 0;
  std::vector<absl::Duration> puts_sent;  // The stamp of each put shown, in their order.
};
// kInternal: not a frame of the API, the end of a watch, or a change that is no stamped put.
absl::StatusOr<WatchNews> ParseWatchNews(Api api, WatchForm form, const grpc::ByteBuffer& frame);

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_WATCH_WIRE_H_
