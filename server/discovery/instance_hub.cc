#include "server/discovery/instance_hub.h"

#include "base/limits.h"

namespace scoutlight::server {
namespace {

using discovery::SnapshotPtr;

bool HasAtWork(const SnapshotPtr& snapshot, const std::string& id, const discovery::Filter& filter) {
  if (snapshot == nullptr) return false;
  const discovery::InstancePtr instance = snapshot->Find(id);
  return instance != nullptr && instance->status != discovery::Status::kDraining && filter.Matches(*instance, absl::Time());
}

}  // namespace

struct InstanceHub::Watch {
  std::shared_ptr<InstanceStream> stream;
  InstanceWatchSpec spec;
  SnapshotPtr has;  // What the client has been sent; null: not all of the first snapshot yet.
  SnapshotPtr to;   // Where the frames under way lead; null: none are.
  Revision to_revision = 0;
  std::string after;  // Up to this id they have come.
  SnapshotPtr had;    // What the client had before the frame that is on its way out; null: nothing, or none is.
  bool writing = false;
  bool ended = false;
  bool moved = false;  // What it shows may differ from what `marks` say.
  ShownCounts::Marks marks;
  absl::Duration due;  // Its place in due_.
};

InstanceHub::InstanceHub(Parts parts) : parts_(std::move(parts)), looks_(parts_.catalog), frames_(parts_.store_id) {}

InstanceHub::~InstanceHub() {
  inbox_.Close();
  if (thread_.joinable()) thread_.join();
}

void InstanceHub::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void InstanceHub::OnChanged(const std::vector<discovery::ServiceName>& services) {
  if (streams_.load(std::memory_order_relaxed) == 0) return;
  inbox_.NoteChanged(services);
}

absl::Status InstanceHub::Open(std::shared_ptr<InstanceStream> stream, InstanceWatchSpec spec) {
  if (absl::Status full = parts_.places->Take(); !full.ok()) return full;
  absl::StatusOr<discovery::Filter> shared = filters_.Take(spec.filter);
  if (!shared.ok()) {
    parts_.places->GiveBack();
    return shared.status();
  }
  spec.filter = *std::move(shared);
  streams_.fetch_add(1, std::memory_order_relaxed);
  Post([this, stream = std::move(stream), spec = std::move(spec)]() mutable {
    auto watch = std::make_unique<Watch>();
    watch->stream = std::move(stream);
    watch->spec = std::move(spec);
    Watch* const opened = watch.get();
    watches_[opened->stream.get()] = std::move(watch);
    by_service_[opened->spec.service].insert(opened);
    const absl::Duration now = parts_.clock->SinceBoot();
    opened->due = now + opened->spec.heartbeat;
    due_.insert({opened->due, opened});
    if (!drained_.ok()) return End(opened, drained_);
    Serve(opened, now);
  });
  return absl::OkStatus();
}

void InstanceHub::OnWritten(InstanceStream* stream) {
  Post([this, stream] {
    Watch* const watch = Find(stream);
    if (watch == nullptr) return;
    watch->writing = false;
    watch->moved = std::exchange(watch->had, nullptr) != nullptr;
    Serve(watch, parts_.clock->SinceBoot());
  });
}

void InstanceHub::OnCancelled(InstanceStream* stream) {
  Post([this, stream] {
    if (Watch* const watch = Find(stream); watch != nullptr) End(watch, absl::CancelledError("the caller has gone"));
  });
}

void InstanceHub::OnClosed(InstanceStream* stream) {
  Post([this, stream] {
    const auto found = watches_.find(stream);
    if (found == watches_.end()) return;
    Watch* const watch = found->second.get();
    due_.erase({watch->due, watch});
    const auto of_service = by_service_.find(watch->spec.service);
    of_service->second.erase(watch);
    if (of_service->second.empty()) by_service_.erase(of_service);
    filters_.GiveBack(watch->spec.filter);
    counts_.Leave(&watch->marks);
    watches_.erase(found);
    streams_.fetch_sub(1, std::memory_order_relaxed);
    parts_.places->GiveBack();
  });
}

void InstanceHub::Drain(absl::Status reason) {
  Post([this, reason = std::move(reason)] {
    drained_ = reason;
    for (const auto& [stream, watch] : watches_) End(watch.get(), drained_);
  });
}

void InstanceHub::CountShown(discovery::InstanceName name, uint64_t number, absl::AnyInvocable<void(int) &&> done) {
  Post([this, name = std::move(name), number, done = std::move(done)]() mutable {
    const std::optional<int> kept = counts_.At(number);
    std::move(done)(kept.has_value() ? *kept : CountAnew(name, number));
  });
}

int InstanceHub::CountAnew(const discovery::InstanceName& name, uint64_t number) {
  const discovery::ServiceName service{name.cluster, name.service};
  // What is committed by now is told before it is counted.
  looks_.Forget(service);
  const ServiceLook* const look = looks_.At(service);
  const bool kept = number != 0 && counts_.Begin(number, name, look == nullptr ? nullptr : look->snapshot);
  const auto found = by_service_.find(service);
  if (found == by_service_.end()) return 0;
  int count = 0;
  for (Watch* watch : found->second) {
    Serve(watch, parts_.clock->SinceBoot());
    if (watch->ended || !ShowsAtWork(*watch, name.id)) continue;
    ++count;
    if (kept) counts_.Enter(number, &watch->marks);
  }
  return count;
}

void InstanceHub::EndCount(uint64_t number) {
  Post([this, number] {
    const std::optional<ShownCounts::Ended> ended = counts_.End(number);
    if (!ended.has_value()) return;
    const auto found = by_service_.find(discovery::ServiceName{ended->name.cluster, ended->name.service});
    if (found == by_service_.end()) return;
    for (Watch* watch : found->second) watch->marks.reset(ended->place);
  });
}

bool InstanceHub::ShowsAtWork(const Watch& watch, const std::string& id) {
  shown_looks_.fetch_add(1, std::memory_order_relaxed);
  const discovery::Filter& filter = watch.spec.filter;
  return HasAtWork(watch.had, id, filter) || HasAtWork(watch.has, id, filter) || HasAtWork(watch.to, id, filter);
}

InstanceHub::Watch* InstanceHub::Find(InstanceStream* stream) {
  const auto found = watches_.find(stream);
  return found == watches_.end() ? nullptr : found->second.get();
}

void InstanceHub::End(Watch* watch, const absl::Status& status) {
  if (std::exchange(watch->ended, true)) return;
  counts_.Leave(&watch->marks);
  watch->stream->Finish(status);
}

void InstanceHub::Loop() {
  while (true) {
    const absl::Duration next = due_.empty() ? HubInbox::kIdleLook : due_.begin()->first - parts_.clock->SinceBoot();
    std::optional<HubInbox::Round> round = inbox_.Take(next);
    if (!round.has_value()) return;
    for (HubInbox::Task& task : round->tasks) std::move(task)();
    ServeChanged(round->changed, round->any_changed);
    ServeHeartbeats(parts_.clock->SinceBoot());
    frames_.Clear();
    looks_.Clear();
  }
}

void InstanceHub::ServeChanged(const absl::flat_hash_set<discovery::ServiceName>& services, bool any) {
  const absl::Duration now = parts_.clock->SinceBoot();
  if (any) {
    for (const auto& [stream, watch] : watches_) Serve(watch.get(), now);
    return;
  }
  for (const discovery::ServiceName& service : services) {
    const auto found = by_service_.find(service);
    if (found == by_service_.end()) continue;
    for (Watch* watch : found->second) Serve(watch, now);
  }
}

void InstanceHub::ServeHeartbeats(absl::Duration now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    Watch* const watch = due_.begin()->second;
    due_.erase(due_.begin());
    watch->due = now + watch->spec.heartbeat;
    due_.insert({watch->due, watch});
    if (watch->ended || watch->writing) continue;
    const ServiceLook* const look = looks_.At(watch->spec.service);
    if (look == nullptr) continue;
    const Revision revision = look->revision;
    Serve(watch, now);
    if (watch->writing || watch->has == nullptr || watch->to != nullptr || parts_.behind() > absl::ZeroDuration()) continue;
    WriteFrame(watch, frames_.Progress(revision), now);
  }
}

