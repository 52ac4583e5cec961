#include "client/http/caller_lanes.h"

#include <utility>

#include "absl/status/status.h"

namespace scoutlight::client {

absl::StatusOr<std::unique_ptr<CallerLanes::Busy>> CallerLanes::Take() {
  auto busy = std::make_unique<Busy>();
  {
    MutexLock lock(&mu_);
    if (!kept_.empty()) {
      busy->lane = std::move(kept_.back());
      kept_.pop_back();
    }
  }
  if (busy->lane == nullptr) {
    absl::StatusOr<std::unique_ptr<HttpTransport>> transport = maker_();
    if (!transport.ok()) return transport.status();
    busy->lane = std::make_unique<Lane>(*std::move(transport), &clock_);
  }
  MutexLock lock(&mu_);
  if (closed_) return absl::CancelledError("the client is gone");
  busy->place = out_.size();
  out_.push_back(busy.get());
  return busy;
}

void CallerLanes::GiveBack(std::unique_ptr<Busy> busy) {
  MutexLock lock(&mu_);
  out_[busy->place] = out_.back();
  out_[busy->place]->place = busy->place;
  out_.pop_back();
  // Else it is destroyed with `busy`, after the lock.
  if (!closed_ && kept_.size() < kept_max_) kept_.push_back(std::move(busy->lane));
}

void CallerLanes::Close() {
  std::vector<std::unique_ptr<Lane>> kept;
  MutexLock lock(&mu_);
  closed_ = true;
  kept.swap(kept_);
  for (Busy* const busy : out_) {
    busy->lane->Post([busy] {
      if (const std::shared_ptr<RunningCall> call = busy->call.lock()) call->Cancel(absl::CancelledError("the client is gone"));
    });
  }
}

}  // namespace scoutlight::client
