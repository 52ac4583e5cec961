#include "client/gates/nng_contexts.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/gates/nng_message.h"
#include "client/gates/nng_status.h"

namespace scoutlight::client {
namespace {

nng_duration Milliseconds(absl::Duration duration) {
  return static_cast<nng_duration>(std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 1, absl::ToInt64Milliseconds(absl::Hours(24))));
}

}  // namespace

// A request that nobody has answered yet: its context waits.
class NngContexts::HeldRequest final : public Answerer {
 public:
  HeldRequest(std::shared_ptr<NngContexts> owner, Context* context) : owner_(std::move(owner)), context_(context) {}
  ~HeldRequest() override {
    // Unanswered: the context's next receive forgets the request. Contexts of a closed socket are gone.
    const Visit visit(&owner_->entrance_);
    if (visit.ok() && context_ != nullptr) owner_->GiveBack(context_);
  }

  absl::Status Answer(absl::string_view body) override {
    const Visit visit(&owner_->entrance_);
    if (!visit.ok()) return absl::FailedPreconditionError("the socket is closed");
    NngMessagePtr message = MakeNngMessage(body);
    if (message == nullptr) return absl::ResourceExhaustedError("no memory for an answer");
    Context* const context = std::exchange(context_, nullptr);
    context->phase = Phase::kAnswering;
    nng_aio_set_timeout(context->aio, Milliseconds(kAnswerTimeout));
    nng_aio_set_msg(context->aio, message.release());
    nng_ctx_send(context->context, context->aio);
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<NngContexts> owner_;
  Context* context_;  // Null: it has been answered.
};

absl::Status NngContexts::Ask(uint64_t ask, absl::string_view body, absl::Duration timeout) {
  NngMessagePtr message = MakeNngMessage(body);
  if (message == nullptr) return absl::ResourceExhaustedError("no memory for a request");
  absl::StatusOr<Context*> context = Take();
  if (!context.ok()) return context.status();
  (*context)->phase = Phase::kAsking;
  (*context)->ask = ask;
  (*context)->timeout = timeout;
  nng_aio_set_timeout((*context)->aio, Milliseconds(std::min(timeout, kTakeTimeout)));
  nng_aio_set_msg((*context)->aio, message.release());
  nng_ctx_send((*context)->context, (*context)->aio);
  return absl::OkStatus();
}

absl::Status NngContexts::Receive() {
  absl::StatusOr<Context*> context = Take();
  if (absl::IsResourceExhausted(context.status())) {
    MutexLock lock(&mu_);
    if (free_.empty()) {
      receive_waits_ = true;
      return absl::OkStatus();
    }
    // One has come back meanwhile.
    context = free_.back();
    free_.pop_back();
  }
  if (!context.ok()) return context.status();
  Receive(*context);
  return absl::OkStatus();
}

void NngContexts::Receive(Context* context) {
  context->phase = Phase::kReceiving;
  nng_aio_set_timeout(context->aio, NNG_DURATION_INFINITE);
  nng_ctx_recv(context->context, context->aio);
}

absl::StatusOr<NngContexts::Context*> NngContexts::Take() {
  MutexLock lock(&mu_);
  if (!free_.empty()) {
    Context* const context = free_.back();
    free_.pop_back();
    return context;
  }
  if (contexts_.size() >= static_cast<size_t>(contexts_max_)) {
    return absl::ResourceExhaustedError(absl::StrCat("all ", contexts_max_, " contexts of the socket are in use"));
  }
  auto context = std::make_unique<Context>();
  context->owner = this;
  if (const int failed = nng_ctx_open(&context->context, socket_); failed != 0) return NngStatus(failed, "opening a context");
  if (nng_aio_alloc(&context->aio, &Happened, context.get()) != 0) return absl::UnavailableError("no memory for a context");
  contexts_.push_back(std::move(context));
  return contexts_.back().get();
}

void NngContexts::GiveBack(Context* context) {
  {
    MutexLock lock(&mu_);
    context->phase = Phase::kFree;
    if (!std::exchange(receive_waits_, false)) {
      free_.push_back(context);
      return;
    }
  }
  Receive(context);
}

void NngContexts::Happened(void* happened) {
  Context* const context = static_cast<Context*>(happened);
  switch (context->phase) {
    case Phase::kAsking:
      return context->owner->OnAsked(context);
    case Phase::kAwaiting:
      return context->owner->OnAnswered(context);
    case Phase::kReceiving:
      return context->owner->OnReceived(context);
    case Phase::kFree:
    case Phase::kHeld:
    case Phase::kAnswering:
      // An answer that could not be sent is the asker's loss, who asks again.
      TakeNngMessage(context->aio);
      return context->owner->GiveBack(context);
  }
}

void NngContexts::OnAsked(Context* context) {
  if (const int failed = nng_aio_result(context->aio); failed != 0) {
    TakeNngMessage(context->aio);
    const uint64_t ask = context->ask;
    GiveBack(context);
    // Nobody has it: whatever kept it from being sent, the connection is not there.
    return events_.OnAnswer(ask, absl::UnavailableError(absl::StrCat("sending a request: ", nng_strerror(failed))));
  }
  // Only now is the answer waited for: a receive that is cancelled while its request is being sent crashes (nng issue 1702).
  context->phase = Phase::kAwaiting;
  nng_aio_set_timeout(context->aio, Milliseconds(context->timeout));
  nng_ctx_recv(context->context, context->aio);
}

void NngContexts::OnAnswered(Context* context) {
  const int failed = nng_aio_result(context->aio);
  const NngMessagePtr message = TakeNngMessage(context->aio);
  const uint64_t ask = context->ask;
  GiveBack(context);
  if (failed != 0) return events_.OnAnswer(ask, NngStatus(failed, "waiting for an answer"));
  events_.OnAnswer(ask, BodyOf(message));
}

void NngContexts::OnReceived(Context* context) {
  const int failed = nng_aio_result(context->aio);
  const NngMessagePtr message = TakeNngMessage(context->aio);
  if (failed != 0) {
    GiveBack(context);
    return events_.OnReceived(NngStatus(failed, "receiving"));
  }
  context->phase = Phase::kHeld;
  events_.OnReceived(ReceivedMessage{.body = BodyOf(message), .answerer = std::make_unique<HeldRequest>(shared_from_this(), context)});
}

void NngContexts::Close() { entrance_.Close(); }

void NngContexts::Free() {
  std::vector<std::unique_ptr<Context>> contexts;
  {
    MutexLock lock(&mu_);
    contexts.swap(contexts_);
  }
  for (const std::unique_ptr<Context>& context : contexts) {
    nng_aio_wait(context->aio);
    TakeNngMessage(context->aio);
    nng_aio_free(context->aio);
  }
}

}  // namespace scoutlight::client
