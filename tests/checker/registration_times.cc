#include "tests/checker/registration_times.h"

#include <algorithm>

namespace scoutlight::checker {
namespace {

Nanos Overlap(Nanos from, Nanos to, Nanos begin, Nanos end) { return std::max<Nanos>(0, std::min(to, end) - std::max(from, begin)); }

}  // namespace

RevisionTimes::RevisionTimes(const RegistrationHistory& history, const StoreLog& log) {
  for (const RegistrationCall& call : history.calls) {
    if (call.outcome != Outcome::kOk || call.store != log.store || call.revision == 0) continue;
    Shown(call.returned, call.revision);
    // A repetition tells of then, and so does a drain of an instance that drained already.
    if (!call.replayed && call.kind != CallKind::kDrain) Called(call.called, call.revision);
  }
  for (const DiscoveryRead& read : history.reads) {
    if (read.outcome != Outcome::kOk || read.store != log.store || read.revision == 0) continue;
    Shown(read.returned, read.revision);
    Called(read.called, read.revision);
  }
  for (const SessionStream& stream : history.sessions) {
    if (stream.store != log.store) continue;
    for (const SessionStream::Told& told : stream.told) {
      if (told.revision != 0) Shown(told.received, told.revision);
    }
  }
  for (const ObserverStream& stream : history.observers) {
    for (const InstanceFrame& frame : stream.frames) {
      if (frame.store == log.store && frame.revision != 0) Shown(frame.received, frame.revision);
    }
  }
  Index();
}

void RevisionTimes::Index() {
  const auto by_revision = [](const auto& a, const auto& b) { return a.second < b.second; };
  known_ = shown_;
  std::sort(shown_.begin(), shown_.end());
  for (size_t i = 1; i < shown_.size(); ++i) shown_[i].second = std::max(shown_[i].second, shown_[i - 1].second);
  std::sort(known_.begin(), known_.end(), by_revision);
  for (size_t i = known_.size(); i-- > 1;) known_[i - 1].first = std::min(known_[i - 1].first, known_[i].first);
  std::sort(called_.begin(), called_.end(), by_revision);
  for (const auto& [time, revision] : called_) last_called_ = std::max(last_called_, time);
  for (size_t i = 1; i < called_.size(); ++i) called_[i].first = std::max(called_[i].first, called_[i - 1].first);
}

Revision RevisionTimes::FloorAt(Nanos time) const {
  const auto after = std::lower_bound(shown_.begin(), shown_.end(), std::pair<Nanos, Revision>(time, 0));
  return after == shown_.begin() ? 0 : std::prev(after)->second;
}

Nanos RevisionTimes::KnownBy(Revision revision) const {
  const auto at =
      std::lower_bound(known_.begin(), known_.end(), revision, [](const auto& point, Revision least) { return point.second < least; });
  return at == known_.end() ? kNever : at->first;
}

Nanos RevisionTimes::NotYetAt(Revision revision) const {
  const auto at =
      std::lower_bound(called_.begin(), called_.end(), revision, [](const auto& point, Revision least) { return point.second < least; });
  return at == called_.begin() ? 0 : std::prev(at)->first;
}

Nanos ServerClock::RunAtMost(Nanos from, Nanos to, absl::Duration unnoticed) const {
  Nanos run = 0;
  for (const ServerLife& life : lives_) {
    run += Overlap(from, to, life.spawned, life.ended);
    for (const ServerPause& pause : life.pauses) {
      run -= std::max<Nanos>(0, Overlap(from, to, pause.halted, pause.resumed) - absl::ToInt64Nanoseconds(unnoticed));
    }
  }
  return run;
}

Nanos ServerClock::RunAtLeast(Nanos from, Nanos to) const {
  Nanos run = 0;
  for (const ServerLife& life : lives_) {
    run += Overlap(from, to, life.serving, life.stopping);
    for (const ServerPause& pause : life.pauses) run -= Overlap(from, to, pause.stopped, pause.running);
  }
  return run;
}

Nanos ServerClock::StartAfter(Nanos time) const {
  for (const ServerLife& life : lives_) {
    if (life.spawned > time) return life.spawned;
  }
  return kNever;
}

int ServerClock::StartsWithin(Nanos from, Nanos to) const {
  return static_cast<int>(
      std::count_if(lives_.begin(), lives_.end(), [&](const ServerLife& life) { return life.spawned > from && life.spawned <= to; }));
}

Nanos ServerClock::StartOf(Nanos time) const {
  Nanos start = 0;
  for (const ServerLife& life : lives_) {
    if (life.spawned <= time) start = life.spawned;
  }
  return start;
}

}  // namespace scoutlight::checker
