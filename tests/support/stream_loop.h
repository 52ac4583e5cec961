#ifndef SCOUTLIGHT_TESTS_SUPPORT_STREAM_LOOP_H_
#define SCOUTLIGHT_TESTS_SUPPORT_STREAM_LOOP_H_

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/status.h>

#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "tests/support/deadline.h"

namespace scoutlight::testing {

// Runs any number of streams on the thread that calls RunUntil(): outside of it nothing moves on, so what they call needs no lock.
class StreamLoop {
 public:
  using Done = std::function<void(bool ok)>;

  StreamLoop() = default;
  // Every stream is dropped or over. Waits until gRPC has done with them.
  ~StreamLoop();
  StreamLoop(const StreamLoop&) = delete;
  StreamLoop& operator=(const StreamLoop&) = delete;

  // Goes on until `condition` holds or `bound` has passed; whether it held. It is asked a hundred times a second, on this thread.
  bool RunUntil(const std::function<bool()>& condition, absl::Duration bound = kSoon);

  grpc::CompletionQueue* queue() { return &queue_; }
  // What to hand to gRPC with an operation: `done` is called once, when that is over.
  void* TagOf(Done done);

 private:
  void Finish(void* tag, bool ok);

  grpc::CompletionQueue queue_;
  int outstanding_ = 0;
};

// One stream on a loop, read all the time. `Stream` is grpc::ClientAsyncReader or grpc::ClientAsyncReaderWriter. Kept by gRPC's operations
// until it is over.
template <typename Stream, typename Response>
class LoopStream : public std::enable_shared_from_this<LoopStream<Stream, Response>> {
 public:
  using Start = std::function<std::unique_ptr<Stream>(grpc::ClientContext* context, grpc::CompletionQueue* queue, void* tag)>;
  struct Events {
    std::function<void(const Response&)> on_response;
    std::function<void(const grpc::Status&)> on_end;  // The last one.
  };

  // `loop` outlives what this starts.
  static std::shared_ptr<LoopStream> Open(StreamLoop* loop, const Start& start, Events events) {
    const std::shared_ptr<LoopStream> opened(new LoopStream(loop, std::move(events)));
    opened->sending_ = true;
    opened->stream_ = start(&opened->context_, loop->queue(), opened->Then(&LoopStream::OnStarted));
    return opened;
  }

  // Behind what was sent before. Of a stream that is over: no effect.
  template <typename Request>
  void Send(Request request) {
    requests_.push_back([this, request = std::move(request)] { stream_->Write(request, Then(&LoopStream::OnSent)); });
    SendNext();
  }
  // Cancels it; nothing more is told.
  void Drop() {
    events_ = {};
    context_.TryCancel();
  }

 private:
  LoopStream(StreamLoop* loop, Events events) : loop_(*loop), events_(std::move(events)) {}

  void* Then(void (LoopStream::*done)(bool ok)) {
    return loop_.TagOf([self = this->shared_from_this(), done](bool ok) { (self.get()->*done)(ok); });
  }
  void OnStarted(bool ok) {
    OnSent(ok);
    Read();
  }
  void OnSent(bool ok) {
    sending_ = false;
    over_ = over_ || !ok;
    SendNext();
  }
  void SendNext() {
    if (over_) requests_.clear();
    if (sending_ || requests_.empty()) return;
    sending_ = true;
    const std::function<void()> send = std::move(requests_.front());
    requests_.pop_front();
    send();
  }
  void Read() { stream_->Read(&response_, Then(&LoopStream::OnRead)); }
  void OnRead(bool ok) {
    if (!ok) {
      over_ = true;
      return stream_->Finish(&status_, Then(&LoopStream::OnFinished));
    }
    // A copy: the call may drop the stream.
    const auto on_response = events_.on_response;
    if (on_response != nullptr) on_response(response_);
    Read();
  }
  void OnFinished(bool /*ok*/) {
    const Events events = std::exchange(events_, {});
    if (events.on_end != nullptr) events.on_end(status_);
  }

  StreamLoop& loop_;
  Events events_;
  grpc::ClientContext context_;
  std::unique_ptr<Stream> stream_;
  Response response_;
  grpc::Status status_;
  std::deque<std::function<void()>> requests_;
  bool sending_ = false;
  bool over_ = false;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_SUPPORT_STREAM_LOOP_H_
