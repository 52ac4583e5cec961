#include "tests/checker/recorder.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include "tests/support/deadline.h"

namespace scoutlight::checker {

Nanos MonotonicNow() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void Recorder::Add(Call call) {
  const MutexLock lock(&mu_);
  history_.calls.push_back(std::move(call));
  changed_.NotifyAll();
}

void Recorder::Add(Outage outage) {
  const MutexLock lock(&mu_);
  history_.outages.push_back(outage);
}

size_t Recorder::calls() const {
  const MutexLock lock(&mu_);
  return history_.calls.size();
}

bool Recorder::WaitForCalls(size_t count, absl::Duration bound) const {
  const testing::Deadline deadline(bound);
  const MutexLock lock(&mu_);
  while (history_.calls.size() < count && !deadline.passed()) changed_.WaitFor(&mu_, deadline.left());
  return history_.calls.size() >= count;
}

History Recorder::Take() {
  const MutexLock lock(&mu_);
  return std::exchange(history_, History());
}

void RecordingClient::Connect(const std::string& address) {
  keep_alive_.reset();
  client_ = std::make_unique<testing::Client>(address);
}

Call RecordingClient::Make(Call call) {
  // A copy: the answer goes into the call.
  const auto request = call.request;
  std::visit([this, &call](const auto& one) { Send(one, &call); }, request);
  recorder_.Add(call);
  return call;
}

template <typename Answered>
void RecordingClient::Take(const Answered& answered, Call* call) {
  call->returned = MonotonicNow();
  if (answered.ok()) {
    call->outcome = Outcome::kOk;
    call->answer = AnswerOf(answered.message);
  } else {
    SetFailure(answered.status, call);
  }
}

void RecordingClient::Send(const Write& write, Call* call) {
  call->called = MonotonicNow();
  switch (write.form) {
    case Write::Form::kPut:
      return Take(client_->Send(PutRequestOf(write)), call);
    case Write::Form::kDelete:
      return Take(client_->Send(DeleteRequestOf(write)), call);
    case Write::Form::kTransact:
      return Take(client_->Send(TransactRequestOf(write)), call);
  }
}

void RecordingClient::Send(const Read& read, Call* call) {
  call->called = MonotonicNow();
  if (read.is_get) return Take(client_->Send(GetRequestOf(read)), call);
  const wire::ListRequest request = read.query.after.has_value() ? next_page_ : ListRequestOf(read);
  const auto page = client_->Send(request);
  Take(page, call);
  next_page_ = request;
  next_page_.set_page_token(page->next_page_token());
}

void RecordingClient::Send(const Grant& grant, Call* call) {
  call->called = MonotonicNow();
  Take(client_->Send(GrantRequestOf(grant)), call);
}

void RecordingClient::Send(const Revoke& revoke, Call* call) {
  call->called = MonotonicNow();
  Take(client_->Send(RevokeRequestOf(revoke)), call);
}

void RecordingClient::Send(const Renew& renew, Call* call) {
  call->called = MonotonicNow();
  if (++renewals_ % 2 == 0) return Take(KeepAlive(renew), call);
  Take(client_->Send(RenewRequestOf(renew)), call);
}

testing::Answered<wire::KeepAliveResponse> RecordingClient::KeepAlive(const Renew& renew) {
  if (keep_alive_ == nullptr) keep_alive_ = std::make_unique<testing::KeepAliveStream>(*client_);
  testing::Answered<wire::KeepAliveResponse> answered;
  if (keep_alive_->Send(renew.ids, testing::kCallTimeout)) {
    std::optional<wire::KeepAliveResponse> response = keep_alive_->Next(testing::kCallTimeout);
    if (response.has_value()) {
      answered.message = *std::move(response);
      return answered;
    }
  }
  // It has ended, or says nothing.
  keep_alive_->Cancel();
  answered.status = keep_alive_->End();
  EXPECT_FALSE(answered.ok()) << "a stream that was not half-closed ended well";
  if (answered.ok()) answered.status = grpc::Status(grpc::StatusCode::UNKNOWN, "the stream ended");
  keep_alive_.reset();
  return answered;
}

}  // namespace scoutlight::checker
