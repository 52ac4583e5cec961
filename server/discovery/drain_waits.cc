#include "server/discovery/drain_waits.h"

#include <algorithm>
#include <cstddef>

#include "base/limits.h"

namespace scoutlight::server {
namespace {

// While a drain lingers, who is left is counted so often.
constexpr absl::Duration kLingerLook = absl::Milliseconds(250);
// Of a drain that is followed: what is found then goes to another server.
constexpr absl::Duration kFollowedLook = absl::Seconds(1);

discovery::ServiceName ServiceOf(const discovery::InstanceName& name) { return {name.cluster, name.service}; }

}  // namespace

DrainWaits::Waiting* DrainWaits::Begin(uint64_t number, DrainWait wait, const absl::flat_hash_set<Subscription*>* subscriptions,
                                       absl::Duration now) {
  Waiting& waiting = waits_[number];
  waiting.wait = std::move(wait);
  waiting.deadline = now + waiting.wait.timeout;
  waiting.due = absl::InfiniteDuration();
  by_service_[ServiceOf(waiting.wait.name)].insert(number);
  if (subscriptions != nullptr) {
    for (Subscription* subscription : *subscriptions) {
      if (subscription->views.MayActOn(waiting.wait.name.id, waiting.wait.revision)) waiting.pending.insert(subscription);
    }
  }
  return &waiting;
}

void DrainWaits::Add(uint64_t number, DrainWait wait, const absl::flat_hash_set<Subscription*>* subscriptions, absl::Duration now,
                     Done done) {
  Waiting* const waiting = Begin(number, std::move(wait), subscriptions, now);
  waiting->done = std::move(done);
  Advance(number, waiting, now);
}

void DrainWaits::Follow(uint64_t number, DrainWait wait, const absl::flat_hash_set<Subscription*>* subscriptions, absl::Duration now,
                        Tell tell) {
  Waiting* const waiting = Begin(number, std::move(wait), subscriptions, now);
  waiting->tell = std::move(tell);
  Advance(number, waiting, now);
}

void DrainWaits::HoldUntil(absl::Duration end) {
  if (end <= complete_from_) return;
  complete_from_ = end;
  for (auto& [number, waiting] : waits_) {
    if (waiting.tell && waiting.complete) Reopen(number, &waiting);
  }
}

void DrainWaits::OnAssumed(Subscription* subscription) {
  const auto of_service = by_service_.find(subscription->service);
  if (of_service == by_service_.end()) return;
  for (const uint64_t number : of_service->second) {
    Waiting& waiting = waits_.at(number);
    if (waiting.complete && !waiting.tell) continue;
    waiting.pending.insert(subscription);
    if (waiting.complete) Reopen(number, &waiting);
  }
}

void DrainWaits::Reopen(uint64_t number, Waiting* waiting) {
  waiting->complete = false;
  waiting->phase = Waiting::Phase::kConfirming;
  if (std::exchange(waiting->kept, false)) parts_.end_count(number);
  if (std::exchange(waiting->told, std::nullopt).has_value()) waiting->tell({.settled = false, .outcome = {}});
  SetDue(number, waiting, waiting->pending.empty() ? std::min(waiting->deadline, complete_from_) : waiting->deadline);
}

void DrainWaits::OnConfirmed(Subscription* subscription) { Settle(subscription, false); }

void DrainWaits::OnDropped(Subscription* subscription) { Settle(subscription, true); }

void DrainWaits::Settle(Subscription* subscription, bool dropped) {
  const auto of_service = by_service_.find(subscription->service);
  if (of_service == by_service_.end()) return;
  for (const uint64_t number : of_service->second) {
    Waiting& waiting = waits_.at(number);
    const auto pending = waiting.pending.find(subscription);
    if (pending == waiting.pending.end()) continue;
    if (!dropped && subscription->views.MayActOn(waiting.wait.name.id, waiting.wait.revision)) continue;
    waiting.pending.erase(pending);
    // Looked at by the next Serve().
    if (waiting.pending.empty() && waiting.phase == Waiting::Phase::kConfirming) {
      SetDue(number, &waiting, std::min(waiting.deadline, complete_from_));
    }
  }
}

void DrainWaits::Serve(absl::Duration now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const uint64_t number = due_.begin()->second;
    Advance(number, &waits_.at(number), now);
  }
}

