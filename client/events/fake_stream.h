#ifndef SCOUTLIGHT_CLIENT_EVENTS_FAKE_STREAM_H_
#define SCOUTLIGHT_CLIENT_EVENTS_FAKE_STREAM_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "client/events/manual_loop.h"
#include "client/events/stream.h"

namespace scoutlight::client {

// The far side of the streams that the logic under test opens: records what was sent, delivers messages and ends as the test says. Outlives
// the logic. Not thread-safe.
template <typename Request, typename Response>
class FakeStreams {
 public:
  // One stream as the server would see it.
  class Call {
   public:
    // Everything that was sent, in order.
    const std::vector<Request>& sent() const { return sent_; }
    // What was sent since the last TakeSent().
    std::vector<Request> TakeSent() {
      std::vector<Request> taken(sent_.begin() + taken_, sent_.end());
      taken_ = sent_.size();
      return taken;
    }
    // Neither ended by the test nor destroyed by the client.
    bool is_open() const { return !ended_ && !destroyed_; }
    bool is_cancelled() const { return destroyed_ && !ended_; }
    bool is_sending_closed() const { return sending_closed_; }
    // Whether the client wants no message for now. Deliver() delivers it all the same.
    bool is_reading_paused() const { return reading_paused_; }
    // What unsent() tells the client. The test's to set; 0 otherwise.
    void set_unsent(int unsent) { unsent_ = unsent; }

   private:
    friend class FakeStreams;

    typename Stream<Request, Response>::Events events_;
    std::vector<Request> sent_;
    size_t taken_ = 0;
    int unsent_ = 0;
    bool ended_ = false;
    bool destroyed_ = false;
    bool sending_closed_ = false;
    bool reading_paused_ = false;
    bool given_up_ = false;
    bool in_event_ = false;
  };

  explicit FakeStreams(ManualLoop* loop) : loop_(*loop) {}

  // For the logic under test.
  OpenStream<Request, Response> opener() {
    return [this](typename Stream<Request, Response>::Events events) -> std::unique_ptr<Stream<Request, Response>> {
      auto call = std::make_shared<Call>();
      call->events_ = std::move(events);
      calls_.push_back(call);
      return std::make_unique<ClientSide>(std::move(call));
    };
  }

  // How many were ever opened.
  int opened() const { return static_cast<int>(calls_.size()); }
  // The one that was opened as number `i`, from 0.
  Call& at(int i) { return *calls_[i]; }
  // The one that was opened last; there is one.
  Call& newest() { return *calls_.back(); }
  // Whether the newest is open.
  bool is_open() const { return !calls_.empty() && calls_.back()->is_open(); }
  // How many are open.
  int open_count() const {
    int count = 0;
    for (const auto& call : calls_) count += call->is_open();
    return count;
  }

  // Of how many the client took it that their server says nothing any more.
  int given_up() const {
    int count = 0;
    for (const auto& call : calls_) count += call->given_up_;
    return count;
  }

  // The client gets `message` in a task of the loop, and everything that is due then runs. A stream that is over: nothing.
  void Deliver(Response message) { Deliver(&newest(), std::move(message)); }
  void Deliver(Call* call, Response message) {
    RunEvent(call, [message = std::move(message)](Call* to) mutable { to->events_.on_message(std::move(message)); });
  }
  // The same with the stream's end.
  void End(const absl::Status& status) { End(&newest(), status); }
  void End(Call* call, const absl::Status& status) {
    RunEvent(call, [status](Call* to) {
      to->ended_ = true;
      to->events_.on_end(status);
    });
  }

 private:
  class ClientSide final : public Stream<Request, Response> {
   public:
    explicit ClientSide(std::shared_ptr<Call> call) : call_(std::move(call)) {}
    ~ClientSide() override {
      call_->destroyed_ = true;
      if (!call_->in_event_) call_->events_ = {};
    }

    void Send(Request request) override {
      if (call_->is_open()) call_->sent_.push_back(std::move(request));
    }
    int unsent() const override { return call_->unsent_; }
    void CloseSending() override { call_->sending_closed_ = true; }
    void PauseReading() override { call_->reading_paused_ = true; }
    void ResumeReading() override { call_->reading_paused_ = false; }
    void GiveUp() override { call_->given_up_ = true; }

   private:
    const std::shared_ptr<Call> call_;
  };

  template <typename Event>
  void RunEvent(Call* call, Event event) {
    loop_.Post([call, event = std::move(event)]() mutable {
      if (!call->is_open()) return;
      call->in_event_ = true;
      event(call);
      call->in_event_ = false;
      if (!call->is_open()) call->events_ = {};
    });
    loop_.RunUntilIdle();
  }

  ManualLoop& loop_;
  std::vector<std::shared_ptr<Call>> calls_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_EVENTS_FAKE_STREAM_H_
