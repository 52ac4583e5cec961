// What is sent of the changes: to watches that are current, and to those that are behind.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "server/watch/watch_dispatcher.h"
#include "storage/store_errors.h"

namespace scoutlight::server {
namespace {

// A watch at most so far behind is brought up from the recent batches at once; further behind, the pass looks them up for all.
constexpr size_t kNearBatchesMax = 64;
constexpr size_t kNearBytesMax = 256 * limits::kKiB;
// Of a piece of history that the pass takes at a time.
constexpr size_t kPieceBatchesMax = 4'096;
constexpr size_t kPieceBytesMax = 1 * limits::kMiB;
// Timers of watches that have ended, beside as many as watches.
constexpr size_t kEndedTimersMax = 1'024;
constexpr size_t kSharedFrameBytesMax = 8 * limits::kMiB;

const KeyRange kEverything{Key(), Scope::kSubtree};

}  // namespace

void WatchDispatcher::BeginRound(absl::Duration now, bool stale) {
  now_ = now;
  stale_ = stale;
  Retry();
  FireTimers();
  ServeReady();
}

void WatchDispatcher::StartAt(Revision revision) { shown_ = revision; }

void WatchDispatcher::ShowBatches(const std::vector<BatchPtr>& batches, Revision to) {
  for (const BatchPtr& batch : batches) {
    for (uint32_t event = 0; event < batch->events.size(); ++event) {
      index_.ForEachMatch(batch->events[event].key, [&](Interest& interest) {
        if (interest.current.empty()) return;
        if (interest.hits.empty()) touched_.push_back(&interest);
        interest.hits.push_back(event);
      });
    }
    for (Interest* interest : touched_) Deliver(*interest, *batch);
    touched_.clear();
    shown_ = batch->revision;
  }
  shown_ = std::max(shown_, to);
  ServeReady();
}

void WatchDispatcher::Deliver(Interest& interest, const Batch& batch) {
  const std::vector<Matches> matches{{&batch, std::exchange(interest.hits, {})}};
  const ChangesFrame built = BuildChanges(matches, {batch.revision, 0}, batch.revision, FormOf(interest));
  const bool whole = built.next.event == 0;
  size_t kept = 0;
  for (size_t i = 0; i < interest.current.size(); ++i) {
    Watch& watch = *interest.current[i];
    if (whole && !watch.stream->busy) {
      Write(watch, built.bytes);
      watch.place = kept;
      interest.current[kept++] = &watch;
      continue;
    }
    watch.current = false;
    watch.next = {batch.revision, 0};
    Queue(watch);
  }
  interest.current.resize(kept);
}

ChangesForm WatchDispatcher::FormOf(const Interest& interest) const {
  return {.store_id = store_id_, .previous = interest.previous, .bytes_max = limits_.frame_bytes_max};
}

void WatchDispatcher::SkipTo(Revision revision) {
  const Revision next = shown_ + 1;
  for (const auto& [serial, watch] : watches_) {
    if (!watch->current) continue;
    LeaveCurrent(*watch);
    watch->next = {next, 0};
    Queue(*watch);
  }
  shown_ = std::max(shown_, revision);
  ServeReady();
}

void WatchDispatcher::OnWritten(WatchStream* call) {
  Stream* const stream = Find(call);
  if (stream == nullptr) return;
  stream->busy = false;
  Serve(*stream);
  ServeReady();
}

void WatchDispatcher::Queue(Watch& watch) {
  if (!std::exchange(watch.queued, true)) watch.stream->wants.push_back(&watch);
  if (!watch.stream->busy) ready_.push_back(watch.stream);
}

void WatchDispatcher::ServeReady() {
  // By index: serving one may make another ready.
  for (size_t i = 0; i < ready_.size(); ++i) Serve(*ready_[i]);
  ready_.clear();
}

void WatchDispatcher::Serve(Stream& stream) {
  while (!stream.busy && !stream.finished && !stream.refusals.empty()) {
    stream.busy = true;
    stream.call->Write(stream.refusals.front().first, EndedFrame(stream.refusals.front().second));
    stream.refusals.pop_front();
    ReadOn(stream);
  }
  while (!stream.busy && !stream.finished && !stream.wants.empty()) {
    Watch& watch = *stream.wants.front();
    stream.wants.pop_front();
    watch.queued = false;
    ServeWatch(watch);
  }
  if (!stream.busy && stream.end != nullptr && stream.watches.empty() && stream.refusals.empty()) Finish(stream, *stream.end);
}

void WatchDispatcher::ServeWatch(Watch& watch) {
  switch (watch.phase) {
    case Watch::Phase::kChecking:
      return WantPage(watch);
    case Watch::Phase::kSnapshot:
      return ServeSnapshot(watch);
    case Watch::Phase::kChanges:
      return ServeChanges(watch);
    case Watch::Phase::kEnding:
      Write(watch, EndedFrame(*watch.end));
      return Erase(watch);
  }
}

void WatchDispatcher::ServeChanges(Watch& watch) {
  if (std::exchange(watch.progress_due, false) && watch.started && now_ - watch.last_frame >= watch.heartbeat) {
    SendProgress(watch);
    if (!watch.current && !watch.behind) Queue(watch);
    return;
  }
  if (watch.current || watch.behind) return;
  // Beyond what was shown: a snapshot may be ahead of it, and so may a start that the store has reached.
  if (watch.next.revision > shown_ + 1) return pass_.Add(&watch);
  if (watch.next == Cursor{shown_ + 1, 0} && watch.started) return MakeCurrent(watch);
  if (watch.next == Cursor{shown_ + 1, 0}) {
    Write(watch, StartedFrame(SentUpTo(watch), store_id_));
    watch.started = true;
    return Queue(watch);
  }
  if (!SendRecent(watch)) pass_.Add(&watch);
}

bool WatchDispatcher::SendRecent(Watch& watch) {
  if (shown_ - watch.next.revision >= static_cast<Revision>(kNearBatchesMax)) return false;
  if (recent_.shown != shown_ || recent_.bytes > kSharedFrameBytesMax) recent_ = {.shown = shown_, .frames = {}};
  const auto [shared, made] = recent_.frames.try_emplace({watch.interest->id, watch.next});
  if (made) {
    const std::optional<BatchRun> run = inbox_->Recent(watch.next.revision, shown_, kNearBatchesMax, kNearBytesMax);
    if (!run.has_value() || run->to < shown_) {
      recent_.frames.erase(shared);
      return false;
    }
    shared->second = BuildChanges(FindMatches(run->batches, *watch.interest), watch.next, shown_, FormOf(*watch.interest));
    if (shared->second.bytes != nullptr) recent_.bytes += shared->second.bytes->size();
  }
  if (!watch.started) {
    Write(watch, StartedFrame(SentUpTo(watch), store_id_));
    watch.started = true;
    Queue(watch);
    return true;
  }
  watch.next = shared->second.next;
  if (shared->second.bytes == nullptr) {
    MakeCurrent(watch);
    return true;
  }
  Write(watch, shared->second.bytes);
  Queue(watch);
  return true;
}

void WatchDispatcher::Write(Watch& watch, const FrameBytes& frame) {
  watch.stream->busy = true;
  watch.last_frame = now_;
  watch.stream->call->Write(watch.id, frame);
}

void WatchDispatcher::MakeCurrent(Watch& watch) {
  watch.current = true;
  watch.place = watch.interest->current.size();
  watch.interest->current.push_back(&watch);
}

void WatchDispatcher::LeaveCurrent(Watch& watch) {
  if (!std::exchange(watch.current, false)) return;
  watch.next = {shown_ + 1, 0};
  std::vector<Watch*>& current = watch.interest->current;
  current[watch.place] = current.back();
  current[watch.place]->place = watch.place;
  current.pop_back();
}

void WatchDispatcher::SendProgress(Watch& watch) {
  const Revision revision = SentUpTo(watch);
  if (progress_frame_ == nullptr || progress_revision_ != revision) {
    progress_frame_ = ProgressFrame(revision, store_id_);
    progress_revision_ = revision;
  }
  Write(watch, progress_frame_);
}

void WatchDispatcher::FireTimers() {
  while (!timers_.empty() && timers_.top().first <= now_) {
    const auto found = watches_.find(timers_.top().second);
    timers_.pop();
    if (found == watches_.end()) continue;
    Watch& watch = *found->second;
    const absl::Duration due = watch.last_frame + watch.heartbeat;
    SetTimer(watch, due > now_ ? due : now_ + watch.heartbeat);
    if (due > now_ || stale_ || watch.phase != Watch::Phase::kChanges) continue;
    // A client that does not read is not told once more that nothing happened.
    if (watch.stream->busy && watch.stream->form == Stream::Form::kOne) continue;
    watch.progress_due = true;
    Queue(watch);
  }
}

void WatchDispatcher::PruneTimers() {
  if (timers_.size() <= 2 * watches_.size() + kEndedTimersMax) return;
  std::vector<Timer> live;
  live.reserve(watches_.size());
  for (const auto& [serial, watch] : watches_) live.emplace_back(watch->last_frame + watch->heartbeat, serial);
  timers_ = decltype(timers_)(std::greater<Timer>(), std::move(live));
}

absl::Duration WatchDispatcher::NextDeadline() const {
  absl::Duration next = retry_at_;
  if (!timers_.empty()) next = std::min(next, timers_.top().first);
  if (history_retry_at_ > now_) next = std::min(next, history_retry_at_);
  return next;
}

bool WatchDispatcher::CatchUp() {
  const bool caught_up = TakeCaughtUp();
  // One piece of either part each time: neither waits for the other.
  const Revision recent_after = std::min(inbox_->RecentAfter(), shown_);
  const bool recent = CatchUpFromRecent(recent_after);
  const bool log = CatchUpFromLog(recent_after);
  return caught_up || recent || log;
}

bool WatchDispatcher::TakeCaughtUp() {
  const std::vector<Watch*> caught_up = pass_.TakeBetween(shown_ + 1, shown_ + 1);
  for (Watch* watch : caught_up) Queue(*watch);
  ServeReady();
  return !caught_up.empty();
}

bool WatchDispatcher::CatchUpFromRecent(Revision after) {
  const std::optional<Revision> stop = pass_.NextStop(Part::kRecent, after + 1, shown_);
  if (!stop.has_value()) return false;
  if (!pass_.piece(Part::kRecent).Covers(*stop)) {
    std::optional<BatchRun> recent = inbox_->Recent(*stop, shown_, kPieceBatchesMax, kPieceBytesMax);
    // Gone since `after` was asked for: the next round finds it in the log.
    if (!recent.has_value()) return true;
    pass_.SetPiece(Part::kRecent, *std::move(recent));
  }
  ServePiece(Part::kRecent);
  return true;
}

bool WatchDispatcher::CatchUpFromLog(Revision to) {
  if (reading_history_) return false;
  const std::optional<Revision> stop = pass_.NextStop(Part::kLog, 0, to);
  if (!stop.has_value()) return false;
  if (pass_.piece(Part::kLog).Covers(*stop)) {
    ServePiece(Part::kLog);
    return true;
  }
  // The answer is served when it comes.
  if (now_ >= history_retry_at_) ReadHistory(*stop);
  return false;
}

void WatchDispatcher::ServePiece(Part part) {
  const Revision to = pass_.piece(part).to;
  for (Watch* watch : pass_.TakeBetween(pass_.piece(part).from, to)) {
    // Its stream's line comes first; it is back when it is its turn.
    if (watch->stream->busy || watch->phase != Watch::Phase::kChanges) {
      Queue(*watch);
      continue;
    }
    if (!watch->started) {
      Write(*watch, StartedFrame(SentUpTo(*watch), store_id_));
      watch->started = true;
      Queue(*watch);
      continue;
    }
    const ChangesFrame& frame = pass_.FrameFor(part, *watch, FormOf(*watch->interest));
    watch->next = frame.next;
    if (frame.bytes != nullptr) Write(*watch, frame.bytes);
    if (frame.bytes == nullptr && watch->next.revision <= shown_) {
      pass_.Add(watch);
    } else {
      Queue(*watch);
    }
  }
  pass_.LeavePiece(part);
  ServeReady();
}

void WatchDispatcher::ReadHistory(Revision from) {
  reading_history_ = true;
  store_.History(from, shown_, kEverything, kPieceBytesMax, [this, inbox = inbox_, from](storage::HistoryPage page) {
    inbox->Post(WatchInbox::Order::kThen, [this, from, page = std::move(page)]() mutable { OnHistory(from, std::move(page)); });
  });
}

void WatchDispatcher::OnHistory(Revision from, storage::HistoryPage page) {
  reading_history_ = false;
  switch (page.status.code()) {
    case absl::StatusCode::kOk:
      pass_.SetPiece(Part::kLog, {.from = from, .to = page.next - 1, .batches = std::move(page.batches)});
      return ServePiece(Part::kLog);
    case absl::StatusCode::kOutOfRange:
      // What is compacted but still among the recent batches is sent from there.
      for (Watch* watch : pass_.TakeBetween(0, std::min(page.oldest_revision, inbox_->RecentAfter()))) {
        FallBehindCompaction(*watch, page.oldest_revision);
      }
      break;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      history_retry_at_ = now_ + limits_.retry_after;
      break;
    default:
      for (Watch* watch : pass_.TakeBetween(from, from)) End(*watch, page.status);
  }
  ServeReady();
}

void WatchDispatcher::FallBehindCompaction(Watch& watch, Revision oldest) {
  if (!watch.include_snapshot) return End(watch, AboutField(storage::Compacted(watch.next.revision, oldest), ""), oldest);
  watch.phase = Watch::Phase::kSnapshot;
  watch.snapshot = std::make_unique<SnapshotProgress>();
  Queue(watch);
}

}  // namespace scoutlight::server
