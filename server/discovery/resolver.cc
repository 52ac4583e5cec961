#include "server/discovery/resolver.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/strategy/candidate.h"
#include "discovery/strategy/make_strategy.h"
#include "discovery/strategy/picker.h"
#include "discovery/strategy/random.h"
#include "server/discovery/selection.h"

namespace scoutlight::server {
namespace {

using discovery::InstancePtr;

// What a filter by age chooses is looked at again after this, though the service has not changed.
constexpr absl::Duration kAgeLook = absl::Seconds(1);

absl::Status NobodyMatches(const PickSpec& spec, const discovery::SnapshotPtr& snapshot) {
  ErrorDetails details;
  details.resource = absl::StrCat(spec.service.cluster, "/", spec.service.service);
  if (snapshot->resolvable() == 0) {
    details.reason = Reason::kNoneResolvable;
    details.retry_after = absl::Seconds(1);
    const std::string text = snapshot->size() == 1 ? absl::StrCat("the only instance of service ", spec.service.service, " takes no work")
                                                   : absl::StrCat("none of the ", snapshot->size(), " instances of service ",
                                                                  spec.service.service, " takes work");
    return MakeError(absl::StatusCode::kUnavailable, text, details);
  }
  details.reason = Reason::kNoneMatches;
  const std::string some = snapshot->resolvable() == 1 ? "1 instance" : absl::StrCat(snapshot->resolvable(), " instances");
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("filter or endpoint exclude all that take work, ", some, " of service ", spec.service.service), details);
}

std::string StateName(const PickSpec& spec) {
  // Lengths keep fields apart.
  const std::string modifiers =
      spec.slow_start == absl::ZeroDuration() && spec.subset == 0
          ? ""
          : absl::StrCat(absl::FormatDuration(spec.slow_start), " ", spec.subset, " ", spec.subset_caller.size(), ":", spec.subset_caller);
  return absl::StrCat(static_cast<int>(spec.strategy), " ", modifiers, " ", spec.service.cluster.size(), ":", spec.service.cluster,
                      spec.service.service.size(), ":", spec.service.service, spec.zone.size(), ":", spec.zone, spec.endpoint.size(), ":",
                      spec.endpoint, spec.filter.text());
}

}  // namespace

// Who takes part, as of one snapshot, and who picks of them.
struct Resolver::Choice {
  Selection selection;
  std::unique_ptr<discovery::Picker> picker;  // Says of itself how it is used.
};

struct Resolver::State {
  std::string name;                               // Constant.
  size_t counted = 0;                             // Of what it holds, in Resolver::held_; under that mutex, as the next two.
  bool used = false;                              // Since it was at the front.
  std::list<StatePtr>::iterator place;            // In Resolver::states_.
  Selection::Terms terms;                         // Constant.
  std::unique_ptr<discovery::Strategy> strategy;  // Used by whoever has set `making`.

  Mutex mu;
  CondVar made;
  bool making ABSL_GUARDED_BY(mu) = false;
  std::shared_ptr<Choice> choice ABSL_GUARDED_BY(mu) = std::make_shared<Choice>();

  bool sees_candidates() const { return terms.candidates == Selection::Terms::Candidates::kMade; }
  bool IsCurrent(const discovery::SnapshotPtr& snapshot, absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    const discovery::SnapshotPtr& known = choice->selection.snapshot();
    // Another call may have come with a newer one.
    if (known == nullptr || (known != snapshot && !known->IsNewerThan(*snapshot))) return false;
    // The clock may have been set back.
    return !terms.filter.uses_age() || absl::AbsDuration(now - choice->selection.made()) <= kAgeLook;
  }
  bool IsLong(const discovery::ServiceSnapshot& snapshot) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    size_t work = choice->selection.WorkFor(terms, snapshot);
    // Tables are of all who take part, which are known only then: at most so many.
    if (sees_candidates()) work = std::max(work, std::min(choice->selection.size() + work, snapshot.size()));
    if (work > static_cast<size_t>(limits::kInlineEntriesMax)) return true;
    return terms.filter.regexes() > 0 && choice->selection.RegexWorkFor(terms, snapshot) > limits::kInlineRegexWorkMax;
  }
};

absl::StatusOr<Resolver::StatePtr> Resolver::StateFor(const PickSpec& spec, Among among) {
  std::string name = StateName(spec);
  if (among == Among::kHeld) name.insert(0, "held ");
  std::vector<StatePtr> dropped;  // End outside of the lock.
  MutexLock lock(&mu_);
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    found->second->used = true;
    return found->second;
  }
  absl::StatusOr<std::unique_ptr<discovery::Strategy>> strategy = discovery::MakeStrategy({.kind = spec.strategy,
                                                                                           .slow_start = spec.slow_start,
                                                                                           .subset = spec.subset,
                                                                                           .subset_caller = spec.subset_caller,
                                                                                           .zone = spec.zone});
  if (!strategy.ok()) return strategy.status();
  auto state = std::make_shared<State>();
  state->strategy = *std::move(strategy);
  using Candidates = Selection::Terms::Candidates;
  state->terms = {.filter = spec.filter,
                  .endpoint = spec.endpoint,
                  .candidates = state->strategy->NewPickerOf(0) == nullptr ? Candidates::kMade : Candidates::kLeftOut,
                  // What a zone can carry is told by how many of it are well.
                  .critical = spec.zone.empty() ? Selection::Terms::Critical::kLeftOut : Selection::Terms::Critical::kSeen,
                  .among = among == Among::kHeld ? Selection::Terms::Among::kHeld : Selection::Terms::Among::kLive};
  regexes_ += spec.filter.regexes();
  states_.push_front(state);
  newest_ = state;
  state->place = states_.begin();
  state->name = name;
  by_name_[std::move(name)] = state;
  dropped = DropOldest();
  return state;
}

