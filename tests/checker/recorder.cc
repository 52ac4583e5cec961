#include "tests/checker/recorder.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

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

Call RecordingClient::Make(Call call) {
  if (const auto* write = std::get_if<Write>(&call.request)) {
    Send(Write(*write), &call);
  } else if (const auto* read = std::get_if<Read>(&call.request)) {
    Send(Read(*read), &call);
  } else {
    ADD_FAILURE() << "a call of another kind";
  }
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

}  // namespace scoutlight::checker
