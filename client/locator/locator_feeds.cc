#include "client/locator/locator_feeds.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace scoutlight::client {

using discovery::InstancePtr;
using discovery::SnapshotPtr;
using Frame = discovery::v1::WatchResponse;

LocatorFeeds::LocatorFeeds(Subscription::Parts parts, const LocatorOptions& options, Clock* clock, Events events)
    : loop_(*parts.loop),
      clock_(*clock),
      cluster_(options.cluster),
      age_max_(options.age_max),
      replaced_store_grace_(options.replaced_store_grace),
      heartbeat_(options.heartbeat),
      events_(std::move(events)),
      saved_at_(clock_.SinceBoot()),
      subscription_(std::move(parts), {.cluster = options.cluster, .subscriber_id = options.subscriber_id, .heartbeat = options.heartbeat},
                    SubscriptionEvents()) {}

LocatorFeeds::~LocatorFeeds() { loop_.Cancel(look_); }

Subscription::Events LocatorFeeds::SubscriptionEvents() {
  return {.on_begin = [this] { Restart(); },
          .on_frame = [this](const std::string& service, const discovery::v1::WatchResponse& frame) { return OnFrame(service, frame); },
          .on_progress = [this](const discovery::v1::WatchResponse& frame) { OnProgress(frame); },
          .on_cut_off = [this] { OnCutOff(); },
          .on_end = [this](const absl::Status& status, Subscription::Events::Refused refused) { OnEnd(status, refused); },
          .may_confirm = [this] { return MayConfirm(); }};
}

void LocatorFeeds::Follow(std::shared_ptr<ServiceState> state, SnapshotPtr seed) {
  const std::string service = state->name().service;
  const auto acts = seed != nullptr ? Subscription::Acts::kYes : Subscription::Acts::kNo;
  auto followed = std::make_unique<Followed>(Followed{.state = std::move(state), .feed = ServiceFeed(replaced_store_grace_)});
  if (seed != nullptr) followed->feed.Seed(std::move(seed));
  followed->too_old = IsTooOld(*followed, clock_.SinceBoot());
  Followed* const added = followed.get();
  followed_[service] = std::move(followed);
  // Then there is no better to be waited for.
  if (disconnected_ && added->feed.snapshot() != nullptr) Publish(added);
  subscription_.Add(service, acts);
  if (look_ == 0) LookSoon();
}

void LocatorFeeds::Forget(const std::string& service) {
  followed_.erase(service);
  subscription_.Remove(service);
  unsaved_ = true;
}

void LocatorFeeds::Watch(const std::string& service, const std::shared_ptr<ServiceWatcher>& watcher) {
  const auto found = followed_.find(service);
  if (found == followed_.end()) return;
  found->second->watchers.push_back(watcher);
  if (found->second->feed.snapshot() != nullptr) watcher->Offer(found->second->feed.snapshot());
}

void LocatorFeeds::Goodbye(EventLoop::Task done) {
  loop_.Cancel(std::exchange(look_, 0));
  subscription_.Goodbye(std::move(done));
}

absl::Status LocatorFeeds::OnFrame(const std::string& service, const discovery::v1::WatchResponse& frame) {
  const auto found = followed_.find(service);
  if (found == followed_.end()) return absl::OkStatus();
  Followed* const followed = found->second.get();
  const SnapshotPtr before = followed->feed.snapshot();
  const absl::StatusOr<bool> shows = followed->feed.Take(frame, clock_.SinceBoot());
  if (!shows.ok()) return shows.status();
  if (frame.revision() > 0) events_.saw(frame.revision(), frame.store_id());
  NoteSent(frame, followed);
  if (disconnected_) {
    disconnected_ = false;
    events_.on_connection(absl::OkStatus(), Subscription::Events::Refused::kNo);
  }
  SetCurrent(followed);
  if (*shows) PublishStep(service, before, followed);
  return absl::OkStatus();
}

