#include "server/discovery/session_hub.h"

#include <optional>
#include <utility>

#include "server/discovery/live_session.h"

namespace scoutlight::server {

SessionHub::SessionHub(Parts parts) : parts_(std::move(parts)), follows_(parts_.feed) {}

SessionHub::~SessionHub() {
  inbox_.Close();
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
  inbox_.NoteChanged(services);
}

void SessionHub::BeginCall() {
  MutexLock lock(&mu_);
  ++calls_;
}

void SessionHub::EndCall(Task task) {
  Post(std::move(task));
  // The destructor waits for this.
  MutexLock lock(&mu_);
  if (--calls_ == 0) idle_.NotifyAll();
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
  while (std::optional<HubInbox::Round> round = inbox_.Take(HubInbox::kIdleLook)) {
    for (Task& task : round->tasks) std::move(task)();
    for (const auto& [live, name] : round->any_changed ? follows_.LookAtAll() : follows_.Look(round->changed)) live->OnChanged(name);
  }
}

}  // namespace scoutlight::server