void InstanceHub::Serve(Watch* watch, absl::Duration now) {
  while (!watch->ended && !watch->writing) {
    if (watch->to == nullptr) {
      const ServiceLook* const look = looks_.At(watch->spec.service);
      if (look == nullptr || look->snapshot == watch->has) break;
      counts_.OnLook(watch->spec.service, look->snapshot);
      watch->to = look->snapshot;
      watch->to_revision = look->revision;
      watch->after.clear();
    }
    watch->moved = true;
    if (InstanceFrame frame = NextFrame(watch); frame != nullptr) WriteFrame(watch, std::move(frame), now);
  }
  if (!std::exchange(watch->moved, false) || watch->ended) return;
  counts_.OnMoved(
      watch->spec.service, [this, watch](const std::string& id) { return ShowsAtWork(*watch, id); }, &watch->marks);
}

InstanceFrame InstanceHub::NextFrame(Watch* watch) {
  InstanceFrames::Next next =
      frames_.NextOf({.from = watch->has, .to = watch->to, .to_revision = watch->to_revision, .after = watch->after}, watch->spec.filter);
  if (next.last) {
    if (next.frame != nullptr) watch->had = watch->has;
    watch->has = std::exchange(watch->to, nullptr);
    watch->after.clear();
  } else {
    watch->after = std::move(next.after);
  }
  return next.frame;
}

void InstanceHub::WriteFrame(Watch* watch, InstanceFrame frame, absl::Duration now) {
  watch->writing = true;
  due_.erase({watch->due, watch});
  watch->due = now + watch->spec.heartbeat;
  due_.insert({watch->due, watch});
  watch->stream->Write(std::move(frame));
}

}  // namespace scoutlight::server
