#ifndef SCOUTLIGHT_SERVER_DISCOVERY_RACED_STORE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_RACED_STORE_H_

#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "storage/testing/forwarding_store.h"

namespace scoutlight::server {

// A store in which something else happens just before commits, and whose reads and grants can be held up or fail. Thread-safe.
class RacedStore final : public storage::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  ~RacedStore() override {
    MutexLock lock(&mu_);
    for (std::thread& thread : threads_) thread.join();
  }

  // `step` runs before each of the next `commits`, with the store below as it is when they were made.
  void BeforeCommits(int commits, std::function<void()> step) {
    MutexLock lock(&mu_);
    left_ = commits;
    step_ = std::move(step);
  }
  int commits() const {
    MutexLock lock(&mu_);
    return commits_;
  }
  // The answers to reads wait until LetReads().
  void HoldReads() {
    MutexLock lock(&mu_);
    hold_reads_ = true;
  }
  void LetReads() {
    std::vector<std::function<void()>> held;
    {
      MutexLock lock(&mu_);
      hold_reads_ = false;
      held = std::exchange(held_reads_, {});
    }
    for (const std::function<void()>& read : held) read();
  }
  // Every read from now on ends so.
  void FailReads(absl::Status status) { read_status_ = std::move(status); }

  // Every grant from now on ends so, and grants nothing; OK: as the store below has it.
  void FailGrants(absl::Status status) {
    MutexLock lock(&mu_);
    grant_status_ = std::move(status);
  }

  void Read(storage::Query query, storage::Done<storage::Page> done) override {
    MutexLock lock(&mu_);
    if (hold_reads_) {
      const auto shared = std::make_shared<storage::Done<storage::Page>>(std::move(done));
      held_reads_.push_back([this, query, shared] { store_.Read(query, std::move(*shared)); });
      return;
    }
    store_.Read(std::move(query), [this, done = std::move(done)](storage::Page page) mutable {
      if (!read_status_.ok()) page.status = read_status_;
      std::move(done)(std::move(page));
    });
  }

  void GrantLease(storage::GrantRequest request, storage::Done<storage::LeaseResult> done) override {
    MutexLock lock(&mu_);
    if (grant_status_.ok()) return store_.GrantLease(std::move(request), std::move(done));
    // Any call that changes nothing: its answer comes as a store's does, not inside the call.
    store_.GetLease(1, [status = grant_status_, done = std::move(done)](storage::LeaseResult result) mutable {
      result.status = std::move(status);
      std::move(done)(std::move(result));
    });
  }

  void Commit(storage::Transaction transaction, storage::Done<storage::CommitResult> done) override {
    MutexLock lock(&mu_);
    ++commits_;
    if (left_ == 0) return store_.Commit(std::move(transaction), std::move(done));
    --left_;
    // On a thread that may wait for the store: the commit may be made on one of the store's own.
    threads_.emplace_back([this, step = step_, transaction = std::move(transaction), done = std::move(done)]() mutable {
      step();
      store_.Commit(std::move(transaction), std::move(done));
    });
  }

 private:
  absl::Status read_status_;  // Not changed during a read.
  mutable Mutex mu_;
  int commits_ ABSL_GUARDED_BY(mu_) = 0;
  int left_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status grant_status_ ABSL_GUARDED_BY(mu_);
  std::function<void()> step_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mu_);
  bool hold_reads_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::function<void()>> held_reads_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_RACED_STORE_H_
