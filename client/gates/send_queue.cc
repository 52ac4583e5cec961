#include "client/gates/send_queue.h"

#include <algorithm>
#include <utility>

namespace scoutlight::client {

absl::Status SendQueue::Push(std::string&& body, absl::Duration timeout) {
  {
    MutexLock lock(&mu_);
    if (absl::Status full = room_.Take(body.size(), timeout, &mu_); !full.ok()) return full;
    ++counters_.pushed;
    queue_.push_back(std::move(body));
    if (idle_.empty()) return absl::OkStatus();
  }
  Pump();
  return absl::OkStatus();
}

void SendQueue::MayBeIdle(const LinePtr& line) {
  auto& state = line->to_send;
  if (state.peers == 0 || state.retired || state.sending || state.idle) return;
  state.idle = true;
  idle_.push_back(line);
}

bool SendQueue::TakeNext(LinePtr* line, std::string* body) {
  MutexLock lock(&mu_);
  while (!idle_.empty()) {
    auto& state = idle_.front()->to_send;
    if (state.peers > 0 && !state.retired && queue_.empty()) return false;
    *line = std::move(idle_.front());
    idle_.pop_front();
    state.idle = false;
    if (state.peers == 0 || state.retired) continue;
    state.sending = true;
    *body = std::move(queue_.front());
    queue_.pop_front();
    state.sending_bytes = body->size();
    return true;
  }
  return false;
}

void SendQueue::Pump() {
  LinePtr line;
  std::string body;
  while (TakeNext(&line, &body)) {
    if (line->socket().Send(std::move(body)).ok()) continue;
    // It is closed, or there is no memory: it is tried again when its peers change.
    MutexLock lock(&mu_);
    line->to_send.sending = false;
    queue_.push_front(std::move(body));
  }
}

void SendQueue::OnPeers(const LinePtr& line, int peers) {
  {
    MutexLock lock(&mu_);
    line->to_send.peers = peers;
    MayBeIdle(line);
  }
  Pump();
}

void SendQueue::OnSent(const LinePtr& line, const absl::Status& status, std::string body) {
  {
    MutexLock lock(&mu_);
    line->to_send.sending = false;
    if (status.ok()) {
      ++counters_.sent;
      counters_.sent_bytes += static_cast<int64_t>(line->to_send.sending_bytes);
      room_.Free(line->to_send.sending_bytes);
    } else {
      queue_.push_front(std::move(body));
    }
    // A closed one is not asked again.
    if (status.code() != absl::StatusCode::kFailedPrecondition) MayBeIdle(line);
  }
  Pump();
}

void SendQueue::Retire(const LinePtr& line) {
  MutexLock lock(&mu_);
  line->to_send.retired = true;
  if (!std::exchange(line->to_send.idle, false)) return;
  idle_.erase(std::find(idle_.begin(), idle_.end(), line));
}

bool SendQueue::IsIdle(const LinePtr& line) const {
  MutexLock lock(&mu_);
  return !line->to_send.sending;
}

void SendQueue::Stop() {
  MutexLock lock(&mu_);
  room_.Stop();
}

int64_t SendQueue::AwaitEmpty(absl::Duration timeout) {
  MutexLock lock(&mu_);
  return room_.AwaitEmpty(timeout, &mu_);
}

void SendQueue::Drop() {
  MutexLock lock(&mu_);
  for (const std::string& body : queue_) room_.Free(body.size());
  queue_.clear();
}

void SendQueue::Count(GateCounters* counters) const {
  MutexLock lock(&mu_);
  counters->pushed += counters_.pushed;
  counters->sent += counters_.sent;
  counters->sent_bytes += counters_.sent_bytes;
  room_.Count(counters);
}

}  // namespace scoutlight::client
