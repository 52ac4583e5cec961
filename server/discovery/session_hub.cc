#include "server/discovery/session_hub.h"

#include <utility>

#include "server/discovery/live_session.h"

namespace scoutlight::server {
namespace {

// Different services kept as changed; beyond, any may have.
constexpr size_t kChangedServicesMax = 10'000;

}  // namespace

SessionHub::SessionHub(Parts parts) : parts_(std::move(parts)), follows_(parts_.feed) {}

SessionHub::~SessionHub() {
  {
    MutexLock lock(&mu_);
    closed_ = true;
  }
  wake_.NotifyAll();
  if (thread_.joinable()) thread_.join();
  // From now on nothing more is asked.
  MutexLock lock(&mu_);
  while (calls_ > 0) idle_.Wait(&mu_);
}

void SessionHub::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void SessionHub::OnChanged(const std::vector<discovery::ServiceName>& services) {
  if (streams_.load(std::memory_order_relaxed) == 0) return;
  {
    MutexLock lock(&mu_);
    any_changed_ = any_changed_ || services.empty() || changed_.size() > kChangedServicesMax;
    if (!any_changed_) changed_.insert(services.begin(), services.end());
  }
  wake_.NotifyOne();
}

void SessionHub::Post(Task task) {
  {
    MutexLock lock(&mu_);
    if (closed_) return;
    tasks_.push_back(std::move(task));
  }
  wake_.NotifyOne();
}

void SessionHub::BeginCall() {
  MutexLock lock(&mu_);
  ++calls_;
}

void SessionHub::EndCall(Task task) {
  MutexLock lock(&mu_);
  // The destructor waits for this; what comes so late is not done.
  tasks_.push_back(std::move(task));
  if (--calls_ == 0) idle_.NotifyAll();
  wake_.NotifyOne();
}

absl::Status SessionHub::Open(std::shared_ptr<SessionStream> stream, uint64_t connection) {
  if (absl::Status full = parts_.places->Take(); !full.ok()) return full;
  streams_.fetch_add(1, std::memory_order_relaxed);
  Post([this, stream = std::move(stream), connection]() mutable {
    SessionStream* const opened = stream.get();
    const auto live = std::make_shared<LiveSession>(this, std::move(stream), connection);
    live_[opened] = live;
    if (!drained_.ok()) return live->Stop(drained_);
    live->ReadNext();
  });
  return absl::OkStatus();
}

void SessionHub::Take(SessionStream* stream, absl::StatusOr<SessionStep> step) {
  Post([this, stream, step = std::move(step)]() mutable {
    if (LiveSession* const live = Find(stream); live != nullptr) live->Take(std::move(step));
  });
}

void SessionHub::OnReadsDone(SessionStream* stream) {
  Post([this, stream] {
    if (LiveSession* const live = Find(stream); live != nullptr) live->End(absl::OkStatus());
  });
}

void SessionHub::OnWritten(SessionStream* stream) {
  Post([this, stream] {
    if (LiveSession* const live = Find(stream); live != nullptr) live->OnWritten();
  });
}

void SessionHub::OnCancelled(SessionStream* stream) {
  Post([this, stream] {
    if (LiveSession* const live = Find(stream); live != nullptr) live->Stop(absl::CancelledError("the caller has gone"));
  });
}

void SessionHub::OnClosed(SessionStream* stream) {
  Post([this, stream] {
    const auto found = live_.find(stream);
    if (found == live_.end()) return;
    LiveSession* const live = found->second.get();
    live->UnfollowAll();
    const auto session = by_session_.find(live->session_id());
    if (session != by_session_.end() && session->second == live) by_session_.erase(session);
    live_.erase(found);
    streams_.fetch_sub(1, std::memory_order_relaxed);
    parts_.places->GiveBack();
  });
}

void SessionHub::Drain(absl::Status reason) {
  Post([this, reason = std::move(reason)] {
    drained_ = reason;
    for (const auto& [stream, live] : live_) live->Stop(drained_);
  });
}

LiveSession* SessionHub::Find(SessionStream* stream) {
  const auto found = live_.find(stream);
  return found == live_.end() ? nullptr : found->second.get();
}

void SessionHub::TakeOver(const std::string& id, LiveSession* live) {
  LiveSession*& current = by_session_[id];
  if (current != nullptr) current->Stop(OpenedElsewhere());
  current = live;
}

void SessionHub::Loop() {
  while (true) {
    std::vector<Task> tasks;
    absl::flat_hash_set<discovery::ServiceName> changed;
    bool any = false;
    {
      MutexLock lock(&mu_);
      while (tasks_.empty() && changed_.empty() && !any_changed_ && !closed_) wake_.Wait(&mu_);
      if (closed_) return;
      tasks.swap(tasks_);
      changed.swap(changed_);
      any = std::exchange(any_changed_, false);
    }
    for (Task& task : tasks) std::move(task)();
    for (const auto& [live, name] : any ? follows_.LookAtAll() : follows_.Look(changed)) live->OnChanged(name);
  }
}

}  // namespace scoutlight::server
