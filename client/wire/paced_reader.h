#ifndef SCOUTLIGHT_CLIENT_WIRE_PACED_READER_H_
#define SCOUTLIGHT_CLIENT_WIRE_PACED_READER_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "client/wire/live_calls.h"
#include "client/wire/status_conversion.h"

namespace scoutlight::client {

// Answers of a call that has a stream of them, for a thread that waits for each: as a whole the call has no deadline. One answer is read
// ahead; beyond that the server is told to wait. Not thread-safe.
template <typename Response>
class PacedReader {
 public:
  using Start = absl::FunctionRef<void(grpc::ClientContext*, grpc::ClientReadReactor<Response>*)>;

  // `start` opens the call.
  PacedReader(std::shared_ptr<LiveCalls> live, Start start) : call_(std::make_shared<Call>(std::move(live))) { call_->Begin(call_, start); }
  // Cancels what has not ended.
  ~PacedReader() { call_->Cancel(); }
  PacedReader(const PacedReader&) = delete;
  PacedReader& operator=(const PacedReader&) = delete;

  // The next answer; nullopt: the call has ended well. kDeadlineExceeded: nothing came within `timeout`; others: the call's own. Not to be
  // called again after an error or the end. Blocks.
  absl::StatusOr<std::optional<Response>> Next(absl::Duration timeout) { return call_->Next(timeout); }

 private:
  // Keeps itself alive until gRPC is done with it.
  class Call final : public grpc::ClientReadReactor<Response> {
   public:
    explicit Call(std::shared_ptr<LiveCalls> live) : live_(std::move(live)) {}

    void Begin(std::shared_ptr<Call> self, Start start) {
      self_ = std::move(self);
      live_->Begin();
      start(&context_, this);
      // Reads are begun outside of gRPC's callbacks.
      this->AddHold();
      this->StartRead(&read_);
      this->StartCall();
    }

    absl::StatusOr<std::optional<Response>> Next(absl::Duration timeout) {
      const absl::Duration until = Clock::System().SinceBoot() + timeout;
      {
        MutexLock lock(&mu_);
        if (!AwaitUntil(until, came_)) return Silent(timeout);
        came_ = false;
        if (!none_left_) {
          std::optional<Response> next(std::move(read_));
          read_ = Response();
          this->StartRead(&read_);
          return next;
        }
      }
      LetGo();
      MutexLock lock(&mu_);
      if (!AwaitUntil(until, done_)) return Silent(timeout);
      if (!end_.ok()) return end_;
      return std::optional<Response>();
    }

    void Cancel() {
      context_.TryCancel();
      LetGo();
    }

    void OnReadDone(bool ok) override {
      MutexLock lock(&mu_);
      came_ = true;
      none_left_ = !ok;
      changed_.NotifyAll();
    }
    void OnDone(const grpc::Status& status) override {
      {
        MutexLock lock(&mu_);
        done_ = true;
        end_ = StatusOf(status);
        changed_.NotifyAll();
      }
      const std::shared_ptr<LiveCalls> live = live_;
      self_.reset();
      // The last that is done here: who waits for it may end the process.
      live->End();
    }

   private:
    static absl::Status Silent(absl::Duration timeout) {
      return absl::DeadlineExceededError(absl::StrCat("nothing came for ", absl::FormatDuration(timeout)));
    }

    // False: `is` is not so by then.
    bool AwaitUntil(absl::Duration until, const bool& is) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      while (!is) {
        const absl::Duration left = until - Clock::System().SinceBoot();
        if (left <= absl::ZeroDuration()) return false;
        changed_.WaitFor(&mu_, left);
      }
      return true;
    }

    void LetGo() {
      if (std::exchange(held_, false)) this->RemoveHold();
    }

    const std::shared_ptr<LiveCalls> live_;
    grpc::ClientContext context_;
    std::shared_ptr<Call> self_;  // Until OnDone; set before the call begins.
    bool held_ = true;            // The reader's alone.
    Mutex mu_;
    CondVar changed_;
    Response read_;                           // gRPC's until OnReadDone.
    bool came_ ABSL_GUARDED_BY(mu_) = false;  // What was read, or that there is nothing left.
    bool none_left_ ABSL_GUARDED_BY(mu_) = false;
    bool done_ ABSL_GUARDED_BY(mu_) = false;
    absl::Status end_ ABSL_GUARDED_BY(mu_);  // With `done_`.
  };

  const std::shared_ptr<Call> call_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_PACED_READER_H_
