#include "client/watch/watch_lane.h"

#include <algorithm>
#include <utility>

#include "client/wire/time_conversion.h"

namespace scoutlight::client {
namespace {

namespace wire = ::scoutlight::registry::v1;

// Whether the watch stands, so that progress is to be expected.
bool Stands(const wire::WatchResponse& frame) {
  switch (frame.kind()) {
    case wire::WatchResponse::KIND_STARTED:
      return frame.revision() != 0;
    case wire::WatchResponse::KIND_SNAPSHOT:
      return false;
    default:
      return true;
  }
}

}  // namespace

WatchLane::WatchLane(const Options& options, Owner* owner)
    : options_(options),
      owner_(*owner),
      backoff_(options.unit_random),
      reopening_(options.loop),
      silence_(options.loop),
      asking_(options.loop) {}

void WatchLane::Start(Handle watch) {
  watches_[watch].since = options_.loop->Now();
  if (stream_ == nullptr) {
    if (!reopening_.is_set()) Open();
    return;
  }
  waiting_.insert(watch);
  AskWaiting();
}

void WatchLane::Stop(Handle watch) {
  const auto standing = watches_.find(watch);
  if (standing == watches_.end()) return;
  const int64_t id = standing->second.id;
  Forget(watch);
  if (stream_ == nullptr || id == 0) return;
  wire::WatchManyRequest request;
  request.mutable_cancel()->set_watch_id(id);
  stream_->Send(std::move(request));
}

void WatchLane::Forget(Handle watch) {
  const auto standing = watches_.find(watch);
  if (standing == watches_.end()) return;
  by_id_.erase(standing->second.id);
  waiting_.erase(watch);
  watches_.erase(standing);
  CloseIfEmpty();
}

void WatchLane::CloseIfEmpty() {
  if (!watches_.empty()) return;
  stream_.reset();
  silence_.Clear();
  asking_.Clear();
  reopening_.Clear();
}

void WatchLane::Pause() {
  if (stream_ != nullptr && !std::exchange(paused_, true)) stream_->PauseReading();
}

void WatchLane::Resume() {
  if (!std::exchange(paused_, false) || stream_ == nullptr) return;
  heard_at_ = options_.loop->Now();
  stream_->ResumeReading();
}

void WatchLane::Open() {
  paused_ = false;
  opened_at_ = heard_at_ = options_.loop->Now();
  stream_ = options_.open({.on_message = [this](wire::WatchManyResponse message) { OnMessage(std::move(message)); },
                           .on_end = [this](const absl::Status& status) { OnEnd(status); }});
  silence_.Set(kSilenceCheck, [this] { CheckSilence(); });
  for (auto& [watch, standing] : watches_) {
    standing.since = opened_at_;
    waiting_.insert(watch);
  }
  AskWaiting();
}

void WatchLane::AskWaiting() {
  while (!waiting_.empty()) {
    if (stream_->unsent() >= kUnsentMax) return asking_.Set(kUnsentPause, [this] { AskWaiting(); });
    const Handle watch = waiting_.extract(waiting_.begin()).value();
    Ask(watch, &watches_.at(watch));
  }
}

void WatchLane::Ask(Handle watch, Standing* standing) {
  standing->id = ++last_id_;
  by_id_[standing->id] = watch;
  wire::WatchManyRequest request;
  request.mutable_create()->set_watch_id(standing->id);
  *request.mutable_create()->mutable_watch() = owner_.RequestOf(watch);
  stream_->Send(std::move(request));
}

void WatchLane::OnMessage(wire::WatchManyResponse message) {
  heard_at_ = options_.loop->Now();
  const auto watch = by_id_.find(message.watch_id());
  // What was on its way when the watch was stopped.
  if (watch == by_id_.end()) return;
  Standing& standing = watches_.at(watch->second);
  standing.heard = true;
  if (standing.progress_interval == absl::ZeroDuration() && Stands(message.frame())) {
    standing.progress_interval = DurationOf(owner_.RequestOf(watch->second).heartbeat());
  }
  owner_.OnFrame(watch->second, std::move(*message.mutable_frame()));
}

void WatchLane::OnEnd(const absl::Status& status) {
  stream_.reset();
  silence_.Clear();
  asking_.Clear();
  waiting_.clear();
  by_id_.clear();
  backoff_.NoteLived(options_.loop->Now() - opened_at_);
  const absl::Status why = status.ok() ? absl::UnavailableError("the server ended the stream") : status;
  for (auto& [watch, standing] : watches_) {
    standing = Standing();
    owner_.OnCutOff(watch, why);
  }
  if (watches_.empty()) return;
  reopening_.Set(backoff_.NextAfter(why), [this] { Open(); });
}

absl::Duration WatchLane::SilentUntil() const {
  absl::Duration until = absl::InfiniteDuration();
  for (const auto& [watch, standing] : watches_) {
    if (!standing.heard) {
      until = std::min(until, std::max(heard_at_, standing.since) + kSilenceMin);
    } else if (standing.progress_interval > absl::ZeroDuration()) {
      until = std::min(until, heard_at_ + std::max(kSilenceMin, 3 * standing.progress_interval));
    }
  }
  return until;
}

void WatchLane::CheckSilence() {
  if (paused_ || options_.loop->Now() < SilentUntil()) {
    silence_.Set(kSilenceCheck, [this] { CheckSilence(); });
    return;
  }
  stream_->GiveUp();
  OnEnd(absl::UnavailableError("the server says nothing any more"));
}

}  // namespace scoutlight::client
