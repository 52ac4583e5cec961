#include "server/discovery/subscriber_hub.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/shown.h"
#include "storage/store_errors.h"

namespace scoutlight::server {
namespace {

using discovery::ServiceName;

absl::Status Replaced(const std::string& subscriber_id) {
  ErrorDetails details;
  details.reason = Reason::kFenced;
  details.resource = subscriber_id;
  return MakeError(absl::StatusCode::kAborted, absl::StrCat("another stream has come with the subscriber_id ", Shown(subscriber_id)),
                   details);
}

}  // namespace

struct SubscriberHub::Stream {
  std::shared_ptr<SubscriberStream> stream;
  std::string peer;
  std::string caller;
  Subscriber* subscriber = nullptr;  // Null: its first message has not come, or it has ended.
  bool drawn = false;                // The subscriber's id was drawn here, for this stream: it comes from no other server.
  absl::Duration heartbeat = limits::kHeartbeatDefault;
  absl::Duration due = absl::InfiniteDuration();  // Its place in due_; InfiniteDuration: none.
  bool told_cut_off = false;                      // Since the last heartbeat that said how far it was sent everything.
  bool writing = false;
  bool ended = false;
};

SubscriberHub::SubscriberHub(Parts parts)
    : parts_(std::move(parts)),
      drains_({.count_watches = [this](const discovery::InstanceName& name, uint64_t wait,
                                       DrainWaits::Parts::Count count) { CountWatches(name, wait, count); },
               .end_count = [this](uint64_t wait) { parts_.end_count(wait); },
               .count_resolvers = parts_.count_resolvers}),
      table_([this](Subscription* subscription) { drains_.OnDropped(subscription); }, parts_.bounds),
      looks_(parts_.catalog),
      frames_(parts_.store_id) {}

SubscriberHub::~SubscriberHub() {
  inbox_->Close();
  if (thread_.joinable()) thread_.join();
}

void SubscriberHub::Start() {
  assume_until_ = parts_.clock->SinceBoot() + limits::kSubscriberGrace;
  drains_.HoldUntil(assume_until_);
  thread_ = std::thread([this] { Loop(); });
}

void SubscriberHub::OnChanged(const std::vector<ServiceName>& services) {
  if (opened_.load(std::memory_order_relaxed) == 0) return;
  inbox_->NoteChanged(services);
}

absl::Status SubscriberHub::Open(std::shared_ptr<SubscriberStream> stream, std::string peer, std::string caller) {
  if (absl::Status full = parts_.places->Take(); !full.ok()) return full;
  opened_.fetch_add(1, std::memory_order_relaxed);
  inbox_->Post([this, stream = std::move(stream), peer = std::move(peer), caller = std::move(caller)]() mutable {
    std::unique_ptr<Stream>& opened = streams_[stream.get()];
    opened = std::make_unique<Stream>();
    opened->stream = std::move(stream);
    opened->peer = std::move(peer);
    opened->caller = std::move(caller);
    if (!drained_.ok()) return End(opened.get(), drained_, Stays::kNo);
    opened->stream->ReadNext();
  });
  return absl::OkStatus();
}

void SubscriberHub::Take(SubscriberStream* stream, absl::StatusOr<SubscriberMessage> message) {
  inbox_->Post([this, stream, message = std::move(message)]() mutable {
    Stream* const taking = Find(stream);
    if (taking == nullptr || taking->ended) return;
    absl::Status wrong = message.ok() ? CheckMessage(*message, taking->caller, taking->subscriber, table_) : message.status();
    if (!wrong.ok()) return End(taking, wrong, Stays::kYes);
    Carry(taking, *message);
  });
}

void SubscriberHub::OnWritten(SubscriberStream* stream) {
  inbox_->Post([this, stream] {
    Stream* const written = Find(stream);
    if (written == nullptr) return;
    written->writing = false;
    ServeNext(written);
  });
}

void SubscriberHub::OnCancelled(SubscriberStream* stream) {
  inbox_->Post([this, stream] {
    if (Stream* const cancelled = Find(stream); cancelled != nullptr) {
      End(cancelled, absl::CancelledError("the subscriber has gone"), Stays::kYes);
    }
  });
}

void SubscriberHub::OnClosed(SubscriberStream* stream) {
  inbox_->Post([this, stream] {
    if (streams_.erase(stream) == 0) return;
    opened_.fetch_sub(1, std::memory_order_relaxed);
    parts_.places->GiveBack();
  });
}

void SubscriberHub::List(SubscribersQuery query, absl::AnyInvocable<void(SubscribersPage) &&> done) {
  inbox_->Post([this, query = std::move(query), done = std::move(done)]() mutable {
    SubscribersPage page = ListSubscribers(table_, query);
    page.revision = looks_.revision();
    std::move(done)(std::move(page));
  });
}

absl::StatusOr<uint64_t> SubscriberHub::TakeDrainPlace() {
  if (drain_places_.fetch_add(1, std::memory_order_relaxed) < limits::kDrainsMax) {
    return NewDrainNumber();
  }
  drain_places_.fetch_sub(1, std::memory_order_relaxed);
  return storage::Overloaded(absl::StrCat(limits::kDrainsMax, " drains wait, which is the most"));
}

void SubscriberHub::GiveBackDrainPlace() { drain_places_.fetch_sub(1, std::memory_order_relaxed); }

void SubscriberHub::AwaitConfirmed(uint64_t number, DrainWait wait, DrainWaits::Done done) {
  inbox_->Post([this, number, wait = std::move(wait), done = std::move(done)]() mutable {
    if (!drained_.ok()) return std::move(done)({.status = drained_});
    const ServiceName service{wait.name.cluster, wait.name.service};
    // So that nobody is sent a view of before, made in this round, after this.
    looks_.Forget(service);
    drains_.Add(number, std::move(wait), table_.OfService(service), parts_.clock->SinceBoot(), std::move(done));
  });
}

void SubscriberHub::FollowConfirmed(uint64_t number, DrainWait wait, DrainWaits::Tell tell) {
  inbox_->Post([this, number, wait = std::move(wait), tell = std::move(tell)]() mutable {
    if (!drained_.ok()) return;
    const ServiceName service{wait.name.cluster, wait.name.service};
    looks_.Forget(service);
    drains_.Follow(number, std::move(wait), table_.OfService(service), parts_.clock->SinceBoot(), std::move(tell));
  });
}

void SubscriberHub::OnServerGone() {
  inbox_->Post([this] { drains_.HoldUntil(parts_.clock->SinceBoot() + limits::kSubscriberGrace); });
}

void SubscriberHub::EndWait(uint64_t number) {
  inbox_->Post([this, number] { drains_.End(number, absl::CancelledError("the caller has gone")); });
}

void SubscriberHub::CountWatches(const discovery::InstanceName& name, uint64_t wait, DrainWaits::Parts::Count count) {
  const uint64_t kept = count == DrainWaits::Parts::Count::kKept ? wait : 0;
  parts_.count_watches(name, kept, [this, inbox = inbox_, wait](int watches) {
    inbox->Post([this, wait, watches] { drains_.Counted(wait, watches, parts_.clock->SinceBoot()); });
  });
}

void SubscriberHub::Drain(absl::Status reason, absl::AnyInvocable<void() &&> done) {
  inbox_->Post([this, reason = std::move(reason), done = std::move(done)]() mutable {
    drained_ = reason;
    for (const auto& [key, stream] : streams_) End(stream.get(), drained_, Stays::kNo);
    drains_.EndAll(drained_);
    if (done) std::move(done)();
  });
}

SubscriberHub::Stream* SubscriberHub::Find(SubscriberStream* stream) const {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? nullptr : found->second.get();
}

void SubscriberHub::End(Stream* stream, const absl::Status& status, Stays stays) {
  if (std::exchange(stream->ended, true)) return;
  due_.erase({stream->due, stream});
  stream->due = absl::InfiniteDuration();
  if (Subscriber* const subscriber = std::exchange(stream->subscriber, nullptr); subscriber != nullptr) {
    stream_of_.erase(subscriber);
    if (stays == Stays::kYes) {
      // One that had to be forgotten early may come back: until then nothing is complete, and who comes may know everything.
      const absl::Duration forgotten_until = table_.Lose(subscriber, parts_.clock->SinceBoot());
      assume_until_ = std::max(assume_until_, forgotten_until);
      drains_.HoldUntil(forgotten_until);
    } else {
      table_.Forget(subscriber);
    }
  }
  stream->stream->Finish(status);
}

void SubscriberHub::Loop() {
  while (RunTasks()) {
    const absl::Duration now = parts_.clock->SinceBoot();
    ServeHeartbeats(now);
    table_.EndHolds(now);
    drains_.Serve(now);
    frames_.Clear();
    looks_.Clear();
    NoteCounts();
  }
}

void SubscriberHub::NoteCounts() {
  gone_.store(static_cast<int>(table_.gone()), std::memory_order_relaxed);
  subscribers_.store(static_cast<int>(table_.all().size() - table_.gone()), std::memory_order_relaxed);
  subscriptions_.store(static_cast<int>(table_.subscriptions()), std::memory_order_relaxed);
}

SubscriberHub::Counts SubscriberHub::counts() const {
  return {.subscribers = subscribers_.load(std::memory_order_relaxed),
          .gone = gone_.load(std::memory_order_relaxed),
          .subscriptions = subscriptions_.load(std::memory_order_relaxed),
          .drains = drain_places_.load(std::memory_order_relaxed)};
}

absl::Duration SubscriberHub::NextDue(absl::Duration now) const {
  const absl::Duration heartbeat = due_.empty() ? absl::InfiniteDuration() : due_.begin()->first;
  return std::min({heartbeat, table_.next_end(), drains_.next_due()}) - now;
}

bool SubscriberHub::RunTasks() {
  std::optional<HubInbox::Round> round = inbox_->Take(NextDue(parts_.clock->SinceBoot()));
  if (!round.has_value()) return false;
  is_cut_off_ = parts_.behind() >= kCutOffAfter;
  for (HubInbox::Task& task : round->tasks) std::move(task)();
  if (!round->any_changed) {
    for (const ServiceName& service : round->changed) EnqueueService(service);
    return true;
  }
  for (const auto& [key, stream] : streams_) {
    if (stream->subscriber == nullptr) continue;
    for (const auto& [service, subscription] : stream->subscriber->subscriptions) Enqueue(subscription.get());
    ServeNext(stream.get());
  }
  return true;
}

void SubscriberHub::EnqueueService(const ServiceName& service) {
  const absl::flat_hash_set<Subscription*>* const subscriptions = table_.OfService(service);
  if (subscriptions == nullptr) return;
  for (Subscription* subscription : *subscriptions) {
    Enqueue(subscription);
    if (const auto stream = stream_of_.find(subscription->subscriber); stream != stream_of_.end()) ServeNext(stream->second);
  }
}

void SubscriberHub::Enqueue(Subscription* subscription) {
  if (!subscription->wanted || subscription->subscriber->gone || std::exchange(subscription->queued, true)) return;
  subscription->subscriber->turns.push_back(subscription);
}

void SubscriberHub::ServeHeartbeats(absl::Duration now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    Stream* const stream = due_.begin()->second;
    SetDue(stream);
    if (stream->writing) continue;
    const bool all_sent = SentUpTo(*stream->subscriber).has_value();
    if (is_cut_off_) {
      // What is to be sent comes behind that.
      TellCutOff(stream);
      continue;
    }
    if (!all_sent) ServeNext(stream);
    if (stream->writing) continue;
    if (const std::optional<Revision> revision = SentUpTo(*stream->subscriber); revision.has_value()) {
      stream->told_cut_off = false;
      InstanceFrame frame = frames_.Progress(*revision);
      std::string head = SubscriberFrameHead(nullptr, frame->size());
      Write(stream, std::move(head), std::move(frame));
    }
  }
}

