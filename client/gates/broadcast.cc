#include "client/gates/broadcast.h"

#include <algorithm>
#include <utility>

namespace scoutlight::client {

absl::Status Broadcast::Push(std::string&& body, absl::Duration) {
  std::vector<LinePtr> lines;
  {
    MutexLock lock(&mu_);
    if (stopped_) return absl::FailedPreconditionError("the gate is closed");
    lines = lines_;
  }
  const std::string taken = std::move(body);
  int64_t sent = 0;
  for (const LinePtr& line : lines) sent += line->socket().Send(std::string(taken)).ok();
  MutexLock lock(&mu_);
  ++counters_.pushed;
  counters_.sent += sent;
  counters_.sent_bytes += sent * static_cast<int64_t>(taken.size());
  counters_.unsent += sent == 0;
  return absl::OkStatus();
}

void Broadcast::OnPeers(const LinePtr& line, int peers) {
  MutexLock lock(&mu_);
  line->to_send.peers = peers;
  const bool usable = peers > 0 && !line->to_send.retired;
  const auto found = std::find(lines_.begin(), lines_.end(), line);
  if (usable && found == lines_.end()) lines_.push_back(line);
  if (!usable && found != lines_.end()) lines_.erase(found);
}

void Broadcast::Retire(const LinePtr& line) {
  MutexLock lock(&mu_);
  line->to_send.retired = true;
  lines_.erase(std::remove(lines_.begin(), lines_.end(), line), lines_.end());
}

void Broadcast::Stop() {
  MutexLock lock(&mu_);
  stopped_ = true;
}

void Broadcast::Count(GateCounters* counters) const {
  MutexLock lock(&mu_);
  counters->pushed += counters_.pushed;
  counters->sent += counters_.sent;
  counters->sent_bytes += counters_.sent_bytes;
  counters->unsent += counters_.unsent;
}

}  // namespace scoutlight::client
