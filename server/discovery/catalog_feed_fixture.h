#ifndef SCOUTLIGHT_SERVER_DISCOVERY_CATALOG_FEED_FIXTURE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_CATALOG_FEED_FIXTURE_H_

#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "server/discovery/catalog_feed.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/forwarding_store.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

// What tests of the feed have in common.
namespace scoutlight::server {

using Instances = std::map<discovery::InstanceName, discovery::Instance>;

// A store whose reads a test holds back; all else is that of the store below.
class GatedStore final : public storage::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  // Reads are kept from now on.
  void Close() {
    MutexLock lock(&mu_);
    open_ = false;
  }
  void Open() {
    std::vector<std::pair<storage::Query, storage::Done<storage::Page>>> held;
    {
      MutexLock lock(&mu_);
      open_ = true;
      held = std::exchange(held_, {});
    }
    for (auto& [query, done] : held) store_.Read(std::move(query), std::move(done));
  }
  // Whether somebody is being kept.
  bool holds() const {
    MutexLock lock(&mu_);
    return !held_.empty();
  }
  // Runs before each answer from history.
  void BeforeHistory(std::function<void()> step) {
    MutexLock lock(&mu_);
    before_history_ = std::move(step);
  }
  // Runs once, before the next answer of the state at a revision that was named.
  void BeforePinnedRead(std::function<void()> step) {
    MutexLock lock(&mu_);
    before_pinned_read_ = std::move(step);
  }
  // The next reads end with this.
  void FailReads(int reads) {
    MutexLock lock(&mu_);
    failures_ = reads;
  }

  void Read(storage::Query query, storage::Done<storage::Page> done) override {
    std::function<void()> step;
    {
      MutexLock lock(&mu_);
      if (query.revision != 0) step = std::exchange(before_pinned_read_, nullptr);
    }
    if (step) step();
    {
      MutexLock lock(&mu_);
      if (!open_) return held_.emplace_back(std::move(query), std::move(done)), void();
      if (failures_ > 0) {
        --failures_;
        query.revision = 1'000'000'000;  // Which is in the future.
      }
    }
    store_.Read(std::move(query), std::move(done));
  }
  void History(Revision from, Revision to, KeyRange range, size_t bytes_max, storage::Done<storage::HistoryPage> done) override {
    std::function<void()> step;
    {
      MutexLock lock(&mu_);
      step = before_history_;
    }
    if (step) step();
    store_.History(from, to, std::move(range), bytes_max, std::move(done));
  }

 private:
  mutable Mutex mu_;
  bool open_ ABSL_GUARDED_BY(mu_) = true;
  int failures_ ABSL_GUARDED_BY(mu_) = 0;
  std::function<void()> before_history_ ABSL_GUARDED_BY(mu_);
  std::function<void()> before_pinned_read_ ABSL_GUARDED_BY(mu_);
  std::vector<std::pair<storage::Query, storage::Done<storage::Page>>> held_ ABSL_GUARDED_BY(mu_);
};

// All instances of a catalog.
inline Instances Listed(discovery::Catalog* catalog) {
  Instances listed;
  for (const std::string& cluster : catalog->Clusters()) {
    for (const discovery::Catalog::ServiceCount& count : catalog->Services(cluster)) {
      catalog->Find(cluster, count.service)->ForEachAfter("", [&](const discovery::InstancePtr& instance) {
        listed[instance->name] = *instance;
        return true;
      });
    }
  }
  return listed;
}

// What every entry of the store makes at `revision`.
inline Instances Scanned(
    storage::Store* store, Revision revision, const Warn& warn = [](absl::string_view) {}) {
  const storage::SyncStore sync(store);
  StoreReader reader(store, [] { return false; });
  EXPECT_EQ(reader.Pin().value(), revision);
  discovery::Catalog catalog(LoadClaims(&reader, warn).value());
  for (const Key& root : {Key(), storage::K(kSystemTree)}) {
    for (const Entry& entry : sync.List(root, Scope::kSubtree, revision)) {
      if (entry.has_value) catalog.Fill(entry);
    }
  }
  catalog.FillUpTo(revision);
  return Listed(&catalog);
}