bool SubscriberHub::TellCutOff(Stream* stream) {
  if (parts_.catalog() == nullptr) return false;
  stream->told_cut_off = true;
  Write(stream, "", nullptr);
  return true;
}

std::optional<Revision> SubscriberHub::SentUpTo(const Subscriber& subscriber) {
  std::optional<Revision> lowest;
  bool all = true;
  for (const auto& [service, subscription] : subscriber.subscriptions) {
    if (!subscription->wanted) continue;
    const ServiceLook* const look = looks_.At(service);
    if (look == nullptr) return std::nullopt;
    lowest = std::min(lowest.value_or(look->revision), look->revision);
    if (subscription->has == look->snapshot && subscription->to == nullptr) continue;
    Enqueue(subscription.get());
    all = false;
  }
  if (!all) return std::nullopt;
  return lowest.value_or(looks_.revision());
}

void SubscriberHub::Carry(Stream* stream, const SubscriberMessage& message) {
  if (stream->subscriber == nullptr) Name(stream, message);
  Subscriber* const subscriber = stream->subscriber;
  if (message.goodbye) return End(stream, absl::OkStatus(), Stays::kNo);
  if (message.confirmed > subscriber->confirmed) Confirm(subscriber, message.confirmed);
  for (const ServiceName& service : message.remove) table_.Unsubscribe(subscriber, service);
  // Messages under way that show a service as it was before it was removed may be taken for what it is added for.
  const bool assume = parts_.clock->SinceBoot() < assume_until_ || subscriber->confirmed < subscriber->removed_at;
  for (const ServiceName& service : message.add) {
    const int wanted_before = subscriber->wanted;
    Subscription* const subscription = table_.Subscribe(subscriber, service);
    // Over a shared store it may come back from another server, which has shown it what is not known here.
    const bool is_from_elsewhere = parts_.shared_store && !stream->drawn && subscriber->wanted > wanted_before;
    if (is_from_elsewhere || (assume && subscription->views.empty())) {
      subscription->views.AssumeAny();
      drains_.OnAssumed(subscription);
    }
    Enqueue(subscription);
  }
  ServeNext(stream);
  stream->stream->ReadNext();
}

