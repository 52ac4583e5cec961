#include "server/discovery/subscriber_table.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/limits.h"

namespace scoutlight::server {

const absl::flat_hash_set<Subscription*>* SubscriberTable::OfService(const discovery::ServiceName& service) const {
  const auto found = by_service_.find(service);
  return found == by_service_.end() ? nullptr : &found->second;
}

Subscriber* SubscriberTable::Arrive(const std::string& id, absl::Duration now) {
  const auto [found, is_new] = subscribers_.try_emplace(id);
  if (is_new) {
    found->second = std::make_unique<Subscriber>();
    found->second->id = id;
    return found->second.get();
  }
  Subscriber* const subscriber = found->second.get();
  if (subscriber->gone) {
    gone_.erase({subscriber->gone_until, subscriber});
    subscriber->gone = false;
  } else {
    Hold(subscriber, now);
    SetNextEnd(subscriber);
  }
  subscriber->sent = subscriber->confirmed = subscriber->removed_at = 0;
  subscriber->wanted = 0;
  subscriber->turns.clear();
  for (const auto& [service, subscription] : subscriber->subscriptions) {
    subscription->wanted = subscription->begun = subscription->queued = false;
    subscription->has = subscription->to = nullptr;
    subscription->after.clear();
    subscription->views.Restart();
  }
  return subscriber;
}

Subscription* SubscriberTable::Subscribe(Subscriber* subscriber, const discovery::ServiceName& service) {
  std::unique_ptr<Subscription>& subscription = subscriber->subscriptions[service];
  if (subscription == nullptr) {
    subscription = std::make_unique<Subscription>();
    subscription->subscriber = subscriber;
    subscription->service = service;
    by_service_[service].insert(subscription.get());
    ++subscriptions_;
  }
  if (!subscription->wanted) ++subscriber->wanted;
  subscription->wanted = true;
  subscription->held_until = absl::InfiniteDuration();
  return subscription.get();
}

void SubscriberTable::Unsubscribe(Subscriber* subscriber, const discovery::ServiceName& service) {
  const auto found = subscriber->subscriptions.find(service);
  if (found == subscriber->subscriptions.end()) return;
  if (!found->second->views.empty()) subscriber->removed_at = subscriber->sent;
  Drop(found->second.get());
  subscriber->subscriptions.erase(found);
}

void SubscriberTable::Drop(Subscription* subscription) {
  Subscriber& subscriber = *subscription->subscriber;
  on_dropped_(subscription);
  if (subscription->queued) subscriber.turns.erase(std::find(subscriber.turns.begin(), subscriber.turns.end(), subscription));
  if (subscription->wanted) --subscriber.wanted;
  const auto of_service = by_service_.find(subscription->service);
  of_service->second.erase(subscription);
  if (of_service->second.empty()) by_service_.erase(of_service);
  --subscriptions_;
}

absl::Duration SubscriberTable::Lose(Subscriber* subscriber, absl::Duration now) {
  const bool shown = std::any_of(subscriber->subscriptions.begin(), subscriber->subscriptions.end(),
                                 [](const auto& subscription) { return !subscription.second->views.empty(); });
  if (!shown) {
    Forget(subscriber);
    return absl::ZeroDuration();
  }
  subscriber->turns.clear();
  for (const auto& [service, subscription] : subscriber->subscriptions) {
    subscription->has = subscription->to = nullptr;
    subscription->queued = false;
  }
  Hold(subscriber, now);
  SetNextEnd(subscriber);
  subscriber->gone = true;
  subscriber->gone_until = absl::ZeroDuration();
  for (const auto& [service, subscription] : subscriber->subscriptions) {
    subscriber->gone_until = std::max(subscriber->gone_until, subscription->held_until);
  }
  gone_.insert({subscriber->gone_until, subscriber});
  if (gone_.size() <= static_cast<size_t>(bounds_.gone_max)) return absl::ZeroDuration();
  const auto [end, first] = *gone_.begin();
  Forget(first);
  return end;
}

void SubscriberTable::Forget(Subscriber* subscriber) {
  gone_.erase({subscriber->gone_until, subscriber});
  ends_.erase({subscriber->next_end, subscriber});
  subscriber->turns.clear();
  for (const auto& [service, subscription] : subscriber->subscriptions) {
    subscription->queued = false;
    Drop(subscription.get());
  }
  const std::string id = subscriber->id;
  subscribers_.erase(id);
}

void SubscriberTable::Hold(Subscriber* subscriber, absl::Duration now) {
  for (const auto& [service, subscription] : subscriber->subscriptions) {
    if (subscription->held_until == absl::InfiniteDuration()) subscription->held_until = now + limits::kSubscriberGrace;
  }
}

void SubscriberTable::SetNextEnd(Subscriber* subscriber) {
  ends_.erase({subscriber->next_end, subscriber});
  subscriber->next_end = absl::InfiniteDuration();
  for (const auto& [service, subscription] : subscriber->subscriptions) {
    subscriber->next_end = std::min(subscriber->next_end, subscription->held_until);
  }
  if (subscriber->next_end != absl::InfiniteDuration()) ends_.insert({subscriber->next_end, subscriber});
}

void SubscriberTable::EndHolds(absl::Duration now) {
  while (!ends_.empty() && ends_.begin()->first <= now) {
    Subscriber* const subscriber = ends_.begin()->second;
    if (subscriber->gone && subscriber->gone_until <= now) {
      Forget(subscriber);
      continue;
    }
    std::vector<discovery::ServiceName> over;
    for (const auto& [service, subscription] : subscriber->subscriptions) {
      if (subscription->held_until <= now) over.push_back(service);
    }
    for (const discovery::ServiceName& service : over) {
      const auto found = subscriber->subscriptions.find(service);
      Drop(found->second.get());
      subscriber->subscriptions.erase(found);
    }
    SetNextEnd(subscriber);
  }
}

}  // namespace scoutlight::server