// An answer that may come inside the call.
class Answer {
 public:
  CatalogFeed::Waiter Take() {
    return [answer = answer_](const absl::Status& status) { answer->set_value(status); };
  }
  bool ready() const { return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
  absl::Status Wait() const {
    if (future_.wait_for(std::chrono::seconds(60)) != std::future_status::ready) return absl::DeadlineExceededError("no answer");
    return future_.get();
  }

 private:
  std::shared_ptr<std::promise<absl::Status>> answer_ = std::make_shared<std::promise<absl::Status>>();
  std::shared_future<absl::Status> future_ = answer_->get_future().share();
};

class CatalogFeedTest : public ::testing::Test {
 protected:
  CatalogFeedTest() : store_(storage::OpenMemoryStore(clock_)), gate_(store_.get()), sync_(store_.get()) {}
  ~CatalogFeedTest() override {
    gate_.Open();
    if (feed_ != nullptr) feed_->Stop();
  }

  // Follows the store from its latest revision on.
  void Begin(CatalogFeedOptions options = {}) {
    options.clock = &clock_;
    options.retry_after = retry_after_;
    options.warn = [this](absl::string_view warning) {
      MutexLock lock(&mu_);
      warnings_.emplace_back(warning);
    };
    feed_ = std::make_shared<CatalogFeed>(&gate_, std::move(options), [this](const std::vector<discovery::ServiceName>& services) {
      MutexLock lock(&mu_);
      for (const discovery::ServiceName& service : services) changed_.push_back(service);
      loads_ += services.empty() ? 1 : 0;
    });
    feed_->Start();
    store_->Follow(sync_.Latest(), feed_);
  }
  void BeginAndLoad(CatalogFeedOptions options = {}) {
    Begin(std::move(options));
    ASSERT_TRUE(storage::AwaitCondition([&] { return feed_->catalog() != nullptr; }));
  }

  absl::Status At(Revision revision) {
    const Answer answer;
    feed_->WhenAt(revision, Answer(answer).Take());
    return answer.Wait();
  }
  absl::Status ClaimsAt(Revision revision) {
    const Answer answer;
    feed_->WhenClaimsAt(revision, Answer(answer).Take());
    return answer.Wait();
  }

  Revision Put(absl::string_view path, absl::string_view text) {
    const storage::CommitResult result = sync_.Put(storage::K(path), text);
    EXPECT_TRUE(result.status.ok()) << result.status;
    return result.revision;
  }
  // The value that the catalog shows; "none": the instance is not there.
  std::string Shown(absl::string_view service, absl::string_view id, absl::string_view property) {
    const discovery::SnapshotPtr snapshot = feed_->catalog()->Find("c", service);
    const discovery::InstancePtr instance = snapshot == nullptr ? nullptr : snapshot->Find(id);
    if (instance == nullptr) return "none";
    const std::string* const value = discovery::FindProperty(instance->properties, property);
    return value == nullptr ? "" : *value;
  }
  std::vector<std::string> warnings() const {
    MutexLock lock(&mu_);
    return warnings_;
  }
  std::vector<discovery::ServiceName> changed() const {
    MutexLock lock(&mu_);
    return changed_;
  }
  int loads() const {
    MutexLock lock(&mu_);
    return loads_;
  }

  storage::FakeClock clock_;
  absl::Duration retry_after_;  // By clock_.
  std::unique_ptr<storage::Store> store_;
  GatedStore gate_;
  const storage::SyncStore sync_;
  mutable Mutex mu_;
  std::vector<std::string> warnings_ ABSL_GUARDED_BY(mu_);
  std::vector<discovery::ServiceName> changed_ ABSL_GUARDED_BY(mu_);
  int loads_ ABSL_GUARDED_BY(mu_) = 0;
  std::shared_ptr<CatalogFeed> feed_;  // Goes before the store and what it tells.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_CATALOG_FEED_FIXTURE_H_
