#include "server/discovery/instance_hub.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "server/discovery/instance_conversion.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;
using discovery::InstancePtr;
using discovery::SnapshotPtr;

constexpr size_t kFrameBytes = 1 * limits::kMiB;
constexpr absl::Duration kIdleLook = absl::Seconds(1);
// Different services kept as changed; beyond, any may have.
constexpr size_t kChangedServicesMax = 10'000;

}  // namespace

struct InstanceHub::Watch {
  std::shared_ptr<InstanceStream> stream;
  InstanceWatchSpec spec;
  SnapshotPtr has;  // What the client has been sent; null: not all of the first snapshot yet.
  SnapshotPtr to;   // Where the frames under way lead; null: none are.
  Revision to_revision = 0;
  std::string after;  // Up to this id they have come.
  bool writing = false;
  bool ended = false;
  absl::Duration due;  // Its place in due_.
};

struct InstanceHub::MadeFrame {
  Frame frame;  // Null: nothing to show.
  std::string after;
  bool last = false;
  SnapshotPtr from;  // Kept alive, so that no other snapshot gets their place in memory while the frame is remembered.
  SnapshotPtr to;
};

InstanceHub::InstanceHub(Parts parts) : parts_(std::move(parts)) {}

InstanceHub::~InstanceHub() {
  {
    MutexLock lock(&mu_);
    closed_ = true;
  }
  wake_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void InstanceHub::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void InstanceHub::OnChanged(const std::vector<discovery::ServiceName>& services) {
  if (streams_.load(std::memory_order_relaxed) == 0) return;
  {
    MutexLock lock(&mu_);
    any_changed_ = any_changed_ || services.empty() || changed_.size() > kChangedServicesMax;
    if (!any_changed_) changed_.insert(services.begin(), services.end());
  }
  wake_.NotifyOne();
}

void InstanceHub::Post(Task task) {
  {
    MutexLock lock(&mu_);
    if (closed_) return;
    tasks_.push_back(std::move(task));
  }
  wake_.NotifyOne();
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

InstanceHub::Watch* InstanceHub::Find(InstanceStream* stream) {
  const auto found = watches_.find(stream);
  return found == watches_.end() ? nullptr : found->second.get();
}

void InstanceHub::End(Watch* watch, const absl::Status& status) {
  if (std::exchange(watch->ended, true)) return;
  watch->stream->Finish(status);
}

void InstanceHub::Loop() {
  while (true) {
    std::vector<Task> tasks;
    absl::flat_hash_set<discovery::ServiceName> changed;
    bool any = false;
    {
      MutexLock lock(&mu_);
      const absl::Duration next = due_.empty() ? kIdleLook : due_.begin()->first - parts_.clock->SinceBoot();
      if (tasks_.empty() && changed_.empty() && !any_changed_ && !closed_) {
        wake_.WaitFor(&mu_, std::clamp(next, absl::ZeroDuration(), kIdleLook));
      }
      if (closed_) return;
      tasks.swap(tasks_);
      changed.swap(changed_);
      any = std::exchange(any_changed_, false);
    }
    for (Task& task : tasks) std::move(task)();
    ServeChanged(changed, any);
    ServeHeartbeats(parts_.clock->SinceBoot());
    made_.clear();
    looks_.clear();
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
    const Look* const look = LookAt(watch->spec.service);
    if (look == nullptr) continue;
    const Revision revision = look->revision;
    Serve(watch, now);
    if (!watch->writing && watch->has != nullptr && watch->to == nullptr) WriteFrame(watch, ProgressFrame(revision), now);
  }
}

const InstanceHub::Look* InstanceHub::LookAt(const discovery::ServiceName& service) {
  if (const auto found = looks_.find(service); found != looks_.end()) return &found->second;
  const std::shared_ptr<discovery::Catalog> catalog = parts_.catalog();
  if (catalog == nullptr) return nullptr;
  // Before the snapshot: what came up to here is in it.
  const Revision revision = catalog->revision();
  SnapshotPtr snapshot = catalog->Find(service.cluster, service.service);
  if (snapshot == nullptr) snapshot = empty_;
  const Revision shown = std::max(revision, snapshot->revision());
  return &looks_.insert({service, {.snapshot = std::move(snapshot), .revision = shown}}).first->second;
}

void InstanceHub::Serve(Watch* watch, absl::Duration now) {
  while (!watch->ended && !watch->writing) {
    if (watch->to == nullptr) {
      const Look* const look = LookAt(watch->spec.service);
      if (look == nullptr || look->snapshot == watch->has) return;
      watch->to = look->snapshot;
      watch->to_revision = look->revision;
      watch->after.clear();
    }
    if (Frame frame = NextFrame(watch); frame != nullptr) WriteFrame(watch, std::move(frame), now);
  }
}

InstanceHub::Frame InstanceHub::NextFrame(Watch* watch) {
  const SnapshotPtr from = watch->has;
  const SnapshotPtr to = watch->to;
  const std::string name =
      absl::StrCat(absl::Hex(reinterpret_cast<uintptr_t>(from.get())), "-", absl::Hex(reinterpret_cast<uintptr_t>(to.get())), "-",
                   watch->to_revision, "-", watch->after.size(), ":", watch->after, watch->spec.filter.text());
  auto [found, is_new] = made_.try_emplace(name);
  MadeFrame& made = found->second;
  if (is_new) {
    made.from = from;
    made.to = to;
    made.last = true;
    wire::WatchResponse response;
    size_t bytes = 0;
    const discovery::Filter& filter = watch->spec.filter;
    discovery::ForEachDifference(from.get(), to.get(), [&](const InstancePtr& was, const InstancePtr& is) {
      const std::string& id = was != nullptr ? was->name.id : is->name.id;
      if (id <= watch->after || !made.last) return;
      const bool shown = was != nullptr && filter.Matches(*was, absl::Time());
      const bool shows = is != nullptr && filter.Matches(*is, absl::Time());
      if (!shown && !shows) return;
      const size_t more = shows ? InstanceBytes(*is) : id.size();
      if (bytes > 0 && bytes + more > kFrameBytes) {
        made.last = false;
        return;
      }
      bytes += more;
      made.after = id;
      if (shows) {
        FillInstance(*is, response.add_changed());
      } else {
        response.add_removed(id);
      }
    });
    const bool initial = from == nullptr;
    // The end of a snapshot is told even if there was nothing.
    if (initial || bytes > 0) {
      response.set_kind(!initial ? wire::WatchResponse::KIND_CHANGES
                                 : (bytes == 0 ? wire::WatchResponse::KIND_SNAPSHOT_END : wire::WatchResponse::KIND_SNAPSHOT));
      response.set_fragment(!initial && !made.last);
      // A piece of a snapshot says nothing about any revision yet.
      if (!initial || bytes == 0) response.set_revision(watch->to_revision);
      response.set_store_id(parts_.store_id);
      made.frame = std::make_shared<const std::string>(response.SerializeAsString());
      frames_made_.fetch_add(1, std::memory_order_relaxed);
      // Behind the last piece of a snapshot comes one more frame, its end.
      if (initial) made.last = bytes == 0;
    }
  }
  if (made.last) {
    watch->has = watch->to;
    watch->to = nullptr;
    watch->after.clear();
  } else {
    watch->after = made.after;
  }
  return made.frame;
}

InstanceHub::Frame InstanceHub::ProgressFrame(Revision revision) const {
  wire::WatchResponse response;
  response.set_kind(wire::WatchResponse::KIND_PROGRESS);
  response.set_revision(revision);
  response.set_store_id(parts_.store_id);
  return std::make_shared<const std::string>(response.SerializeAsString());
}

void InstanceHub::WriteFrame(Watch* watch, Frame frame, absl::Duration now) {
  watch->writing = true;
  due_.erase({watch->due, watch});
  watch->due = now + watch->spec.heartbeat;
  due_.insert({watch->due, watch});
  watch->stream->Write(std::move(frame));
}

}  // namespace scoutlight::server
