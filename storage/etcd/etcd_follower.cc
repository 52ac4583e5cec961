#include "storage/etcd/etcd_follower.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/etcd/etcd_errors.h"

namespace scoutlight::storage {

EtcdFollower::EtcdFollower(EtcdClient& client, const EtcdMapping& mapping, EtcdFence& fence, StoreId store_id, EtcdFollowerOptions options)
    : client_(client), mapping_(mapping), fence_(fence), store_id_(std::move(store_id)), options_(options) {}

void EtcdFollower::Follow(Revision after, std::shared_ptr<Sink> sink) {
  if (cancel_) std::exchange(cancel_, nullptr)();
  sink_ = std::move(sink);
  shown_ = after;
  // What was known is the earlier sink's.
  fresh_ = std::nullopt;
  behind_since_.set(options_.clock->SinceBoot());
  problem_ = absl::OkStatus();
  LookAfter();
  Begin();
}

void EtcdFollower::Begin() {
  const int64_t watch = ++watches_;
  fenced_ = 0;
  fence_is_due_ = true;
  etcdserverpb::RangeRequest request;
  request.set_key(mapping_.identity_key());
  client_.Range(std::move(request), [this, watch](const RpcOutcome& outcome, const etcdserverpb::RangeResponse& response) {
    if (watch != watches_) return;
    if (!outcome.ok()) return BeginLater();
    EtcdIdentity there;
    if (response.kvs_size() > 0) {
      absl::StatusOr<EtcdIdentity> decoded = EtcdMapping::DecodeIdentity(response.kvs(0));
      if (!decoded.ok()) return Stop(decoded.status());
      there = *std::move(decoded);
    }
    if (there.restoring || there.id != store_id_ || response.header().revision() < shown_) {
      return Stop(StoreExchanged(absl::StrCat("etcd now holds store \"", there.id, "\" at revision ", response.header().revision(),
                                              ", this server has shown store \"", store_id_, "\" up to revision ", shown_,
                                              ": it was wiped, restored or exchanged; start the server anew")));
    }
    BeginBehind(response.header().revision());
  });
}

void EtcdFollower::BeginBehind(Revision latest) {
  etcdserverpb::RangeRequest request;
  request.set_key(mapping_.identity_key());
  request.set_revision(std::max<Revision>(shown_, 1));
  client_.Range(std::move(request), [this, watch = watches_, latest](const RpcOutcome& outcome, const etcdserverpb::RangeResponse&) {
    if (watch != watches_) return;
    // What was compacted away last may be the very revision that is due, of which etcd shows no deletes.
    if (IsCompacted(outcome)) {
      OnGap(std::max(latest, shown_ + 1));
    } else if (!outcome.ok()) {
      return BeginLater();
    }
    Watch();
  });
}

void EtcdFollower::Watch() {
  etcdserverpb::WatchCreateRequest request;
  SetRange(mapping_.Watched(), &request);
  request.set_start_revision(shown_ + 1);
  request.set_prev_kv(true);
  request.set_fragment(true);
  events_.emplace(mapping_);
  began_ = shown_;
  is_created_ = false;
  const auto stream = client_.Watch(
      std::move(request), {[this, watch = watches_](const etcdserverpb::WatchResponse& response) { return OnResponse(watch, response); },
                           [this, watch = watches_](const RpcOutcome&) { OnEnd(watch); }});
  cancel_ = stream.cancel;
  write_ = stream.write;
  member_ = stream.member;
  asks_progress_ = false;
  has_heard_ = true;
}

EtcdClient::StreamStep EtcdFollower::OnResponse(int64_t watch, const etcdserverpb::WatchResponse& response) {
  if (watch != watches_) return EtcdClient::StreamStep::kStop;
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
  if (response.events().empty() && asks_progress_) SetFresh();
  if (absl::Status foreign = Show(response); !foreign.ok()) {
    // Somebody else writes under our prefix: trying again would show the same.
    Stop(std::move(foreign));
    return EtcdClient::StreamStep::kStop;
  }
  return EtcdClient::StreamStep::kGoOn;
}

absl::Status EtcdFollower::Show(const etcdserverpb::WatchResponse& response) {
  absl::StatusOr<std::vector<EtcdChange>> changes = events_->Add(response, options_.clock->Now());
  if (!changes.ok()) return changes.status();
  Revision silent = 0;  // The last one that shows as progress only.
  for (const EtcdChange& change : *changes) {
    if (change.revision <= shown_) continue;
    if (change.identity.has_value() && *change.identity != EtcdMapping::EncodeIdentity({.id = store_id_})) {
      return StoreExchanged(absl::StrCat("etcd holds identity \"", *change.identity, "\" from revision ", change.revision,
                                         " on, this server serves store \"", store_id_,
                                         "\": it was wiped or exchanged; start the server anew"));
    }
    silent = change.batch == nullptr ? change.revision : 0;
    if (change.batch == nullptr) continue;
    sink_->OnBatch(change.batch);
    Reached(change.revision);
  }
  if (silent > 0) {
    sink_->OnProgress(silent);
    Reached(silent);
  }
  return absl::OkStatus();
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
  etcdserverpb::RangeRequest request;
  request.set_key(mapping_.identity_key());
  request.set_revision(std::max<Revision>(began_, 1));
  client_.Range(std::move(request), [this, watch = watches_, fence](const RpcOutcome& outcome, const etcdserverpb::RangeResponse&) {
    if (watch != watches_) return;
    if (IsCompacted(outcome)) {
      const Revision gap = std::max(fence, shown_);
      sink_->OnGap(gap);
      Reached(gap);
      return BeginLater();
    }
    if (!outcome.ok()) return BeginLater();
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

void EtcdFollower::WhenShown(Revision revision, Task task) {
  if (sink_ == nullptr || fresh_ == false || revision <= shown_) {
    std::move(task)();
    return;
  }
  waiting_.emplace(revision, Waiting{options_.clock->SinceBoot() + options_.stale_after, std::move(task)});
  LookAfter();
}

void EtcdFollower::ShowUpTo(Revision revision) {
  if (sink_ == nullptr || revision <= std::max(shown_, wanted_)) return;
  wanted_ = revision;
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
  // etcd has answered others what the watch does not say. One that is long at work through history says something now and then.
  return !is_created_ || owes_answer || fenced_ > shown_;
}

void EtcdFollower::NoteMark(Revision revision) {
  if (sink_ == nullptr || !problem_.ok() || fence_is_due_) return;
  fenced_ = std::max(fenced_, revision);
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
  sink_->OnGap(oldest);
  Reached(oldest);
}

void EtcdFollower::OnEnd(int64_t watch) {
  if (watch == watches_) BeginLater();
}

void EtcdFollower::BeginLater() {
  const int64_t ended = ++watches_;
  if (cancel_) std::exchange(cancel_, nullptr)();
  behind_since_.set_first(options_.clock->SinceBoot());
  LookAfter();
  client_.thread().PostAfter(options_.retry_after, [this, ended] {
    if (watches_ == ended) Begin();
  });
}

void EtcdFollower::Stop(absl::Status problem) {
  ++watches_;
  if (cancel_) std::exchange(cancel_, nullptr)();
  behind_since_.set_first(options_.clock->SinceBoot());
  problem_ = std::move(problem);
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
  shown_ = revision;
  if (!fence_is_due_ && fenced_ <= shown_) SetFresh();
  RunWaiting(revision);
}

void EtcdFollower::RunWaiting(Revision up_to) {
  while (!waiting_.empty() && waiting_.begin()->first <= up_to) {
    Task task = std::move(waiting_.begin()->second.task);
    waiting_.erase(waiting_.begin());
    std::move(task)();
  }
}

void EtcdFollower::Close() { RunWaiting(std::numeric_limits<Revision>::max()); }

}  // namespace scoutlight::storage
