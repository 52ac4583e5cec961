#include "server/discovery/subscriber_list.h"

#include <algorithm>
#include <cstddef>

namespace scoutlight::server {
namespace {

constexpr size_t kLooksMax = 20'000;

bool Belongs(const Subscriber& subscriber, const discovery::ServiceName& service) {
  if (service.cluster.empty()) return true;
  if (!service.service.empty()) return subscriber.subscriptions.contains(service);
  return std::any_of(subscriber.subscriptions.begin(), subscriber.subscriptions.end(),
                     [&service](const auto& subscription) { return subscription.first.cluster == service.cluster; });
}

}  // namespace

SubscribersPage ListSubscribers(const SubscriberTable& table, const SubscribersQuery& query) {
  SubscribersPage page;
  size_t looks = 0;
  auto it = query.after.empty() ? table.all().begin() : table.all().upper_bound(query.after);
  for (; it != table.all().end(); ++it) {
    const Subscriber& one = *it->second;
    if (static_cast<int>(page.subscribers.size()) == query.subscribers_max || looks >= kLooksMax) break;
    looks += 1 + (query.service.service.empty() && !query.service.cluster.empty() ? one.subscriptions.size() : 0);
    page.last = one.id;
    if (!Belongs(one, query.service)) continue;
    page.subscribers.push_back({.subscriber_id = one.id,
                                .peer = one.peer,
                                .services = one.gone ? static_cast<int>(one.subscriptions.size()) : one.wanted,
                                .sent = one.sent,
                                .confirmed = one.confirmed,
                                .gone = one.gone});
  }
  if (it == table.all().end()) page.last.clear();
  return page;
}

}  // namespace scoutlight::server
