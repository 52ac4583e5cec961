#include "storage/etcd/etcd_follower.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "storage/etcd/etcd_errors.h"

namespace scoutlight::storage {
namespace {

// What is kept of this store's own answers; the rest the watch brings.
constexpr size_t kOwnBytesMax = 16 * limits::kMiB;
// What is taken of a response, or shown of what was brought, in one turn.
constexpr int kTurnEventsMax = 256;
constexpr size_t kTurnChangesMax = 256;
// A watch that brings what has been shown already is read in turns.
constexpr absl::Duration kRest = absl::Milliseconds(2);
constexpr absl::Duration kTurn = absl::Microseconds(500);
// Not if it is so many revisions behind: then what others change would come late.
constexpr Revision kRestLagMax = 64;
// Nor while this store writes less than so much at once: then a turn costs more switches of threads than it saves.
constexpr size_t kRestWritesMin = 8;

}  // namespace

EtcdFollower::EtcdFollower(EtcdClient& client, const EtcdMapping& mapping, EtcdFence& fence, StoreId store_id, EtcdFollowerOptions options)
    : client_(client),
      mapping_(mapping),
      fence_(fence),
      store_id_(std::move(store_id)),
      options_(options),
      backlog_(client, mapping, BacklogOptions()) {}

EtcdBacklogOptions EtcdFollower::BacklogOptions() {
  return {.retry_after = options_.retry_after,
          .read =
              [this] {
                has_heard_ = true;
                ShowBrought();
              },
          // A watch that is paused does not notice its end.
          .lost = [this] { BeginLater(); },
          .stopped = [this](const absl::Status& why) { Stop(why); }};
}

void EtcdFollower::Follow(Revision after, std::shared_ptr<Sink> sink) {
  DropWatch();
  sink_ = std::move(sink);
  shown_ = after;
  mark_ = std::nullopt;
  // What was known is the earlier sink's.
  fresh_ = std::nullopt;
  behind_since_.set(options_.clock->SinceBoot());
  problem_ = absl::OkStatus();
  LookAfter();
  Begin();
}

void EtcdFollower::Begin() {
  DropWatch();
  const int64_t watch = watches_;
  fenced_ = 0;
  fence_is_due_ = true;
  // Before the read, which is linearizable; answers that come while it is under way may be ahead of it.
  const Revision known = std::max(shown_, answered_);
  etcdserverpb::RangeRequest request;
  request.set_key(mapping_.identity_key());
  client_.Range(std::move(request), [this, watch, known](const RpcOutcome& outcome, const etcdserverpb::RangeResponse& response) {
    if (watch != watches_) return;
    if (!outcome.ok()) return BeginLater();
    EtcdIdentity there;
    if (response.kvs_size() > 0) {
      absl::StatusOr<EtcdIdentity> decoded = EtcdMapping::DecodeIdentity(response.kvs(0));
      if (!decoded.ok()) return Stop(decoded.status());
      there = *std::move(decoded);
    }
    if (there.restoring || there.id != store_id_ || response.header().revision() < known) {
      return Stop(StoreExchanged(absl::StrCat("etcd now holds store \"", there.id, "\" at revision ", response.header().revision(),
                                              ", this server has seen store \"", store_id_, "\" up to revision ", known,
                                              ": it was wiped, restored or exchanged; start the server anew")));
    }
    CheckAnswers(response.header().revision());
  });
}

void EtcdFollower::CheckAnswers(Revision latest) {
  if (!answered_mark_.has_value() || answered_mark_->revision <= shown_) return BeginBehind(latest);
  Search({answered_mark_->revision, answered_mark_}, [this, latest](const PointSearch&) { BeginBehind(latest); });
}

void EtcdFollower::BeginBehind(Revision latest) {
  Search({shown_, mark_}, [this, latest](const PointSearch& search) {
    // What was compacted away last may be the very revision that is due, of which etcd shows no deletes.
    if (search.found == PointSearch::Found::kCompacted) {
      OnGap(std::max(latest, shown_ + 1));
      return Begin();
    }
    mark_ = search.mark;
    Watch();
  });
}

void EtcdFollower::Search(const HistoryPoint& point, absl::AnyInvocable<void(const PointSearch&) &&> then) {
  SearchPoint(client_, mapping_, point,
              [this, watch = watches_, revision = point.revision, then = std::move(then)](const PointSearch& search) mutable {
                if (watch != watches_) return;
                if (!search.outcome.ok()) return BeginLater();
                if (search.found != PointSearch::Found::kOther) return std::move(then)(search);
                Stop(OtherHistory(revision));
              });
}

absl::Status EtcdFollower::OtherHistory(Revision revision) const {
  return StoreExchanged(absl::StrCat("etcd now has another history of store \"", store_id_, "\" at revision ", revision,
                                     " than this server has seen: it was restored, and written to since; start the server anew"));
}

void EtcdFollower::Watch() {
  etcdserverpb::WatchCreateRequest request;
  SetRange(mapping_.Watched(), &request);
  request.set_start_revision(shown_ + 1);
  request.set_fragment(true);
  events_.emplace(mapping_);
  began_ = {shown_, mark_};
  is_created_ = false;
  const auto stream = client_.Watch(
      std::move(request), {[this, watch = watches_](const etcdserverpb::WatchResponse& response) { return OnResponse(watch, response); },
                           [this, watch = watches_](const RpcOutcome&) { OnEnd(watch); }});
  cancel_ = stream.cancel;
  write_ = stream.write;
  resume_ = stream.resume;
  is_paused_ = false;
  rests_ = false;
  member_ = stream.member;
  asks_progress_ = false;
  has_heard_ = true;
}

EtcdClient::StreamStep EtcdFollower::OnResponse(int64_t watch, etcdserverpb::WatchResponse response) {
  // Only a client that closes reads on before it is told to.
  if (watch != watches_ || !response_.is_taken()) return EtcdClient::StreamStep::kStop;
  has_heard_ = true;
  if (response.canceled()) {
    if (response.compact_revision() > 0) OnGap(response.compact_revision());
    return EtcdClient::StreamStep::kStop;
  }
  if (response.created()) {
    is_created_ = true;
    AskFence();
    return EtcdClient::StreamStep::kGoOn;
  }
  // Not shown as progress: what lies before it may still come.
  if (response.events().empty() && asks_progress_ && backlog_.empty()) SetFresh();
  const size_t bytes = response.ByteSizeLong();
  response_ = {.response = std::move(response), .at = 0, .bytes = bytes, .shown = shown_};
  return TakeTurn();
}

EtcdClient::StreamStep EtcdFollower::TakeTurn() {
  const int64_t watch = watches_;
  if (absl::Status foreign = TakeEvents(); !foreign.ok()) {
    // Somebody else writes under our prefix: trying again would show the same.
    Stop(std::move(foreign));
    return EtcdClient::StreamStep::kStop;
  }
  ShowBrought();
  if (watch != watches_) return EtcdClient::StreamStep::kStop;
  if (!response_.is_taken()) {
    client_.thread().Post([this, watch] {
      if (watch == watches_ && TakeTurn() == EtcdClient::StreamStep::kGoOn) resume_();
    });
    return EtcdClient::StreamStep::kPause;
  }
  const Response taken = std::exchange(response_, {});
  is_paused_ = backlog_.is_full();
  const auto& events = taken.response.events();
  const bool is_repetition = !events.empty() && !taken.response.fragment() && shown_ == taken.shown;
  if (is_repetition && MayRestAt(events.rbegin()->kv().mod_revision())) Rest();
  return is_paused_ || rests_ ? EtcdClient::StreamStep::kPause : EtcdClient::StreamStep::kGoOn;
}

absl::Status EtcdFollower::TakeEvents() {
  const int from = response_.at;
  response_.at = std::min(from + kTurnEventsMax, response_.response.events_size());
  absl::StatusOr<std::vector<EtcdChange>> changes = events_->Add(response_.response, from, response_.at, shown_, options_.clock->Now());
  if (!changes.ok()) return changes.status();
  if (!changes->empty()) backlog_.Add(*std::move(changes), std::exchange(response_.bytes, 0));
  return absl::OkStatus();
}

void EtcdFollower::ShowBrought() {
  const absl::StatusOr<bool> may_go_on = TryShowBrought();
  if (!may_go_on.ok()) return Stop(may_go_on.status());
  if (backlog_.empty()) {
    if (std::exchange(is_paused_, false)) {
      // What it said last it said long ago.
      has_heard_ = true;
      resume_();
    }
    return;
  }
  backlog_.Complete([this](const EtcdChange& change) { return !own_.contains(change.revision) && IsOther(change); });
  if (*may_go_on) return ShowMoreLater();
  if (!IsOther(backlog_.front())) AwaitAnswer();
}

void EtcdFollower::ShowMoreLater() {
  if (std::exchange(shows_more_, true)) return;
  client_.thread().Post([this] {
    shows_more_ = false;
    if (!backlog_.empty()) ShowBrought();
  });
}

absl::StatusOr<bool> EtcdFollower::TryShowBrought() {
  Revision silent = 0;  // The last one that shows as progress only.
  bool is_blocked = false;
  for (size_t i = 0; i < kTurnChangesMax && !backlog_.empty(); ++i) {
    const EtcdChange& change = backlog_.front();
    const auto own = own_.find(change.revision);
    if (change.revision > shown_) {
      if (change.identity.has_value() && *change.identity != EtcdMapping::EncodeIdentity({.id = store_id_})) {
        return StoreExchanged(absl::StrCat("etcd holds identity \"", *change.identity, "\" from revision ", change.revision,
                                           " on, this server serves store \"", store_id_,
                                           "\": it was wiped or exchanged; start the server anew"));
      }
      is_blocked = own == own_.end() && !backlog_.front_is_complete();
      if (is_blocked) break;
      if (own != own_.end() && change.marked != own->second.batch->committed) return OtherHistory(change.revision);
      if (change.marked.has_value()) mark_ = {change.revision, *change.marked};
      silent = change.batch == nullptr ? change.revision : 0;
    }
    const Revision revision = change.revision;
    const std::shared_ptr<const Batch> batch = own == own_.end() ? change.batch : own->second.batch;
    backlog_.DropFront();
    if (revision <= shown_ || batch == nullptr) continue;
    sink_->OnBatch(batch);
    Reached(revision);
  }
  if (silent > 0) {
    sink_->OnProgress(silent);
    Reached(silent);
  }
  return !is_blocked && !backlog_.empty();
}

bool EtcdFollower::IsOther(const EtcdChange& change) const {
  return !change.marked.has_value() || !own_under_way_.contains(*change.marked) || change.revision <= awaited_;
}

void EtcdFollower::AwaitAnswer() {
  if (awaits_answer_) return;
  awaits_answer_ = true;
  client_.thread().PostAfter(options_.fence_after, [this, revision = backlog_.last_revision()] {
    awaits_answer_ = false;
    awaited_ = std::max(awaited_, revision);
    ShowBrought();
  });
}

void EtcdFollower::EndOwn(absl::Time committed) {
  own_under_way_.erase(own_under_way_.find(committed));
  if (!backlog_.empty()) ShowBrought();
}

bool EtcdFollower::MayRestAt(Revision revision) const {
  return own_under_way_.size() >= kRestWritesMin && backlog_.empty() && waiting_.empty() && std::max(fenced_, wanted_) <= shown_ &&
         !fence_is_due_ && shown_ - revision < kRestLagMax && options_.clock->SinceBoot() - rested_ >= kTurn;
}

void EtcdFollower::Rest() {
  rests_ = true;
  client_.thread().PostAfter(kRest, [this, watch = watches_] {
    if (watch == watches_) EndRest();
  });
}

void EtcdFollower::EndRest() {
  if (!rests_) return;
  rests_ = false;
  rested_ = options_.clock->SinceBoot();
  resume_();
}

void EtcdFollower::DropWatch() {
  ++watches_;
  if (cancel_) std::exchange(cancel_, nullptr)();
  backlog_.Clear();
  is_paused_ = false;
  response_ = {};
}

void EtcdFollower::AskFence() {
  fence_.Ask([this, watch = watches_](const RpcOutcome& outcome, Revision revision) {
    if (watch != watches_) return;
    if (IsFull(outcome)) return AskProgress();
    if (!outcome.ok()) return BeginLater();
    CheckBeginning(revision);
  });
}

void EtcdFollower::CheckBeginning(Revision fence) {
  Search(began_, [this, fence](const PointSearch& search) {
    if (search.found == PointSearch::Found::kCompacted) {
      const Revision gap = std::max(fence, shown_);
      mark_ = std::nullopt;
      sink_->OnGap(gap);
      Reached(gap);
      return BeginLater();
    }
    fence_is_due_ = false;
    fenced_ = std::max(fenced_, fence);
    if (fenced_ <= shown_) SetFresh();
  });
}

void EtcdFollower::AskProgress() {
  asks_progress_ = true;
  etcdserverpb::WatchRequest request;
  request.mutable_progress_request();
  write_(std::move(request));
}

void EtcdFollower::WhenShown(Revision revision, std::shared_ptr<const Batch> own, Task task) {
  answered_ = std::max(answered_, revision);
  if (own != nullptr && revision == answered_) answered_mark_ = {revision, own->committed};
  if (sink_ == nullptr || revision <= shown_) {
    std::move(task)();
    return;
  }
  if (own != nullptr && problem_.ok()) Keep(std::move(own));
  waiting_.emplace(revision, Waiting{options_.clock->SinceBoot() + options_.stale_after, std::move(task)});
  ShowOwn();
  if (!backlog_.empty()) ShowBrought();
  // With what could be shown at once the sink may have become fresh.
  if (fresh_ == false) RunWaiting(std::numeric_limits<Revision>::max());
  if (waiting_.empty()) return;
  EndRest();
  LookAfter();
}

void EtcdFollower::Keep(std::shared_ptr<const Batch> own) {
  size_t bytes = sizeof(Batch);
  for (const Event& event : own->events) {
    bytes += sizeof(Event) + EntryBytes(event.entry) + (event.previous.has_value() ? EntryBytes(*event.previous) : 0);
  }
  if (own_bytes_ + bytes > kOwnBytesMax) return;
  const Revision revision = own->revision;
  if (own_.emplace(revision, Own{std::move(own), bytes, watches_}).second) own_bytes_ += bytes;
}

void EtcdFollower::ShowUpTo(Revision revision) {
  if (sink_ == nullptr || revision <= std::max(shown_, wanted_)) return;
  wanted_ = revision;
  EndRest();
  if (!wanted_is_timed_) PushOnAfter(options_.fence_after);
}

void EtcdFollower::PushOnAfter(absl::Duration wait) {
  wanted_is_timed_ = true;
  client_.thread().PostAfter(wait, [this] {
    wanted_is_timed_ = false;
    PushOn();
  });
}

void EtcdFollower::PushOn() {
  if (wanted_ <= shown_ || !problem_.ok()) return;
  // The fence that a new watch waits for may lie before what is wanted.
  if (fence_is_due_) return PushOnAfter(options_.retry_after);
  fence_.Ask([this](const RpcOutcome& outcome, Revision revision) {
    // There is nothing yet behind it.
    if (outcome.ok()) wanted_ = std::min(wanted_, revision);
    if (IsFull(outcome) && cancel_) AskProgress();
    if (wanted_ > shown_ && !wanted_is_timed_) PushOnAfter(options_.retry_after);
  });
}

void EtcdFollower::LookAfter() {
  if (looks_after_) return;
  looks_after_ = true;
  client_.thread().PostAfter(options_.stale_after / 2, [this] {
    looks_after_ = false;
    LookNow();
  });
}

void EtcdFollower::LookNow() {
  if (sink_ == nullptr || !problem_.ok()) return;
  const absl::Duration now = options_.clock->SinceBoot();
  const auto waits_too_long = [now](const auto& waiting) { return waiting.second.until <= now; };
  const bool owes_answer = std::any_of(waiting_.begin(), waiting_.end(), waits_too_long);
  const bool behind_too_long = behind() >= options_.stale_after;
  if (behind_too_long || owes_answer) {
    behind_since_.set_first(now);
    if (!waiting_.empty()) fenced_ = std::max(fenced_, waiting_.rbegin()->first);
    const bool is_silent = IsSilent(owes_answer);
    SetStale();
    if (is_silent) {
      client_.LeaveMember(member_);
      return BeginLater();
    }
    if (asks_progress_ && cancel_) AskProgress();
  }
  if (behind_since_.has_value() || !waiting_.empty()) LookAfter();
}

bool EtcdFollower::IsSilent(bool owes_answer) {
  if (!cancel_ || std::exchange(has_heard_, false)) return false;
  // It is not read while this is at work on what it has brought.
  if (is_paused_ || backlog_.reads() || !response_.is_taken()) return false;
  // etcd has answered others what the watch does not say. One that is long at work through history says something now and then.
  return !is_created_ || owes_answer || fenced_ > shown_;
}

void EtcdFollower::NoteMark(Revision revision) {
  if (sink_ == nullptr || !problem_.ok() || fence_is_due_) return;
  fenced_ = std::max(fenced_, revision);
  // The end of a lease puts no mark.
  if (!backlog_.empty()) fenced_ = std::max(fenced_, backlog_.last_revision());
  if (fenced_ <= shown_) return SetFresh();
  behind_since_.set_first(options_.clock->SinceBoot());
  LookAfter();
}

void EtcdFollower::NoteSilence() {
  if (sink_ == nullptr) return;
  behind_since_.set_first(options_.clock->SinceBoot());
  LookAfter();
}

void EtcdFollower::OnGap(Revision oldest) {
  if (oldest <= shown_) return;
  mark_ = std::nullopt;
  sink_->OnGap(oldest);
  Reached(oldest);
}

void EtcdFollower::OnEnd(int64_t watch) {
  if (watch == watches_) BeginLater();
}

void EtcdFollower::BeginLater() {
  DropWatch();
  const int64_t ended = watches_;
  behind_since_.set_first(options_.clock->SinceBoot());
  LookAfter();
  client_.thread().PostAfter(options_.retry_after, [this, ended] {
    if (watches_ == ended) Begin();
  });
}

void EtcdFollower::Stop(absl::Status problem) {
  DropWatch();
  behind_since_.set_first(options_.clock->SinceBoot());
  problem_ = std::move(problem);
  own_.clear();
  own_bytes_ = 0;
  options_.stopped(problem_);
  SetStale();
}

void EtcdFollower::SetStale() {
  if (fresh_ != false && sink_ != nullptr) {
    fresh_ = false;
    sink_->OnStale();
  }
  RunWaiting(std::numeric_limits<Revision>::max());
}

void EtcdFollower::SetFresh() {
  behind_since_.reset();
  if (fresh_ == true) return;
  fresh_ = true;
  sink_->OnFresh();
}

void EtcdFollower::Reached(Revision revision) {
  Advance(revision);
  ShowOwn();
}

void EtcdFollower::Advance(Revision revision) {
  shown_ = revision;
  if (!fence_is_due_ && fenced_ <= shown_) SetFresh();
  while (!own_.empty() && own_.begin()->first <= revision) {
    own_bytes_ -= own_.begin()->second.bytes;
    own_.erase(own_.begin());
  }
  RunWaiting(revision);
}

void EtcdFollower::ShowOwn() {
  // Until the beginning of a new watch has been looked at nobody knows whether etcd still has the history that was shown; and what was
  // answered before it may be of that.
  while (cancel_ && !fence_is_due_ && !own_.empty() && own_.begin()->first == shown_ + 1 && own_.begin()->second.watch == watches_) {
    const std::shared_ptr<const Batch> batch = std::exchange(own_.begin()->second.batch, nullptr);
    mark_ = {batch->revision, batch->committed};
    sink_->OnBatch(batch);
    Advance(shown_ + 1);
  }
}

void EtcdFollower::RunWaiting(Revision up_to) {
  while (!waiting_.empty() && waiting_.begin()->first <= up_to) {
    Task task = std::move(waiting_.begin()->second.task);
    waiting_.erase(waiting_.begin());
    std::move(task)();
  }
}

void EtcdFollower::Close() {
  if (!waiting_.empty()) SetStale();
}

}  // namespace scoutlight::storage
