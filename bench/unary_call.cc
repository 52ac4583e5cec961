#include "bench/unary_call.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"

namespace scoutlight::bench {
namespace {

constexpr std::chrono::seconds kCallTimeout(10);

}  // namespace

UnaryCall::UnaryCall(StepQueue* queue, const std::shared_ptr<grpc::Channel>& channel, std::string method)
    : queue_(*queue), stub_(channel), method_(std::move(method)) {}

void UnaryCall::Start(const grpc::ByteBuffer& request, std::function<void()> then) {
  under_way_ = true;
  then_ = std::move(then);
  context_.emplace();
  // Without it a server that hangs would hang the generator.
  context_->set_deadline(std::chrono::system_clock::now() + kCallTimeout);
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