void SubscriberHub::Name(Stream* stream, const SubscriberMessage& message) {
  const std::string id = message.subscriber_id.empty() ? absl::StrCat(absl::Hex(parts_.random(), absl::kZeroPad16)) : message.subscriber_id;
  Subscriber* const subscriber = table_.Arrive(id, parts_.clock->SinceBoot());
  if (const auto before = stream_of_.find(subscriber); before != stream_of_.end()) {
    Stream* const replaced = before->second;
    replaced->subscriber = nullptr;
    End(replaced, Replaced(id), Stays::kNo);
  }
  stream_of_[subscriber] = stream;
  stream->drawn = message.subscriber_id.empty();
  subscriber->peer = stream->peer;
  subscriber->caller = stream->caller;
  stream->subscriber = subscriber;
  stream->heartbeat = message.heartbeat.value_or(stream->heartbeat);
  SetDue(stream);
  Write(stream, SubscriberNamed(id), nullptr);
}

void SubscriberHub::Confirm(Subscriber* subscriber, int64_t messages) {
  subscriber->confirmed = messages;
  for (const auto& [service, subscription] : subscriber->subscriptions) {
    if (subscription->views.Confirm(messages)) drains_.OnConfirmed(subscription.get());
  }
}

void SubscriberHub::ServeNext(Stream* stream) {
  Subscriber* const subscriber = stream->subscriber;
  if (subscriber == nullptr) return;
  while (!stream->ended && !stream->writing && !subscriber->turns.empty()) {
    if (is_cut_off_ && !stream->told_cut_off && TellCutOff(stream)) return;
    Subscription* const subscription = subscriber->turns.front();
    subscriber->turns.pop_front();
    subscription->queued = false;
    ServeService(stream, subscription);
  }
}

