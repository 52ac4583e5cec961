#include "server/discovery/drain_waits.h"

#include <cstddef>

#include "base/limits.h"

namespace scoutlight::server {
namespace {

// While a drain lingers, who is left is counted so often.
constexpr absl::Duration kLingerLook = absl::Milliseconds(250);

discovery::ServiceName ServiceOf(const discovery::InstanceName& name) { return {name.cluster, name.service}; }

}  // namespace

void DrainWaits::Add(uint64_t number, DrainWait wait, const absl::flat_hash_set<Subscription*>* subscriptions, absl::Duration now,
                     Done done) {
  Waiting& waiting = waits_[number];
  waiting.wait = std::move(wait);
  waiting.done = std::move(done);
  waiting.deadline = now + waiting.wait.timeout;
  waiting.due = absl::InfiniteDuration();
  by_service_[ServiceOf(waiting.wait.name)].insert(number);
  if (subscriptions != nullptr) {
    for (Subscription* subscription : *subscriptions) {
      if (subscription->views.MayActOn(waiting.wait.name.id, waiting.wait.revision)) waiting.pending.insert(subscription);
    }
  }
  Advance(number, &waiting, now);
}

void DrainWaits::OnAssumed(Subscription* subscription) {
  const auto of_service = by_service_.find(subscription->service);
  if (of_service == by_service_.end()) return;
  for (const uint64_t number : of_service->second) {
    Waiting& waiting = waits_.at(number);
    if (!waiting.complete) waiting.pending.insert(subscription);
  }
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
    waiting->deadline = now + waiting->wait.linger;
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
  // Some may have confirmed since it began to count: what it says is of one moment.
  waiting.complete = waiting.complete || IsComplete(waiting, now);
  DrainOutcome outcome{.status = absl::OkStatus(), .complete = waiting.complete, .unconfirmable_watches = watches};
  outcome.recent_resolvers = ResolversOf(waiting, now);
  if (waiting.complete && (watches != 0 || outcome.recent_resolvers != 0) && now < waiting.deadline) {
    waiting.phase = Waiting::Phase::kLingering;
    return SetDue(number, &waiting, std::min(waiting.deadline, now + kLingerLook));
  }
  for (const Subscription* subscription : waiting.pending) {
    if (outcome.laggards.size() == static_cast<size_t>(limits::kLaggardsMax)) {
      ++outcome.laggards_omitted;
      continue;
    }
    const Subscriber& subscriber = *subscription->subscriber;
    outcome.laggards.push_back({.subscriber_id = subscriber.id, .peer = subscriber.peer, .gone = subscriber.gone});
  }
  Answer(number, std::move(outcome));
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
  const auto found = waits_.find(number);
  due_.erase({found->second.due, number});
  if (found->second.kept) parts_.end_count(number);
  const auto of_service = by_service_.find(ServiceOf(found->second.wait.name));
  of_service->second.erase(number);
  if (of_service->second.empty()) {
    resolvers_.erase(of_service->first);
    by_service_.erase(of_service);
  }
  Done done = std::move(found->second.done);
  waits_.erase(found);
  std::move(done)(std::move(outcome));
}

}  // namespace scoutlight::server
