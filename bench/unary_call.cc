#include "bench/unary_call.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"

namespace scoutlight::bench {

UnaryCall::UnaryCall(StepQueue* queue, const std::shared_ptr<grpc::Channel>& channel, std::string method, absl::Duration timeout)
    : queue_(*queue), stub_(channel), method_(std::move(method)), timeout_(timeout) {}

void UnaryCall::Start(const grpc::ByteBuffer& request, std::function<void()> then) {
  under_way_ = true;
  then_ = std::move(then);
  context_.emplace();
  // Without it a server that hangs would hang the generator.
  context_->set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout_));
  call_ = stub_.PrepareUnaryCall(&*context_, method_, request, queue_.queue());
  call_->StartCall();
  call_->Finish(&response_, &status_, &on_end_);
}

void UnaryCall::OnEnd() {
  under_way_ = false;
  if (!status_.ok()) failure_.Update(absl::UnavailableError(absl::StrCat(method_, ": ", status_.error_message())));
  // It may start the next call.
  if (const std::function<void()> then = std::exchange(then_, nullptr)) then();
}

}  // namespace scoutlight::bench
