#include "bench/watch_streams.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"

namespace scoutlight::bench {
namespace {

constexpr absl::Duration kDrainTimeout = absl::Seconds(10);

}  // namespace

// One call: asks for its watches one after the other, and reads until the end.
class WatchStream {
 public:
  WatchStream(WatchStreams* all, const std::shared_ptr<grpc::Channel>& channel, std::vector<WatchTarget> targets)
      : all_(*all), targets_(std::move(targets)), stub_(channel) {
    ++all_.streams_open_;
    call_ = stub_.PrepareCall(&context_, WatchMethod(all_.api_, all_.form_), all_.queue_.queue());
    call_->StartCall(&on_begun_);
  }

  void Cancel() { context_.TryCancel(); }

 private:
  void OnBegun(bool ok) {
    if (ok) {
      WriteNext();
      call_->Read(&frame_, &on_read_);
    } else {
      EndIfIdle();
    }
  }

  void WriteNext() {
    writing_ = written_ < targets_.size();
    if (!writing_) return;
    const WatchTarget& target = targets_[written_++];
    const grpc::ByteBuffer request = WatchRequestBytes(all_.api_, all_.form_, static_cast<int64_t>(written_), target);
    // Our methods with a stream for each watch take one request; etcd's stream ends when the client ends its side.
    if (all_.api_ != Api::kEtcd && all_.form_ != WatchForm::kMultiplexed) {
      call_->WriteLast(request, grpc::WriteOptions(), &on_written_);
    } else {
      call_->Write(request, &on_written_);
    }
  }

  void OnWritten(bool ok) {
    writing_ = false;
    if (ok && !read_ended_) return WriteNext();
    if (read_ended_) EndIfIdle();
  }

  void OnRead(bool ok) {
    if (!ok) {
      read_ended_ = true;
      return EndIfIdle();
    }
    absl::StatusOr<WatchNews> news = ParseWatchNews(all_.api_, all_.form_, frame_);
    if (news.ok()) {
      all_.watches_started_ += news->watches_started;
      all_.puts_shown_ += static_cast<int64_t>(news->puts_sent.size());
      for (const absl::Duration sent : news->puts_sent) all_.on_put_(sent);
    } else {
      all_.failure_.Update(news.status());
    }
    call_->Read(&frame_, &on_read_);
  }

  // gRPC wants no other operation under way when a call is finished.
  void EndIfIdle() {
    if (!writing_) call_->Finish(&status_, &on_finished_);
  }

  void OnFinished(bool) {
    --all_.streams_open_;
    all_.failure_.Update(absl::UnavailableError(absl::StrCat("a stream of watches ended: ", status_.error_message())));
  }

  WatchStreams& all_;
  const std::vector<WatchTarget> targets_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  size_t written_ = 0;
  bool writing_ = false;
  bool read_ended_ = false;
  grpc::ByteBuffer frame_;
  grpc::Status status_;

  Step on_begun_ = [this](bool ok) { OnBegun(ok); };
  Step on_written_ = [this](bool ok) { OnWritten(ok); };
  Step on_read_ = [this](bool ok) { OnRead(ok); };
  Step on_finished_ = [this](bool ok) { OnFinished(ok); };
};

WatchStreams::WatchStreams(StepQueue* queue, Api api, WatchForm form, OnPut on_put)
    : queue_(*queue), api_(api), form_(form), on_put_(std::move(on_put)) {}

WatchStreams::~WatchStreams() {
  for (const auto& stream : streams_) stream->Cancel();
  if (!queue_.RunUntil([this] { return streams_open_ == 0; }, kDrainTimeout).ok()) {
    // With operations under way the queue could not be destroyed.
    std::fputs("watches have not ended 10 s after they were cancelled\n", stderr);
    std::_Exit(EXIT_FAILURE);
  }
}

void WatchStreams::Open(const std::shared_ptr<grpc::Channel>& channel, std::vector<WatchTarget> targets) {
  streams_.push_back(std::make_unique<WatchStream>(this, channel, std::move(targets)));
}

absl::Status WatchStreams::RunUntil(const std::function<bool()>& done, absl::Duration timeout) {
  const absl::Status status = queue_.RunUntil([this, &done] { return !failure_.ok() || done(); }, timeout);
  if (!failure_.ok()) return failure_;
  if (!status.ok()) {
    return absl::DeadlineExceededError(
        absl::StrCat(status.message(), ": ", watches_started_, " watches started, ", puts_shown_, " events"));
  }
  return absl::OkStatus();
}

}  // namespace scoutlight::bench