void Resolver::KeepBounds(const StatePtr& state, size_t held) {
  std::vector<StatePtr> dropped;  // End outside of the lock.
  MutexLock lock(&mu_);
  // It may have been dropped meanwhile.
  const auto found = by_name_.find(state->name);
  if (found == by_name_.end() || found->second != state) return;
  held_ += held - state->counted;
  state->counted = held;
  dropped = DropOldest();
}

std::vector<Resolver::StatePtr> Resolver::DropOldest() {
  std::vector<StatePtr> dropped;
  while (states_.size() > 1 && (states_.size() > static_cast<size_t>(limits::kResolverStatesMax) ||
                                held_ > static_cast<size_t>(limits::kResolverCandidatesMax) || regexes_ > limits::kResolverRegexesMax)) {
    const StatePtr last = states_.back();
    // Each is passed over once at most: then it counts as not used. But for the newest, whose turn comes when the others have had theirs.
    if (std::exchange(last->used, false) || last == newest_) {
      states_.splice(states_.begin(), states_, last->place);
      continue;
    }
    held_ -= last->counted;
    regexes_ -= last->terms.filter.regexes();
    by_name_.erase(last->name);
    states_.pop_back();
    dropped.push_back(last);
  }
  return dropped;
}

std::shared_ptr<Resolver::Choice> Resolver::Choose(const discovery::SnapshotPtr& snapshot, absl::Time now, Effort effort,
                                                   const StatePtr& state) {
  std::shared_ptr<Choice> before;
  {
    MutexLock lock(&state->mu);
    while (true) {
      if (state->IsCurrent(snapshot, now)) return state->choice;
      if (effort == Effort::kShort && (state->making || state->IsLong(*snapshot))) return nullptr;
      if (!state->making) break;
      state->made.Wait(&state->mu);
    }
    state->making = true;
    before = state->choice;
  }
  auto next = std::make_shared<Choice>();
  next->selection = Selection(before->selection, state->terms, snapshot, now);
  next->picker = state->sees_candidates() ? state->strategy->NewPicker(next->selection.Candidates())
                                          : state->strategy->NewPickerOf(static_cast<int>(next->selection.size()));
  {
    MutexLock lock(&state->mu);
    state->making = false;
    state->choice = next;
  }
  state->made.NotifyAll();
  KeepBounds(state, next->selection.held());
  return next;
}

std::vector<InstancePtr> Resolver::PickFrom(const Choice& choice, const PickSpec& spec, absl::Time now) {
  discovery::Random random(discovery::MixBits(seed_ + calls_.fetch_add(1, std::memory_order_relaxed)));
  discovery::PickRequest request{.now = now, .random = &random};
  if (!spec.affinity_key.empty()) request.affinity = discovery::HashName(spec.affinity_key);
  std::vector<int> places;
  std::vector<InstancePtr> picks;
  while (static_cast<int>(picks.size()) < spec.count) {
    request.avoid = places;
    const int place = choice.picker->Pick(request);
    if (place == discovery::kNoPick) break;
    places.push_back(place);
    picks.push_back(choice.selection.At(static_cast<size_t>(place)));
  }
  return picks;
}

std::optional<absl::StatusOr<std::vector<InstancePtr>>> Resolver::PickAmong(Among among, const PickSpec& spec,
                                                                            const discovery::SnapshotPtr& snapshot, absl::Time now,
                                                                            Effort effort) {
  const absl::StatusOr<StatePtr> state = StateFor(spec, among);
  if (!state.ok()) return state.status();
  const std::shared_ptr<Choice> choice = Choose(snapshot, now, effort, *state);
  if (choice == nullptr) return std::nullopt;
  return PickFrom(*choice, spec, now);
}

std::optional<absl::StatusOr<std::vector<InstancePtr>>> Resolver::Resolve(const PickSpec& spec, const discovery::SnapshotPtr& snapshot,
                                                                          absl::Time now, Effort effort) {
  std::optional<absl::StatusOr<std::vector<InstancePtr>>> picks = PickAmong(Among::kLive, spec, snapshot, now, effort);
  const auto nobody = [&picks] { return picks.has_value() && picks->ok() && (*picks)->empty(); };
  if (nobody() && snapshot->held() > 0) picks = PickAmong(Among::kHeld, spec, snapshot, now, effort);
  if (nobody()) return NobodyMatches(spec, snapshot);
  return picks;
}

absl::StatusOr<std::vector<InstancePtr>> Resolver::Resolve(const PickSpec& spec, const discovery::SnapshotPtr& snapshot, absl::Time now) {
  return *Resolve(spec, snapshot, now, Effort::kAny);
}

std::optional<absl::StatusOr<std::vector<InstancePtr>>> Resolver::TryResolve(const PickSpec& spec, const discovery::SnapshotPtr& snapshot,
                                                                             absl::Time now) {
  return Resolve(spec, snapshot, now, Effort::kShort);
}

size_t Resolver::states() const {
  MutexLock lock(&mu_);
  return states_.size();
}

}  // namespace scoutlight::server
