#include "client/http/caller_lanes.h"

#include <utility>

#include "absl/status/status.h"

namespace scoutlight::client {

absl::StatusOr<std::unique_ptr<CallerLanes::CallerLane>> CallerLanes::Take() {
  {
    MutexLock lock(&mu_);
    if (!kept_.empty()) {
      std::unique_ptr<CallerLane> kept = std::move(kept_.back());
      kept_.pop_back();
      PutOut(kept.get());
      return kept;
    }
  }
  absl::StatusOr<std::unique_ptr<HttpTransport>> transport = maker_();
  if (!transport.ok()) return transport.status();
  auto made = std::make_unique<CallerLane>();
  made->lane = std::make_unique<Lane>(*std::move(transport), &clock_);
  MutexLock lock(&mu_);
  if (closed_) return absl::CancelledError("the client is gone");
  PutOut(made.get());
  return made;
}

void CallerLanes::PutOut(CallerLane* taken) {
  taken->place = out_.size();
  out_.push_back(taken);
}

void CallerLanes::GiveBack(std::unique_ptr<CallerLane> taken) {
  taken->call = nullptr;
  MutexLock lock(&mu_);
  out_[taken->place] = out_.back();
  out_[taken->place]->place = taken->place;
  out_.pop_back();
  // Else it is destroyed, after the lock.
  if (!closed_ && kept_.size() < kept_max_) kept_.push_back(std::move(taken));
}

void CallerLanes::Close() {
  std::vector<std::unique_ptr<CallerLane>> kept;
  MutexLock lock(&mu_);
  closed_ = true;
  kept.swap(kept_);
  for (CallerLane* const out : out_) {
    out->lane->Post([out] {
      if (out->call != nullptr) out->call->Cancel(absl::CancelledError("the client is gone"));
    });
  }
}

}  // namespace scoutlight::client