void LocatorFeeds::NoteSent(const Frame& frame, Followed* followed) {
  // At a revision of before it may be a change that is in no store, as of an instance's load.
  if (frame.kind() == Frame::KIND_CHANGES && frame.revision() > sent_up_to_) {
    NoteSpoke();
    spoke_of_ = frame.revision();
  }
  sent_up_to_ = std::max(sent_up_to_, frame.revision());
  const bool of_snapshot = frame.kind() == Frame::KIND_SNAPSHOT || frame.kind() == Frame::KIND_SNAPSHOT_END;
  // The steps of several services may be at one revision.
  const bool begins_step = frame.kind() == Frame::KIND_CHANGES && frame.fragment() && frame.revision() == spoke_of_;
  if (!of_snapshot && !begins_step && !followed->in_step) return;
  sending_at_ = clock_.SinceBoot();
  followed->in_step = frame.fragment();
}

void LocatorFeeds::OnProgress(const discovery::v1::WatchResponse& frame) {
  NoteSpoke();
  sent_up_to_ = std::max(sent_up_to_, frame.revision());
  for (auto& [service, followed] : followed_) {
    const SnapshotPtr before = followed->feed.snapshot();
    const bool shows = followed->feed.Reach(frame.revision(), frame.store_id());
    SetCurrent(followed.get());
    if (shows) PublishStep(service, before, followed.get());
  }
}

void LocatorFeeds::OnCutOff() {
  if (!cut_off_since_.has_value()) cut_off_since_ = clock_.SinceBoot();
}

void LocatorFeeds::NoteSpoke() {
  spoke_at_ = clock_.SinceBoot();
  cut_off_since_ = std::nullopt;
  left_in_vain_ = 0;
}

void LocatorFeeds::SetCurrent(Followed* followed) {
  if (!followed->feed.current() || cut_off_since_.has_value()) return;
  followed->state->SetCurrentAt(clock_.SinceBoot());
  if (std::exchange(followed->too_old, false)) Publish(followed);
}

void LocatorFeeds::OnEnd(const absl::Status& status, Subscription::Events::Refused refused) {
  if (!std::exchange(disconnected_, true)) {
    for (auto& [service, followed] : followed_) {
      if (!followed->feed.told() && followed->feed.snapshot() != nullptr) Publish(followed.get());
    }
  }
  Restart();
  events_.on_connection(status, refused);
}

void LocatorFeeds::Restart() {
  spoke_at_ = cut_off_since_ = std::nullopt;
  sent_up_to_ = spoke_of_ = 0;
  for (auto& [service, followed] : followed_) followed->feed.Restart();
}

void LocatorFeeds::NoteLeaving(const std::string& service, const SnapshotPtr& before, const SnapshotPtr& after) {
  bool leaves = false;
  discovery::ForEachDifference(before.get(), after.get(), [&leaves](const InstancePtr& was, const InstancePtr& is) {
    leaves = leaves || (was != nullptr && was->resolvable() && (is == nullptr || !is->resolvable()));
  });
  if (!leaves) return;
  if (leaving_.empty()) leaving_until_ = clock_.SinceBoot() + kOldPicksWaitMax;
  if (std::find(leaving_.begin(), leaving_.end(), service) == leaving_.end()) leaving_.push_back(service);
}

bool LocatorFeeds::AnyHoldsOlder() const {
  return std::any_of(followed_.begin(), followed_.end(), [](const auto& followed) { return followed.second->feed.holds_older(); });
}

bool LocatorFeeds::MayConfirm() {
  // What is shown instead may have what this server's store has not.
  if (AnyHoldsOlder()) return false;
  if (leaving_.empty()) return true;
  if (clock_.SinceBoot() >= leaving_until_) leaving_.clear();
  leaving_.erase(
      std::remove_if(leaving_.begin(), leaving_.end(), [this](const std::string& service) { return !events_.has_old_picks(service); }),
      leaving_.end());
  return leaving_.empty();
}

void LocatorFeeds::PublishStep(const std::string& service, const SnapshotPtr& before, Followed* followed) {
  Publish(followed);
  NoteLeaving(service, before, followed->feed.snapshot());
}

