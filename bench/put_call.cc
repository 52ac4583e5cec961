#include "bench/put_call.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"

namespace scoutlight::bench {
namespace {

constexpr std::chrono::seconds kPutTimeout(10);

}  // namespace

PutCall::PutCall(StepQueue* queue, const std::shared_ptr<grpc::Channel>& channel, std::string method)
    : queue_(*queue), stub_(channel), method_(std::move(method)) {}

void PutCall::Start(const grpc::ByteBuffer& request) {
  under_way_ = true;
  context_.emplace();
  // Without it a server that hangs would hang the generator.
  context_->set_deadline(std::chrono::system_clock::now() + kPutTimeout);
  call_ = stub_.PrepareUnaryCall(&*context_, method_, request, queue_.queue());
  call_->StartCall();
  call_->Finish(&response_, &status_, &on_end_);
}

void PutCall::OnEnd() {
  under_way_ = false;
  if (!status_.ok()) failure_.Update(absl::UnavailableError(absl::StrCat("put: ", status_.error_message())));
}

}  // namespace scoutlight::bench
