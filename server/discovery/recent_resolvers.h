#ifndef SCOUTLIGHT_SERVER_DISCOVERY_RECENT_RESOLVERS_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_RECENT_RESOLVERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/functional/function_ref.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "discovery/names.h"
#include "server/identity.h"

namespace scoutlight::server {

// Who has asked for one of a service's instances lately, to the second. Callers are told apart by a hash of their identity. Thread-safe;
// blocks while another call looks a pair up in the same shard, or Count() goes through the callers of one service there: at most the pairs
// of a shard. A pair that was noted in this second is passed over without a lock, mostly.
class RecentResolvers {
 public:
  // Remembers `pairs_max` pairs of service and caller in 64 shards: of a full shard the one goes that asked longest ago.
  // `clock` outlives it.
  explicit RecentResolvers(Clock* clock, int pairs_max = limits::kRecentResolversMax);

  // `identity` asks for `service` now, if it `exists`: names that nobody has may be any number. That is asked only of a pair that was not
  // noted in this second. Allocates nothing for a pair that is known.
  void Note(const discovery::ServiceName& service, const Identity& identity, absl::FunctionRef<bool()> exists);
  // Different callers that have asked for `service` within limits::kRecentResolverWindow.
  int Count(const discovery::ServiceName& service) const;

 private:
  static constexpr size_t kShards = 64;
  static constexpr size_t kNoted = 32'768;

  struct Pair {
    const discovery::ServiceName* service = nullptr;  // The key in `services`.
    uint64_t caller = 0;
    int64_t second = 0;
  };
  using Pairs = std::list<Pair>;
  struct Shard {
    mutable Mutex mu;
    Pairs by_age ABSL_GUARDED_BY(mu);  // Who asked longest ago comes first.
    size_t pairs ABSL_GUARDED_BY(mu) = 0;
    absl::node_hash_map<discovery::ServiceName, absl::flat_hash_map<uint64_t, Pairs::iterator>> services ABSL_GUARDED_BY(mu);
  };

  void NoteInShard(const discovery::ServiceName& service, uint64_t caller, int64_t second, Shard* shard);
  static void DropOldest(Shard* shard) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard->mu);

  Clock& clock_;
  const size_t pairs_per_shard_max_;
  std::array<Shard, kShards> shards_;
  // Of pairs with the seconds in which they were noted: hashes, each where its pair's hash says, the last of those that share a place.
  // They order nothing: whoever does not see one notes the pair again.
  std::array<std::atomic<uint64_t>, kNoted> noted_{};
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_RECENT_RESOLVERS_H_