void DrainWaits::Advance(uint64_t number, Waiting* waiting, absl::Duration now) {
  if (waiting->phase == Waiting::Phase::kConfirming) {
    waiting->complete = IsComplete(*waiting, now);
    if (!waiting->complete && now < waiting->deadline) {
      return SetDue(number, waiting, waiting->pending.empty() ? std::min(waiting->deadline, complete_from_) : waiting->deadline);
    }
    if (!waiting->tell) waiting->deadline = now + waiting->wait.linger;
  }
  // Most drains are over with the first count.
  waiting->kept = waiting->phase == Waiting::Phase::kLingering;
  waiting->phase = Waiting::Phase::kCounting;
  SetDue(number, waiting, absl::InfiniteDuration());
  parts_.count_watches(waiting->wait.name, number, waiting->kept ? Parts::Count::kKept : Parts::Count::kOnce);
}

void DrainWaits::Counted(uint64_t number, int watches, absl::Duration now) {
  const auto found = waits_.find(number);
  if (found == waits_.end()) return;
  Waiting& waiting = found->second;
  // One that has been opened again meanwhile will be counted again.
  if (waiting.phase != Waiting::Phase::kCounting) return;
  // Some may have confirmed since it began to count: what it says is of one moment.
  waiting.complete = waiting.complete || IsComplete(waiting, now);
  DrainOutcome outcome{.status = absl::OkStatus(), .complete = waiting.complete, .unconfirmable_watches = watches};
  outcome.recent_resolvers = ResolversOf(waiting, now);
  if (waiting.tell) return TellCounted(number, &waiting, std::move(outcome), now);
  if (waiting.complete && (watches != 0 || outcome.recent_resolvers != 0) && now < waiting.deadline) {
    waiting.phase = Waiting::Phase::kLingering;
    return SetDue(number, &waiting, std::min(waiting.deadline, now + kLingerLook));
  }
  NameLaggards(waiting, &outcome);
  Answer(number, std::move(outcome));
}

void DrainWaits::TellCounted(uint64_t number, Waiting* waiting, DrainOutcome outcome, absl::Duration now) {
  const std::pair<int, int> left{outcome.unconfirmable_watches, outcome.recent_resolvers};
  waiting->phase = waiting->complete ? Waiting::Phase::kLingering : Waiting::Phase::kOver;
  const bool looks_again = waiting->complete && waiting->wait.linger > absl::ZeroDuration() && left != std::pair<int, int>{};
  SetDue(number, waiting, looks_again ? now + kFollowedLook : absl::InfiniteDuration());
  if (waiting->told == left) return;
  waiting->told = left;
  NameLaggards(*waiting, &outcome);
  waiting->tell({.settled = true, .outcome = std::move(outcome)});
}

void DrainWaits::NameLaggards(const Waiting& waiting, DrainOutcome* outcome) {
  for (const Subscription* subscription : waiting.pending) {
    if (outcome->laggards.size() == static_cast<size_t>(limits::kLaggardsMax)) {
      ++outcome->laggards_omitted;
      continue;
    }
    const Subscriber& subscriber = *subscription->subscriber;
    outcome->laggards.push_back({.subscriber_id = subscriber.id, .peer = subscriber.peer, .gone = subscriber.gone});
  }
}

int DrainWaits::ResolversOf(const Waiting& waiting, absl::Duration now) {
  const discovery::ServiceName service = ServiceOf(waiting.wait.name);
  if (!waiting.kept) return parts_.count_resolvers(service);
  Resolvers& known = resolvers_[service];
  const bool is_of_this_look = known.callers != 0 && now - known.counted_at < kLingerLook;
  if (!is_of_this_look || now >= waiting.deadline) known = {.counted_at = now, .callers = parts_.count_resolvers(service)};
  return known.callers;
}

void DrainWaits::End(uint64_t number, const absl::Status& status) {
  if (waits_.contains(number)) Answer(number, {.status = status});
}

void DrainWaits::EndAll(const absl::Status& status) {
  while (!waits_.empty()) Answer(waits_.begin()->first, {.status = status});
}

void DrainWaits::SetDue(uint64_t number, Waiting* waiting, absl::Duration due) {
  due_.erase({waiting->due, number});
  waiting->due = due;
  if (due != absl::InfiniteDuration()) due_.insert({due, number});
}

void DrainWaits::Answer(uint64_t number, DrainOutcome outcome) {
  Waiting ended = Remove(number);
  if (ended.done) std::move(ended.done)(std::move(outcome));
}

DrainWaits::Waiting DrainWaits::Remove(uint64_t number) {
  const auto found = waits_.find(number);
  due_.erase({found->second.due, number});
  if (found->second.kept) parts_.end_count(number);
  const auto of_service = by_service_.find(ServiceOf(found->second.wait.name));
  of_service->second.erase(number);
  if (of_service->second.empty()) {
    resolvers_.erase(of_service->first);
    by_service_.erase(of_service);
  }
  Waiting removed = std::move(found->second);
  waits_.erase(found);
  return removed;
}

}  // namespace scoutlight::server