void SubscriberHub::ServeService(Stream* stream, Subscription* subscription) {
  if (subscription->to == nullptr) {
    const ServiceLook* const look = looks_.At(subscription->service);
    if (look == nullptr || look->snapshot == subscription->has) return;
    subscription->to = look->snapshot;
    subscription->to_revision = look->revision;
  }
  InstanceFrames::Next next = frames_.NextOf(
      {.from = subscription->has, .to = subscription->to, .to_revision = subscription->to_revision, .after = subscription->after}, all_);
  if (next.frame != nullptr && !std::exchange(subscription->begun, true)) {
    subscription->views.Begin(subscription->to, subscription->to_revision);
  }
  subscription->after = std::move(next.after);
  if (next.last) {
    if (std::exchange(subscription->begun, false)) subscription->views.Complete(subscription->subscriber->sent + 1);
    subscription->has = std::exchange(subscription->to, nullptr);
    subscription->after.clear();
  }
  if (next.frame == nullptr) return;
  // More of the step, or what was committed meanwhile.
  Enqueue(subscription);
  std::string head = SubscriberFrameHead(&subscription->service, next.frame->size());
  Write(stream, std::move(head), std::move(next.frame));
}

void SubscriberHub::Write(Stream* stream, std::string head, InstanceFrame frame) {
  ++stream->subscriber->sent;
  stream->writing = true;
  stream->stream->Write(std::move(head), std::move(frame));
}

void SubscriberHub::SetDue(Stream* stream) {
  due_.erase({stream->due, stream});
  stream->due = parts_.clock->SinceBoot() + stream->heartbeat;
  due_.insert({stream->due, stream});
}

}  // namespace scoutlight::server
