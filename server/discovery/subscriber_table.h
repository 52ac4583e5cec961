#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_TABLE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_TABLE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/limits.h"
#include "discovery/names.h"
#include "discovery/service_snapshot.h"
#include "server/discovery/subscriber_views.h"

namespace scoutlight::server {

struct Subscriber;

// A service of a subscriber.
struct Subscription {
  Subscriber* subscriber = nullptr;
  discovery::ServiceName service;
  bool wanted = false;         // By the present stream, or the last one; else one before it had it.
  discovery::SnapshotPtr has;  // What the stream has been sent; null: not all of the first snapshot yet.
  discovery::SnapshotPtr to;   // Where the frames under way lead; null: none are.
  Revision to_revision = 0;
  std::string after;   // Up to this id they have come.
  bool begun = false;  // One of them has been sent.
  bool queued = false;
  // Then it is forgotten; infinite: a stream wants it. Set once by the end of the stream, whatever comes after.
  absl::Duration held_until = absl::InfiniteDuration();
  SubscriberViews views;
};

// Who subscribes, over all its streams.
struct Subscriber {
  std::string id;
  std::string peer;
  std::string caller;         // Identity::Caller() of all its streams.
  bool gone = false;          // Its stream has ended without a goodbye.
  absl::Duration gone_until;  // If gone: then nothing of it is held any more.
  absl::Duration next_end;    // Not after the end of the first of its subscriptions that is held; its place in the table's order.
  int64_t sent = 0;           // Messages of the present stream, and how many of them it has confirmed.
  int64_t confirmed = 0;
  int64_t removed_at = 0;  // How many had been sent when a service with views was last removed: up to there they may be of what it was.
  int wanted = 0;
  absl::flat_hash_map<discovery::ServiceName, std::unique_ptr<Subscription>> subscriptions;
  std::deque<Subscription*> turns;  // Those that may have something to send.
};

struct SubscriberBounds {
  int subscriptions_max = limits::kWatchesMax;  // Of all subscribers.
  int gone_max = limits::kGoneSubscribersMax;   // At least 1.
};

// Subscribers, by id and by service: those that have a stream, and those that had one until lately. Not thread-safe.
class SubscriberTable {
 public:
  // `on_dropped`: a subscription goes, and is valid just so long.
  explicit SubscriberTable(std::function<void(Subscription*)> on_dropped, SubscriberBounds bounds = {})
      : bounds_(bounds), on_dropped_(std::move(on_dropped)) {}

  const SubscriberBounds& bounds() const { return bounds_; }

  using Subscribers = absl::btree_map<std::string, std::unique_ptr<Subscriber>>;
  const Subscribers& all() const { return subscribers_; }
  // Null: none.
  const absl::flat_hash_set<Subscription*>* OfService(const discovery::ServiceName& service) const;
  // Of all subscribers.
  size_t subscriptions() const { return subscriptions_; }
  // Subscribers whose stream has ended without a goodbye.
  size_t gone() const { return gone_.size(); }

  // The subscriber of a new stream: a new one, or the one of before, which keeps what it has seen of a service until
  // limits::kSubscriberGrace is over since the last stream that wanted it ended: at `now`, if that is not `gone`.
  Subscriber* Arrive(const std::string& id, absl::Duration now);
  // A subscription that is wanted from now on.
  Subscription* Subscribe(Subscriber* subscriber, const discovery::ServiceName& service);
  void Unsubscribe(Subscriber* subscriber, const discovery::ServiceName& service);
  // Its stream has ended without a goodbye. Of those that are gone at most bounds().gone_max are kept: the end of the time of the one that
  // had to be forgotten before; ZeroDuration: none had.
  absl::Duration Lose(Subscriber* subscriber, absl::Duration now);
  // It is known no longer.
  void Forget(Subscriber* subscriber);

  // Forgets what has been held long enough.
  void EndHolds(absl::Duration now);
  // When there is something to forget; InfiniteDuration: nothing.
  absl::Duration next_end() const { return ends_.empty() ? absl::InfiniteDuration() : ends_.begin()->first; }

 private:
  // What the stream wanted that ends is held from `now` on; what only those before it had, no longer than it was.
  static void Hold(Subscriber* subscriber, absl::Duration now);
  // Anew after its subscriptions' `held_until` have changed.
  void SetNextEnd(Subscriber* subscriber);
  void Drop(Subscription* subscription);

  const SubscriberBounds bounds_;
  const std::function<void(Subscription*)> on_dropped_;
  Subscribers subscribers_;
  absl::flat_hash_map<discovery::ServiceName, absl::flat_hash_set<Subscription*>> by_service_;
  std::set<std::pair<absl::Duration, Subscriber*>> ends_;  // By `next_end`: those of whom something is held.
  size_t subscriptions_ = 0;
  std::set<std::pair<absl::Duration, Subscriber*>> gone_;  // By `gone_until`.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_TABLE_H_