void LocatorFeeds::Publish(Followed* followed) {
  const ServiceFeed& feed = followed->feed;
  followed->state->Publish({.snapshot = feed.snapshot(),
                            .told = feed.told(),
                            .usable = feed.told() || disconnected_,
                            .kept = feed.kept() > 0,
                            .too_old = followed->too_old,
                            .forgotten = false});
  std::vector<std::weak_ptr<ServiceWatcher>>& watchers = followed->watchers;
  watchers.erase(std::remove_if(watchers.begin(), watchers.end(), [](const auto& watcher) { return watcher.expired(); }), watchers.end());
  for (const std::weak_ptr<ServiceWatcher>& watcher : watchers) {
    if (const std::shared_ptr<ServiceWatcher> living = watcher.lock(); living != nullptr) living->Offer(feed.snapshot());
  }
  unsaved_ = unsaved_ || feed.told();
  events_.on_published();
}

void LocatorFeeds::LookSoon() {
  look_ = loop_.PostAfter(kLook, [this] {
    LookSoon();
    Look();
  });
}

void LocatorFeeds::Look() {
  const absl::Duration now = clock_.SinceBoot();
  for (auto& [service, followed] : followed_) {
    followed->state->calls()->Sweep();
    const bool ages = !followed->too_old && IsTooOld(*followed, now);
    followed->too_old = followed->too_old || ages;
    const SnapshotPtr before = followed->feed.snapshot();
    const bool grace_ends = followed->feed.EndGrace(now);
    const bool older_shows = spoke_at_.has_value() && followed->feed.EndOlder(*spoke_at_);
    if (grace_ends || older_shows) {
      PublishStep(service, before, followed.get());
    } else if (ages) {
      Publish(followed.get());
    }
  }
  LeaveWhoCannotTell(now);
  SaveIfDue();
}

bool LocatorFeeds::IsTooOld(const Followed& followed, absl::Duration now) const {
  if (followed.feed.snapshot() == nullptr) return false;
  // A server that does not reach its store shows what nobody has said to be current.
  return now - followed.state->current_at().value_or(-absl::InfiniteDuration()) > age_max_;
}

void LocatorFeeds::LeaveWhoCannotTell(absl::Duration now) {
  const int patience = 1 << std::min(left_in_vain_, kPatienceDoublings);
  const char* why = nullptr;
  const absl::Duration heard_at = std::max(sending_at_, spoke_at_.value_or(sending_at_));
  if (AnyHoldsOlder() && now - heard_at >= patience * (heartbeat_ + ServiceFeed::kOlderMax)) {
    why = "the server is behind, and cannot tell how far";
  } else if (now - cut_off_since_.value_or(now) >= patience * std::max(kCutOffMax, Subscription::kSilentHeartbeats * heartbeat_)) {
    why = "the server does not reach its store";
  }
  if (why == nullptr) return;
  ++left_in_vain_;
  subscription_.GiveUp(absl::UnavailableError(why));
}

void LocatorFeeds::SaveIfDue() {
  if (events_.save == nullptr || disconnected_) return;
  const absl::Duration since = clock_.SinceBoot() - saved_at_;
  if (since < (unsaved_ ? kSavePause : kSaveAnyway)) return;
  saved_at_ = clock_.SinceBoot();
  unsaved_ = !events_.save(Saved());
}

SavedServices LocatorFeeds::Saved() const {
  SavedServices saved{.cluster = cluster_, .services = {}};
  const absl::Time now = clock_.Now();
  for (const auto& [service, followed] : followed_) {
    const std::optional<absl::Duration> current_at = followed->state->current_at();
    if (followed->feed.snapshot() == nullptr || !current_at.has_value()) continue;
    saved.services.push_back(
        {.service = service, .snapshot = followed->feed.snapshot(), .current_at = now - (clock_.SinceBoot() - *current_at)});
  }
  return saved;
}

}  // namespace scoutlight::client
