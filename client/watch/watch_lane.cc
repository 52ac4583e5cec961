#include "client/watch/watch_lane.h"

#include <algorithm>
#include <utility>

#include "client/wire/duration_conversion.h"

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
    : options_(options), owner_(*owner), backoff_(options.unit_random), reopening_(options.loop), silence_(options.loop) {}

void WatchLane::Start(Handle watch) {
  Standing& standing = watches_[watch];
  if (stream_ != nullptr) return Ask(watch, &standing);
  if (!reopening_.is_set()) Open();
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
  watches_.erase(standing);
  CloseIfEmpty();
}

void WatchLane::CloseIfEmpty() {
  if (!watches_.empty()) return;
  stream_.reset();
  silence_.Clear();
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
  for (auto& [watch, standing] : watches_) Ask(watch, &standing);
}

void WatchLane::Ask(Handle watch, Standing* standing) {
  standing->id = ++last_id_;
  standing->progress_interval = absl::ZeroDuration();
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
  if (standing.progress_interval == absl::ZeroDuration() && Stands(message.frame())) {
    standing.progress_interval = DurationOf(owner_.RequestOf(watch->second).heartbeat());
  }
  owner_.OnFrame(watch->second, std::move(*message.mutable_frame()));
}

void WatchLane::OnEnd(const absl::Status& status) {
  stream_.reset();
  silence_.Clear();
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

void WatchLane::CheckSilence() {
  absl::Duration shortest = absl::InfiniteDuration();
  for (const auto& [watch, standing] : watches_) {
    if (standing.progress_interval > absl::ZeroDuration()) shortest = std::min(shortest, standing.progress_interval);
  }
  if (paused_ || options_.loop->Now() - heard_at_ < std::max(kSilenceMin, 3 * shortest)) {
    silence_.Set(kSilenceCheck, [this] { CheckSilence(); });
    return;
  }
  options_.give_up_server();
  OnEnd(absl::UnavailableError("the server says nothing any more"));
}

}  // namespace scoutlight::client
