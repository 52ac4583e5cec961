#include "server/discovery/recent_resolvers.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"

namespace scoutlight::server {

RecentResolvers::RecentResolvers(Clock* clock, int pairs_max)
    : clock_(*clock), pairs_per_shard_max_(std::max<size_t>(1, static_cast<size_t>(pairs_max) / kShards)) {}

void RecentResolvers::Note(const discovery::ServiceName& service, const Identity& identity, absl::FunctionRef<bool()> exists) {
  const uint64_t caller = absl::HashOf(static_cast<int>(identity.kind), identity.name);
  const int64_t second = absl::ToInt64Seconds(clock_.SinceBoot());
  const uint64_t pair = absl::HashOf(service, caller);
  std::atomic<uint64_t>& noted = noted_[pair / kShards % kNoted];
  const uint64_t now = absl::HashOf(pair, second);
  if (noted.load(std::memory_order_relaxed) == now || !exists()) return;
  NoteInShard(service, caller, second, &shards_[pair % kShards]);
  noted.store(now, std::memory_order_relaxed);
}

void RecentResolvers::NoteInShard(const discovery::ServiceName& service, uint64_t caller, int64_t second, Shard* shard) {
  MutexLock lock(&shard->mu);
  const auto of_service = shard->services.find(service);
  if (of_service != shard->services.end()) {
    if (const auto known = of_service->second.find(caller); known != of_service->second.end()) {
      if (known->second->second >= second) return;
      known->second->second = second;
      shard->by_age.splice(shard->by_age.end(), shard->by_age, known->second);
      return;
    }
  }
  if (shard->pairs == pairs_per_shard_max_) DropOldest(shard);
  const auto named = shard->services.try_emplace(service).first;
  shard->by_age.push_back({.service = &named->first, .caller = caller, .second = second});
  named->second[caller] = std::prev(shard->by_age.end());
  ++shard->pairs;
}

void RecentResolvers::DropOldest(Shard* shard) {
  const Pair oldest = shard->by_age.front();
  const auto of_service = shard->services.find(*oldest.service);
  of_service->second.erase(oldest.caller);
  if (of_service->second.empty()) shard->services.erase(of_service);
  shard->by_age.pop_front();
  --shard->pairs;
}

int RecentResolvers::Count(const discovery::ServiceName& service) const {
  const int64_t since = absl::ToInt64Seconds(clock_.SinceBoot() - limits::kRecentResolverWindow);
  int64_t count = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(&shard.mu);
    const auto of_service = shard.services.find(service);
    if (of_service == shard.services.end()) continue;
    count += std::count_if(of_service->second.begin(), of_service->second.end(),
                           [since](const auto& caller) { return caller.second->second >= since; });
  }
  return static_cast<int>(count);
}

}  // namespace scoutlight::server
