#include "client/watch/event_buffer.h"

#include <algorithm>

#include "base/clock.h"

namespace scoutlight::client {
namespace {

// What an event counts for by itself.
constexpr size_t kEventBytes = 128;

bool IsPartOfState(const WatchEvent& event) { return event.kind == WatchEvent::Kind::kReset || event.kind == WatchEvent::Kind::kSnapshot; }

}  // namespace

size_t EventBytes(const WatchEvent& event) {
  size_t bytes = kEventBytes;
  for (const Entry& entry : event.entries) bytes += EntryBytes(entry);
  for (const Event& change : event.events) {
    bytes += change.key.path().size() + EntryBytes(change.entry);
    if (change.previous.has_value()) bytes += EntryBytes(*change.previous);
  }
  return bytes;
}

bool EventBuffer::Push(std::vector<WatchEvent> events) {
  bool first = false;
  bool has_room = false;
  {
    MutexLock lock(&mu_);
    if (end_.has_value()) return true;
    first = events_.empty() && !events.empty();
    for (WatchEvent& event : events) AddLocked(std::move(event));
    full_ = bytes_ >= bytes_max_;
    has_room = !full_;
    if (first) changed_.NotifyAll();
  }
  if (first) hooks_.on_events();
  return has_room;
}

void EventBuffer::AddLocked(WatchEvent event) {
  const bool anew = event.kind == WatchEvent::Kind::kReset;
  const bool newer = event.kind == WatchEvent::Kind::kProgress && !events_.empty() && events_.back().kind == event.kind;
  while (!events_.empty() && ((anew && IsPartOfState(events_.back())) || newer)) {
    bytes_ -= EventBytes(events_.back());
    events_.pop_back();
    if (newer) break;
  }
  bytes_ += EventBytes(event);
  events_.push_back(std::move(event));
}

bool EventBuffer::has_room() const {
  MutexLock lock(&mu_);
  return !full_;
}

void EventBuffer::End(absl::Status why) {
  {
    MutexLock lock(&mu_);
    if (end_.has_value()) return;
    end_ = std::move(why);
    changed_.NotifyAll();
  }
  hooks_.on_events();
}

void EventBuffer::SetTrouble(absl::Status trouble) {
  MutexLock lock(&mu_);
  trouble_ = std::move(trouble);
}

std::optional<WatchEvent> EventBuffer::TakeLocked(bool* room) {
  if (events_.empty()) return std::nullopt;
  std::optional<WatchEvent> event = std::move(events_.front());
  events_.pop_front();
  ++taken_;
  bytes_ -= EventBytes(*event);
  // Not at once: each time costs the watch a resumption.
  *room = full_ && bytes_ <= bytes_max_ / 2;
  if (*room) full_ = false;
  return event;
}

std::optional<WatchEvent> EventBuffer::TryTake() {
  bool room = false;
  std::optional<WatchEvent> event;
  {
    MutexLock lock(&mu_);
    event = TakeLocked(&room);
  }
  if (room) hooks_.on_room();
  return event;
}

std::optional<WatchEvent> EventBuffer::Take(absl::Duration timeout) {
  const absl::Duration deadline = Clock::System().SinceBoot() + timeout;
  bool room = false;
  std::optional<WatchEvent> event;
  {
    MutexLock lock(&mu_);
    for (;;) {
      event = TakeLocked(&room);
      const absl::Duration left = deadline - Clock::System().SinceBoot();
      if (event.has_value() || end_.has_value() || left <= absl::ZeroDuration()) break;
      // A wait of steady time has to end: an infinite one does not convert.
      changed_.WaitFor(&mu_, std::min(left, absl::Hours(1)));
    }
  }
  if (room) hooks_.on_room();
  return event;
}

std::optional<absl::Status> EventBuffer::end() const {
  MutexLock lock(&mu_);
  if (!events_.empty()) return std::nullopt;
  return end_;
}

absl::Status EventBuffer::trouble() const {
  MutexLock lock(&mu_);
  return trouble_;
}

int64_t EventBuffer::taken() const {
  MutexLock lock(&mu_);
  return taken_;
}

}  // namespace scoutlight::client
