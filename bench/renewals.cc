#include "bench/renewals.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"

namespace scoutlight::bench {
namespace {

constexpr int kPerChannel = 4;  // Calls or streams.
constexpr absl::Duration kDrainTimeout = absl::Seconds(20);

}  // namespace

// One stream: sends one message after the other, and reads until the end.
class RenewStream {
 public:
  RenewStream(Renewals* all, const std::shared_ptr<grpc::Channel>& channel) : all_(*all), stub_(channel) {
    ++all_.streams_open_;
    call_ = stub_.PrepareCall(&context_, RenewMethod(all_.api_, all_.form_), all_.queue_.queue());
    call_->StartCall(&on_begun_);
  }

  void Send(grpc::ByteBuffer message) {
    waiting_.push_back(std::move(message));
    WriteNext();
  }
  void Cancel() { context_.TryCancel(); }

 private:
  void OnBegun(bool ok) {
    if (!ok) return EndIfIdle();
    begun_ = true;
    WriteNext();
    call_->Read(&answer_, &on_read_);
  }

  void WriteNext() {
    if (!begun_ || writing_ || read_ended_ || waiting_.empty()) return;
    writing_ = true;
    call_->Write(waiting_.front(), &on_written_);
    waiting_.pop_front();
  }

  void OnWritten(bool) {
    writing_ = false;
    if (read_ended_) return EndIfIdle();
    WriteNext();
  }

  void OnRead(bool ok) {
    if (!ok) {
      read_ended_ = true;
      return EndIfIdle();
    }
    all_.Take(answer_);
    call_->Read(&answer_, &on_read_);
  }

  // gRPC wants no other operation under way when a call is finished.
  void EndIfIdle() {
    if (!writing_) call_->Finish(&status_, &on_finished_);
  }

  void OnFinished(bool) {
    --all_.streams_open_;
    all_.failure_.Update(absl::UnavailableError(absl::StrCat("a stream of renewals ended: ", status_.error_message())));
  }

  Renewals& all_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  std::deque<grpc::ByteBuffer> waiting_;
  bool begun_ = false;
  bool writing_ = false;
  bool read_ended_ = false;
  grpc::ByteBuffer answer_;
  grpc::Status status_;

  Step on_begun_ = [this](bool ok) { OnBegun(ok); };
  Step on_written_ = [this](bool ok) { OnWritten(ok); };
  Step on_read_ = [this](bool ok) { OnRead(ok); };
  Step on_finished_ = [this](bool ok) { OnFinished(ok); };
};

Renewals::Renewals(StepQueue* queue, Api api, RenewForm form, const std::vector<std::shared_ptr<grpc::Channel>>& channels)
    : queue_(*queue), api_(api), form_(form) {
  for (const auto& channel : channels) {
    for (int i = 0; i < kPerChannel; ++i) {
      if (form_ == RenewForm::kUnary) {
        calls_.push_back(std::make_unique<UnaryCall>(&queue_, channel, RenewMethod(api_, form_)));
      } else {
        streams_.push_back(std::make_unique<RenewStream>(this, channel));
      }
    }
  }
}

Renewals::~Renewals() {
  waiting_.clear();
  for (const auto& stream : streams_) stream->Cancel();
  const auto idle = [this] {
    return streams_open_ == 0 && std::none_of(calls_.begin(), calls_.end(), [](const auto& call) { return call->under_way(); });
  };
  if (!queue_.RunUntil(idle, kDrainTimeout).ok()) {
    // With operations under way the queue could not be destroyed.
    std::fputs("renewals have not ended 20 s after they were cancelled\n", stderr);
    std::_Exit(EXIT_FAILURE);
  }
}

void Renewals::Send(int64_t first, int count, int leases_per_message) {
  const int step = std::min(leases_per_message, LeasesPerMessageMax(api_));
  sent_ += count;
  for (const int64_t end = first + count; first < end; first += step) {
    grpc::ByteBuffer message = RenewRequestBytes(api_, form_, first, static_cast<int>(std::min<int64_t>(step, end - first)));
    if (form_ == RenewForm::kStream) {
      streams_[next_stream_++ % streams_.size()]->Send(std::move(message));
    } else {
      waiting_.push_back(std::move(message));
    }
  }
  for (const auto& call : calls_) StartUnary(call.get());
}

void Renewals::StartUnary(UnaryCall* call) {
  if (call->under_way() || waiting_.empty()) return;
  const grpc::ByteBuffer message = std::move(waiting_.back());
  waiting_.pop_back();
  call->Start(message, [this, call] {
    if (!call->failure().ok()) return failure_.Update(call->failure());
    Take(call->response());
    StartUnary(call);
  });
}

void Renewals::Take(const grpc::ByteBuffer& answer) {
  const absl::StatusOr<int> renewed = ParseRenewals(api_, form_, answer);
  if (!renewed.ok()) return failure_.Update(renewed.status());
  renewed_ += *renewed;
}

absl::Status Renewals::RunUntil(const std::function<bool()>& done, absl::Duration timeout) {
  const absl::Status status = queue_.RunUntil([this, &done] { return !failure_.ok() || done(); }, timeout);
  return failure_.ok() ? status : failure_;
}

absl::Status Renewals::RunUntilRenewed(absl::Duration timeout) {
  return RunUntil([this] { return renewed_ >= sent_; }, timeout);
}

}  // namespace scoutlight::bench
