#include "tests/checker/simulated_watch.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "tests/checker/request_mix.h"

namespace scoutlight::checker {
namespace {

constexpr Nanos kFrameTime = 2'000;

}  // namespace

SimulatedWatch::SimulatedWatch(Collector, uint64_t seed) : is_collector_(true), random_(seed) {
  chain_.range = {Key(), Scope::kSubtree};
  chain_.include_previous = true;
  sent_ = 1;
  started_once_ = true;
}

SimulatedWatch::SimulatedWatch(int client, uint64_t seed) : random_(seed) {
  chain_.client = client;
  chain_.range = DrawWatched(&random_);
  chain_.include_previous = Chance(50);
  include_snapshot_ = Chance(50);
}

void SimulatedWatch::Pump(Nanos now, const storage::ReferenceModel& model) {
  time_ = std::max(time_, now);
  if (!open_) Open(model);
  if (!open_ || model.latest() == sent_) return;
  if (!is_collector_ && sent_ + 1 <= model.oldest()) {
    if (!include_snapshot_) {
      started_once_ = false;
      include_snapshot_ = true;
      return End(time_, {absl::StatusCode::kOutOfRange, Reason::kCompacted, sent_, model.oldest()});
    }
    SendSnapshot(model);
    return;
  }
  const Revision to = sent_ + 1 + Below(model.latest() - sent_);
  SendChanges(model.History(sent_ + 1, to, chain_.range), to);
  if (open_ && Chance(2)) Break(time_);
}

void SimulatedWatch::Drain(Nanos now, const storage::ReferenceModel& model) {
  while (!open_ || sent_ < model.latest()) {
    Pump(now, model);
    now = time_ + kFrameTime;
  }
  Send(Frame::Kind::kProgress, sent_);
  chain_.reached = model.latest();
}

void SimulatedWatch::Open(const storage::ReferenceModel& model) {
  open_ = true;
  WatchStream stream;
  stream.called = time_;
  stream.start_revision = started_once_ ? sent_ + 1 : 0;
  stream.include_snapshot = include_snapshot_;
  // A store that finds out later that the changes are compacted away sends the state later.
  const bool resumes = started_once_;
  const bool left_behind = !is_collector_ && resumes && sent_ + 1 <= model.oldest() && Chance(50);
  const bool begins_with_state = include_snapshot_ && (!resumes || left_behind);
  if (!resumes) sent_ = model.latest();
  started_once_ = true;
  chain_.streams.push_back(std::move(stream));
  Send(Frame::Kind::kStarted, begins_with_state ? 0 : sent_);
  // Without a state there is nowhere to go on.
  if (begins_with_state && !SendSnapshot(model)) started_once_ = resumes;
}

void SimulatedWatch::Break(Nanos now) {
  if (open_) End(now, {absl::StatusCode::kUnavailable, Reason::kUnspecified});
}

void SimulatedWatch::End(Nanos now, Failure end) {
  open_ = false;
  chain_.streams.back().ended = std::max(now, time_);
  chain_.streams.back().end = end;
}

bool SimulatedWatch::SendSnapshot(const storage::ReferenceModel& model) {
  storage::Query query;
  query.range = chain_.range;
  query.entries_max = std::numeric_limits<int>::max();
  query.bytes_max = std::numeric_limits<size_t>::max();
  std::vector<Entry> entries = model.Read(query).entries;
  bool first = true;
  while (!entries.empty()) {
    const size_t count = 1 + Below(static_cast<Nanos>(entries.size()));
    Frame& frame = Send(Frame::Kind::kSnapshot, model.latest());
    frame.restart = std::exchange(first, false);
    frame.entries.assign(entries.begin(), entries.begin() + static_cast<int64_t>(count));
    entries.erase(entries.begin(), entries.begin() + static_cast<int64_t>(count));
    if (Chance(5)) {
      Break(time_);
      return false;
    }
  }
  Send(Frame::Kind::kSnapshotEnd, model.latest()).restart = first;
  sent_ = model.latest();
  return true;
}

void SimulatedWatch::SendChanges(std::vector<Batch> batches, Revision latest) {
  size_t next = 0;
  while (open_ && next < batches.size()) {
    if (batches[next].events.size() > 1 && Chance(10)) {
      SendFragments(batches[next++]);
      continue;
    }
    Frame& frame = Send(Frame::Kind::kChanges, 0);
    for (size_t count = 1 + Below(4); count > 0 && next < batches.size(); --count, ++next) {
      frame.events.insert(frame.events.end(), batches[next].events.begin(), batches[next].events.end());
      frame.revision = batches[next].revision;
    }
    for (Event& event : frame.events) {
      event.previous_known = chain_.include_previous;
      if (!chain_.include_previous) event.previous.reset();
    }
    sent_ = frame.revision;
  }
  if (!open_ || !Chance(50)) return;
  sent_ = latest;
  Send(Frame::Kind::kProgress, latest);
}

void SimulatedWatch::SendFragments(const Batch& batch) {
  for (size_t i = 0; i < batch.events.size(); ++i) {
    Frame& frame = Send(Frame::Kind::kChanges, batch.revision - 1);
    frame.events = {batch.events[i]};
    frame.events[0].previous_known = chain_.include_previous;
    if (!chain_.include_previous) frame.events[0].previous.reset();
    frame.fragment = i + 1 < batch.events.size();
    if (!frame.fragment) frame.revision = sent_ = batch.revision;
    if (frame.fragment) sent_ = batch.revision - 1;
    if (frame.fragment && Chance(20)) return Break(time_);
  }
}

Frame& SimulatedWatch::Send(Frame::Kind kind, Revision revision) {
  Frame frame;
  frame.kind = kind;
  frame.received = time_ += 1 + Below(kFrameTime);
  frame.revision = revision;
  chain_.streams.back().frames.push_back(std::move(frame));
  return chain_.streams.back().frames.back();
}

}  // namespace scoutlight::checker
