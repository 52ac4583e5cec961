#include "client/http/started_calls.h"

#include <vector>

#include "absl/status/status.h"

namespace scoutlight::client {

void StartedCalls::Loop::Stop() {
  stopped_ = true;
  // Each removes itself.
  const std::vector<std::shared_ptr<RunningCall>> calls(calls_.begin(), calls_.end());
  for (const std::shared_ptr<RunningCall>& call : calls) call->Cancel(absl::CancelledError("the client is gone"));
}

void StartedCalls::Loop::Run() {
  lane_->DriveUntil([this] { return stopped_; });
  end_.Tell();
}

StartedCalls::StartedCalls(std::unique_ptr<Lane> lane)
    : loop_(std::make_shared<Loop>(std::move(lane))), thread_([loop = loop_] { loop->Run(); }) {}

StartedCalls::~StartedCalls() {
  loop_->lane().Post([loop = loop_.get()] { loop->Stop(); });
  const bool own = thread_.get_id() == std::this_thread::get_id();
  if (!own && loop_->AwaitEnd(kStopTimeMax)) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void StartedCall::Cancel() {
  if (cancelled_.exchange(true)) return;
  loop_->lane().Post([call = call_] {
    if (const std::shared_ptr<RunningCall> there = call.lock()) there->Cancel(absl::CancelledError("cancelled"));
  });
}

void StartedCall::Resume() {
  if (resuming_->exchange(true)) return;
  // Nothing that holds the loop: one that has ended runs this no more.
  loop_->lane().Post([resuming = resuming_, call = call_] {
    // What becomes possible after this is another Resume().
    resuming->store(false);
    if (const std::shared_ptr<RunningCall> there = call.lock()) there->Resume();
  });
}

}  // namespace scoutlight::client
