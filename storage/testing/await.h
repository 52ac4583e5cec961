#ifndef SCOUTLIGHT_STORAGE_TESTING_AWAIT_H_
#define SCOUTLIGHT_STORAGE_TESTING_AWAIT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/deferred.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "storage/store.h"

namespace scoutlight::storage {

// How long a test waits for anything before it calls it lost.
inline constexpr absl::Duration kAwaitBound = absl::Seconds(60);

// The answer to one asynchronous call, to be waited for. Fails the test when the Done is called inside the call or twice, is dropped
// without a call, or is not called within kAwaitBound. Thread-safe.
template <typename T>
class Pending {
 public:
  // Makes the call: `call` takes a Done<T>. Every other call is made inside a DeferScope, so that both ways of answering are used.
  template <typename Call>
  static Pending Start(Call&& call) {
    Pending pending;
    std::optional<DeferScope> scope;
    static std::atomic<uint64_t> calls = 0;  // Orders nothing.
    if (calls.fetch_add(1, std::memory_order_relaxed) % 2 == 0) scope.emplace();
    ++CallsInProgress();
    std::forward<Call>(call)(Done<T>([token = std::make_unique<Token>(pending.answer_)](T value) {
      EXPECT_EQ(CallsInProgress(), 0) << "done was called inside the call that took it";
      token->answer->Take(std::move(value));
    }));
    --CallsInProgress();
    return pending;
  }

  // Whether the answer is there.
  bool ready() const {
    MutexLock lock(&answer_->mu);
    return answer_->value.has_value();
  }

  // Waits for the answer and gives it away; a default one when the test has failed. Call it once.
  T Wait() {
    const absl::Duration start = Clock::System().SinceBoot();
    MutexLock lock(&answer_->mu);
    while (!answer_->value.has_value()) {
      if (answer_->dropped) {
        ADD_FAILURE() << "done was dropped without a call";
        return T{};
      }
      if (Clock::System().SinceBoot() - start > kAwaitBound) {
        ADD_FAILURE() << "no answer within " << absl::FormatDuration(kAwaitBound);
        return T{};
      }
      answer_->changed.WaitFor(&answer_->mu, absl::Seconds(1));
    }
    return *std::move(answer_->value);
  }

 private:
  struct Answer {
    void Take(T taken) {
      MutexLock lock(&mu);
      EXPECT_EQ(++calls, 1) << "done was called again";
      value = std::move(taken);
      changed.NotifyAll();
    }

    Mutex mu;
    CondVar changed;
    std::optional<T> value ABSL_GUARDED_BY(mu);
    int calls ABSL_GUARDED_BY(mu) = 0;
    bool dropped ABSL_GUARDED_BY(mu) = false;
  };

  // Lives as long as the Done, to notice when it goes.
  struct Token {
    explicit Token(std::shared_ptr<Answer> shared) : answer(std::move(shared)) {}
    ~Token() {
      MutexLock lock(&answer->mu);
      answer->dropped = true;
      answer->changed.NotifyAll();
    }

    const std::shared_ptr<Answer> answer;
  };

  static int& CallsInProgress() {
    static thread_local int calls = 0;
    return calls;
  }

  std::shared_ptr<Answer> answer_ = std::make_shared<Answer>();
};

// Makes the call and waits for its answer.
template <typename T, typename Call>
T Await(Call&& call) {
  return Pending<T>::Start(std::forward<Call>(call)).Wait();
}

// Waits until `condition()` holds; false when it does not within kAwaitBound. For what tells nobody when it changes.
template <typename Condition>
bool AwaitCondition(Condition condition) {
  const absl::Duration start = Clock::System().SinceBoot();
  Mutex mu;
  CondVar never;
  while (!condition()) {
    if (Clock::System().SinceBoot() - start > kAwaitBound) return false;
    MutexLock lock(&mu);
    never.WaitFor(&mu, absl::Milliseconds(2));
  }
  return true;
}

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_AWAIT_H_
