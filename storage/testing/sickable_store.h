#ifndef SCOUTLIGHT_STORAGE_TESTING_SICKABLE_STORE_H_
#define SCOUTLIGHT_STORAGE_TESTING_SICKABLE_STORE_H_

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "storage/testing/forwarding_store.h"

namespace scoutlight::storage {

// A store whose health a test sets, and whose reads a test holds up. Thread-safe.
class SickableStore final : public ForwardingStore {
 public:
  enum class Held { kAll, kLists };

  explicit SickableStore(std::unique_ptr<Store> store) : ForwardingStore(store.get()), owned_(std::move(store)) {}

  void SetReadOnly(bool read_only) { read_only_ = read_only; }
  StoreHealth health() const override {
    if (read_only_) return {StoreHealth::State::kReadOnly, "a test says so"};
    return ForwardingStore::health();
  }

  // From now on such reads wait until LetReadsGo(): all, or those of more than a key.
  void HoldReads(Held held) {
    MutexLock lock(&mu_);
    holding_ = true;
    lists_alone_ = held == Held::kLists;
  }
  void LetReadsGo() {
    std::vector<std::pair<Query, Done<Page>>> waiting;
    {
      MutexLock lock(&mu_);
      holding_ = false;
      waiting.swap(waiting_);
    }
    for (auto& [query, done] : waiting) ForwardingStore::Read(std::move(query), std::move(done));
  }
  void Read(Query query, Done<Page> done) override {
    {
      MutexLock lock(&mu_);
      if (holding_ && !(lists_alone_ && query.range.scope == Scope::kKey)) {
        waiting_.emplace_back(std::move(query), std::move(done));
        return;
      }
    }
    ForwardingStore::Read(std::move(query), std::move(done));
  }

  // How often leases were listed.
  int lists_of_leases() const { return lists_of_leases_; }
  void ListLeases(LeaseId after, int leases_max, Done<LeaseList> done) override {
    ++lists_of_leases_;
    ForwardingStore::ListLeases(after, leases_max, std::move(done));
  }

 private:
  const std::unique_ptr<Store> owned_;
  std::atomic<bool> read_only_{false};   // Orders nothing.
  std::atomic<int> lists_of_leases_{0};  // Orders nothing.
  Mutex mu_;
  bool holding_ ABSL_GUARDED_BY(mu_) = false;
  bool lists_alone_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::pair<Query, Done<Page>>> waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_SICKABLE_STORE_H_
