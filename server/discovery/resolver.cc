#include "server/discovery/resolver.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/strategy/candidate.h"
#include "discovery/strategy/make_strategy.h"
#include "discovery/strategy/picker.h"
#include "discovery/strategy/random.h"

namespace scoutlight::server {
namespace {

using discovery::Candidate;
using discovery::InstancePtr;

// What a filter by age chooses is looked at again after this, though the service has not changed.
constexpr absl::Duration kAgeLook = absl::Seconds(1);

absl::Status NobodyMatches(const PickSpec& spec, const discovery::SnapshotPtr& snapshot) {
  ErrorDetails details;
  details.resource = absl::StrCat(spec.service.cluster, "/", spec.service.service);
  if (snapshot->resolvable() == 0) {
    details.reason = Reason::kNoneResolvable;
    details.retry_after = absl::Seconds(1);
    return MakeError(absl::StatusCode::kUnavailable,
                     absl::StrCat("none of the ", snapshot->size(), " instances of service ", spec.service.service, " takes work"),
                     details);
  }
  details.reason = Reason::kNoneMatches;
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   absl::StrCat(snapshot->resolvable(), " instances of service ", spec.service.service,
                                " take work, but filter or endpoint exclude them"),
                   details);
}

std::string StateName(const PickSpec& spec) {
  // Lengths keep fields apart.
  return absl::StrCat(static_cast<int>(spec.strategy), " ", spec.service.cluster.size(), ":", spec.service.cluster,
                      spec.service.service.size(), ":", spec.service.service, spec.zone.size(), ":", spec.zone, spec.endpoint.size(), ":",
                      spec.endpoint, spec.filter.text());
}

std::optional<discovery::Endpoint> EndpointOf(const discovery::Instance& instance, const std::string& selector) {
  const discovery::Endpoints read = discovery::ReadEndpoints(instance.properties);
  const discovery::Endpoint* const picked = discovery::PickEndpoint(read.endpoints, selector);
  if (picked == nullptr) return std::nullopt;
  return *picked;
}

}  // namespace

// Who takes part, as of one snapshot. Immutable but for the picker, which says of itself how it is used.
struct Resolver::Selection {
  discovery::SnapshotPtr snapshot;
  absl::Time made;
  std::vector<InstancePtr> instances;  // As the candidates.
  std::unique_ptr<discovery::Picker> picker;
};

struct Resolver::State {
  size_t counted = 0;  // Of its candidates, in Resolver::candidates_; under that mutex.
  Mutex mu;
  std::unique_ptr<discovery::Strategy> strategy ABSL_GUARDED_BY(mu);
  std::shared_ptr<Selection> selection ABSL_GUARDED_BY(mu);
};

absl::StatusOr<Resolver::StatePtr> Resolver::StateFor(const PickSpec& spec) {
  std::string name = StateName(spec);
  MutexLock lock(&mu_);
  if (const auto found = places_.find(name); found != places_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
    return recent_.front().second;
  }
  absl::StatusOr<std::unique_ptr<discovery::Strategy>> strategy = discovery::MakeStrategy({.kind = spec.strategy, .zone = spec.zone});
  if (!strategy.ok()) return strategy.status();
  auto state = std::make_shared<State>();
  {
    MutexLock of_state(&state->mu);
    state->strategy = *std::move(strategy);
  }
  recent_.emplace_front(name, state);
  places_[std::move(name)] = recent_.begin();
  return state;
}

void Resolver::KeepBounds(const StatePtr& state, size_t candidates) {
  std::vector<StatePtr> dropped;  // End outside of the lock.
  MutexLock lock(&mu_);
  const auto found = std::find_if(recent_.begin(), recent_.end(), [&](const auto& named) { return named.second == state; });
  // It may have been dropped meanwhile. The one just used is at the front, so this does not look far.
  if (found == recent_.end()) return;
  candidates_ += candidates - state->counted;
  state->counted = candidates;
  while (recent_.size() > 1 && (recent_.size() > static_cast<size_t>(limits::kResolverStatesMax) ||
                                candidates_ > static_cast<size_t>(limits::kResolverCandidatesMax))) {
    StatePtr& last = recent_.back().second;
    candidates_ -= last->counted;
    places_.erase(recent_.back().first);
    dropped.push_back(std::move(last));
    recent_.pop_back();
  }
}

std::shared_ptr<Resolver::Selection> Resolver::Select(const PickSpec& spec, const discovery::SnapshotPtr& snapshot, absl::Time now,
                                                      State* state) {
  MutexLock lock(&state->mu);
  const std::shared_ptr<Selection>& known = state->selection;
  // Another call may have come with a newer one.
  const bool current = known != nullptr && known->snapshot->revision() >= snapshot->revision() &&
                       (known->snapshot == snapshot || known->snapshot->revision() > snapshot->revision());
  if (current && !(spec.filter.uses_age() && now - known->made > kAgeLook)) return known;
  auto selection = std::make_shared<Selection>();
  selection->snapshot = snapshot;
  selection->made = now;
  auto candidates = std::make_shared<discovery::CandidateList>();
  snapshot->ForEachAfter("", [&](const InstancePtr& instance) {
    const bool takes_part = instance->resolvable() && spec.filter.Matches(*instance, now) &&
                            (spec.endpoint.empty() || EndpointOf(*instance, spec.endpoint).has_value());
    if (takes_part) {
      selection->instances.push_back(instance);
      candidates->push_back(discovery::MakeCandidate(*instance));
    }
    return true;
  });
  selection->picker = state->strategy->NewPicker(std::move(candidates));
  state->selection = selection;
  return selection;
}

absl::StatusOr<std::vector<Pick>> Resolver::Resolve(const PickSpec& spec, const discovery::SnapshotPtr& snapshot, absl::Time now) {
  const absl::StatusOr<StatePtr> state = StateFor(spec);
  if (!state.ok()) return state.status();
  const std::shared_ptr<Selection> selection = Select(spec, snapshot, now, state->get());
  if (selection->snapshot == snapshot && selection->made == now) KeepBounds(*state, selection->instances.size());
  discovery::Random random(discovery::MixBits(seed_ + calls_.fetch_add(1, std::memory_order_relaxed)));
  discovery::PickRequest request{.now = now, .random = &random};
  if (!spec.affinity_key.empty()) request.affinity = discovery::HashName(spec.affinity_key);
  std::vector<int> places;
  std::vector<Pick> picks;
  while (static_cast<int>(picks.size()) < spec.count) {
    request.avoid = places;
    const int place = selection->picker->Pick(request);
    if (place == discovery::kNoPick) break;
    places.push_back(place);
    const InstancePtr& instance = selection->instances[place];
    picks.push_back({instance, EndpointOf(*instance, spec.endpoint)});
  }
  if (picks.empty()) return NobodyMatches(spec, snapshot);
  return picks;
}

size_t Resolver::states() const {
  MutexLock lock(&mu_);
  return recent_.size();
}

}  // namespace scoutlight::server
