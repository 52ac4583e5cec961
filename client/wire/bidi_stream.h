#ifndef SCOUTLIGHT_CLIENT_WIRE_BIDI_STREAM_H_
#define SCOUTLIGHT_CLIENT_WIRE_BIDI_STREAM_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/status.h>

#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "client/events/event_loop.h"
#include "client/events/stream.h"
#include "client/wire/live_calls.h"
#include "client/wire/status_conversion.h"

namespace scoutlight::client {

// How a call failed: it has ended, or nothing came on it and it was given up.
enum class Failed { kEnded, kSilent };

// gRPC's side of a Stream: keeps itself alive from Begin() until gRPC is done with it, and hands gRPC's callbacks over to the loop, where
// everything else happens. One message is on its way at a time. Once cancelled, no event comes any more.
template <typename Request, typename Response>
class BidiCall final : public grpc::ClientBidiReactor<Request, Response> {
 public:
  using Events = typename Stream<Request, Response>::Events;
  using Start = absl::FunctionRef<void(grpc::ClientContext*, grpc::ClientBidiReactor<Request, Response>*)>;

  using OnFailed = std::function<void(const absl::Status&, Failed)>;

  // `on_failed` is told on the loop why the call ended, or was given up; not of one that was cancelled.
  BidiCall(std::shared_ptr<EventLoop> loop, std::shared_ptr<LiveCalls> live, Events events, OnFailed on_failed)
      : loop_(std::move(loop)), live_(std::move(live)), on_failed_(std::move(on_failed)), events_(std::move(events)) {}

  void Begin(std::shared_ptr<BidiCall> self, Start start) {
    self_ = std::move(self);
    live_->Begin();
    start(&context_, this);
    // Reads and writes are begun outside of gRPC's callbacks.
    this->AddHold();
    this->StartRead(&read_);
    this->StartCall();
  }

  void Send(Request request) {
    if (!held_) return;
    unsent_.push_back(std::move(request));
    if (unsent_.size() == 1) this->StartWrite(&unsent_.front());
  }
  int unsent() const { return static_cast<int>(unsent_.size()); }
  void CloseSending() {
    if (!held_ || std::exchange(sending_closed_, true)) return;
    if (unsent_.empty()) this->StartWritesDone();
  }

  void PauseReading() { reading_paused_ = true; }
  void ResumeReading() {
    reading_paused_ = false;
    ReadNext();
  }

  void GiveUp() {
    if (!cancelled_) on_failed_(absl::UnavailableError("the server says nothing any more"), Failed::kSilent);
    Cancel();
  }
  void Cancel() {
    cancelled_ = true;
    if (!in_event_) events_ = {};
    context_.TryCancel();
    LetGo();
  }

  void OnReadDone(bool ok) override {
    loop_->Post([self = self_, ok] { self->OnRead(ok); });
  }
  void OnWriteDone(bool ok) override {
    loop_->Post([self = self_, ok] { self->OnWritten(ok); });
  }
  void OnDone(const grpc::Status& status) override {
    const absl::Status end = StatusOf(status);
    loop_->Post([self = self_, end] { self->OnEnd(end); });
    const std::shared_ptr<LiveCalls> live = live_;
    self_.reset();
    // The last that is done here: who waits for it may end the process.
    live->End();
  }

 private:
  void OnRead(bool ok) {
    if (!ok) return LetGo();
    reading_ = false;
    if (cancelled_) return;
    in_event_ = true;
    events_.on_message(std::move(read_));
    in_event_ = false;
    if (cancelled_) {
      events_ = {};
      return;
    }
    ReadNext();
  }

  void ReadNext() {
    if (!held_ || reading_ || reading_paused_ || in_event_) return;
    reading_ = true;
    read_ = Response();
    this->StartRead(&read_);
  }

  void OnWritten(bool ok) {
    // A write that fails is followed by a read that does.
    if (!ok || cancelled_) return;
    unsent_.pop_front();
    if (!held_) return;
    if (!unsent_.empty()) {
      this->StartWrite(&unsent_.front());
    } else if (sending_closed_) {
      this->StartWritesDone();
    }
  }

  void OnEnd(const absl::Status& status) {
    if (cancelled_) return;
    on_failed_(status, Failed::kEnded);
    cancelled_ = true;
    in_event_ = true;
    events_.on_end(status);
    in_event_ = false;
    events_ = {};
  }

  // Nothing more is read or written.
  void LetGo() {
    if (std::exchange(held_, false)) this->RemoveHold();
  }

  const std::shared_ptr<EventLoop> loop_;
  const std::shared_ptr<LiveCalls> live_;
  const OnFailed on_failed_;
  grpc::ClientContext context_;
  std::shared_ptr<BidiCall> self_;  // Until OnDone; set before the call begins.
  Response read_;                   // gRPC's until OnReadDone.
  // On the loop alone.
  Events events_;
  std::deque<Request> unsent_;  // The first is gRPC's until OnWriteDone.
  bool held_ = true;
  bool reading_ = true;  // Begins with a read.
  bool reading_paused_ = false;
  bool sending_closed_ = false;
  bool cancelled_ = false;
  bool in_event_ = false;
};

// What a Stream's user has: goes away with an effect on the call, not the other way round.
template <typename Request, typename Response>
class BidiStream final : public Stream<Request, Response> {
 public:
  explicit BidiStream(std::shared_ptr<BidiCall<Request, Response>> call) : call_(std::move(call)) {}
  ~BidiStream() override { call_->Cancel(); }

  void Send(Request request) override { call_->Send(std::move(request)); }
  int unsent() const override { return call_->unsent(); }
  void CloseSending() override { call_->CloseSending(); }
  void PauseReading() override { call_->PauseReading(); }
  void ResumeReading() override { call_->ResumeReading(); }
  void GiveUp() override { call_->GiveUp(); }

 private:
  const std::shared_ptr<BidiCall<Request, Response>> call_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_BIDI_STREAM_H_
