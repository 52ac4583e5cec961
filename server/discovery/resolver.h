#ifndef SCOUTLIGHT_SERVER_DISCOVERY_RESOLVER_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_RESOLVER_H_

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "discovery/filter/filter.h"
#include "discovery/names.h"
#include "discovery/service_snapshot.h"
#include "discovery/strategy/strategy_kind.h"

namespace scoutlight::server {

// What one call asks to pick.
struct PickSpec {
  discovery::ServiceName service;
  discovery::StrategyKind strategy = discovery::StrategyKind::kRoundRobin;
  std::string endpoint;  // Name or scheme that the instance must have; empty: any, or none.
  discovery::Filter filter;
  std::string affinity_key;  // Empty: none.
  std::string zone;          // The caller's; empty: no preference.
  absl::Duration slow_start;
  int subset = 0;             // 0: all.
  std::string subset_caller;  // With `subset`, and only then.
  int count = 1;
};

// Picks instances for callers that keep no state of their own: what a strategy must remember stays here, one state for each (service,
// strategy with its modifiers, filter, endpoint) that is asked for, at most limits::kResolverStatesMax, of which the one goes first that
// was not used for longest, about (a call marks its state, and moves nothing). When a service has changed, the first who asks looks at the
// instances near the changed ones, and makes the strategy's tables of all, if it has some; picks take no lock but two short ones. All
// states together hold at most limits::kResolverCandidatesMax candidates, with the pieces that they lie in, and limits::kResolverRegexesMax
// regular expressions, beside those of the newest state. Thread-safe.
class Resolver {
 public:
  explicit Resolver(uint64_t seed) : seed_(seed) {}

  // From `snapshot`, the newest known of the service. The different ones that the strategy picks one after the other, at most `count`.
  // If none that takes work matches, of those that are held though their owners were lost, and would take work else.
  // kUnavailable, NONE_RESOLVABLE: nobody takes work. kFailedPrecondition, NONE_MATCHES: filter or endpoint exclude all that do.
  // For a thread that may take its time: however many instances that means to look at, and waiting while another call does the same.
  absl::StatusOr<std::vector<discovery::InstancePtr>> Resolve(const PickSpec& spec, const discovery::SnapshotPtr& snapshot, absl::Time now);

  // As Resolve, for a thread that may not. nullopt: it would be work over limits::kInlineEntriesMax instances, or over
  // limits::kInlineRegexWorkMax of the filter's regular expressions, or another call is at it.
  std::optional<absl::StatusOr<std::vector<discovery::InstancePtr>>> TryResolve(const PickSpec& spec,
                                                                                const discovery::SnapshotPtr& snapshot, absl::Time now);

  size_t states() const;

 private:
  struct Choice;
  struct State;
  using StatePtr = std::shared_ptr<State>;

  enum class Among { kLive, kHeld };
  absl::StatusOr<StatePtr> StateFor(const PickSpec& spec, Among among);
  enum class Effort { kShort, kAny };
  // Empty: nobody matches.
  std::optional<absl::StatusOr<std::vector<discovery::InstancePtr>>> PickAmong(Among among, const PickSpec& spec,
                                                                               const discovery::SnapshotPtr& snapshot, absl::Time now,
                                                                               Effort effort);
  std::optional<absl::StatusOr<std::vector<discovery::InstancePtr>>> Resolve(const PickSpec& spec, const discovery::SnapshotPtr& snapshot,
                                                                             absl::Time now, Effort effort);
  // The choice that holds for `snapshot`: the one that is there, or a new one. Null, with Effort::kShort: it would take long.
  std::shared_ptr<Choice> Choose(const discovery::SnapshotPtr& snapshot, absl::Time now, Effort effort, const StatePtr& state);
  std::vector<discovery::InstancePtr> PickFrom(const Choice& choice, const PickSpec& spec, absl::Time now);
  // Counts what `state` holds now.
  void KeepBounds(const StatePtr& state, size_t held);
  // Those not used for longest, until the bounds hold.
  std::vector<StatePtr> DropOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const uint64_t seed_;
  std::atomic<uint64_t> calls_{0};  // Makes each call's randomness differ; orders nothing.

  mutable Mutex mu_;
  int regexes_ ABSL_GUARDED_BY(mu_) = 0;             // In the filters of all states.
  size_t held_ ABSL_GUARDED_BY(mu_) = 0;             // By all states, as counted last.
  std::list<StatePtr> states_ ABSL_GUARDED_BY(mu_);  // The newest first, and those used since they were last.
  absl::flat_hash_map<std::string, StatePtr> by_name_ ABSL_GUARDED_BY(mu_);
  StatePtr newest_ ABSL_GUARDED_BY(mu_);  // Stays.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_RESOLVER_H_
