#ifndef SCOUTLIGHT_SERVER_WATCH_WATCH_HUB_FIXTURE_H_
#define SCOUTLIGHT_SERVER_WATCH_WATCH_HUB_FIXTURE_H_

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "scoutlight/registry/v1/registry.pb.h"
#include "server/watch/watch_hub.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_engine.h"
#include "storage/testing/await.h"
#include "storage/testing/sync_store.h"

// A hub over a store in memory, for tests: the store can be made to fail and to hold back, and streams are read as the test says.
namespace scoutlight::server {

namespace wire = ::scoutlight::registry::v1;
using storage::AwaitCondition;
using storage::K;
using Kind = wire::WatchResponse;

inline const StoreId kStoreId = "00112233445566778899aabbccddeeff";

// A store that can be made to fail, holds back its history, and shows whom it shows its batches. All else is that of the store below.
class FaultyStore final : public storage::Store {
 public:
  explicit FaultyStore(std::unique_ptr<storage::Store> store) : store_(std::move(store)) {}

  // The next reads of history, and of pages, fail with this.
  void FailHistory(int times, absl::Status status) { Set(&history_failures_, times, std::move(status)); }
  void FailPages(int times, absl::Status status) { Set(&page_failures_, times, std::move(status)); }
  // Pages, and answers about history, are held until they are let go.
  void HoldPages() {
    MutexLock lock(&mu_);
    pages_are_held_ = true;
  }
  void LetPagesGo() {
    std::vector<absl::AnyInvocable<void() &&>> held;
    {
      MutexLock lock(&mu_);
      pages_are_held_ = false;
      held = std::exchange(held_pages_, {});
    }
    for (absl::AnyInvocable<void() &&>& answer : held) std::move(answer)();
  }
  size_t pages_held() const {
    MutexLock lock(&mu_);
    return held_pages_.size();
  }
  void HoldHistory() {
    MutexLock lock(&mu_);
    history_held_ = true;
  }
  void LetHistoryGo() {
    std::vector<absl::AnyInvocable<void() &&>> held;
    {
      MutexLock lock(&mu_);
      history_held_ = false;
      held = std::exchange(held_answers_, {});
    }
    for (absl::AnyInvocable<void() &&>& answer : held) std::move(answer)();
  }
  int history_reads() const { return history_reads_; }
  int pages_at_once_most() const { return pages_at_once_most_; }
  std::shared_ptr<storage::Sink> sink() const {
    MutexLock lock(&mu_);
    return sink_;
  }

  void Read(storage::Query query, storage::Done<storage::Page> done) override {
    const int now = ++pages_at_once_;
    int most = pages_at_once_most_;
    while (most < now && !pages_at_once_most_.compare_exchange_weak(most, now)) {
    }
    const bool is_page = query.expect_more_pages && query.revision != 0;
    absl::Status failure = is_page ? Take(&page_failures_) : absl::OkStatus();
    store_->Read(std::move(query), [this, failure, done = std::move(done)](storage::Page page) mutable {
      if (!failure.ok()) page = {.status = failure, .revision = page.revision, .oldest_revision = page.oldest_revision, .entries = {}};
      --pages_at_once_;
      {
        MutexLock lock(&mu_);
        if (pages_are_held_) {
          held_pages_.push_back([done = std::move(done), page = std::move(page)]() mutable { std::move(done)(std::move(page)); });
          return;
        }
      }
      std::move(done)(std::move(page));
    });
  }
  void History(Revision from, Revision to, KeyRange range, size_t bytes_max, storage::Done<storage::HistoryPage> done) override {
    ++history_reads_;
    absl::Status failure = Take(&history_failures_);
    store_->History(from, to, std::move(range), bytes_max, [this, failure, done = std::move(done)](storage::HistoryPage page) mutable {
      if (!failure.ok()) page = {.status = failure, .oldest_revision = page.oldest_revision, .batches = {}};
      {
        MutexLock lock(&mu_);
        if (history_held_) {
          held_answers_.push_back([done = std::move(done), page = std::move(page)]() mutable { std::move(done)(std::move(page)); });
          return;
        }
      }
      std::move(done)(std::move(page));
    });
  }
  void Follow(Revision after, std::shared_ptr<storage::Sink> sink) override {
    {
      MutexLock lock(&mu_);
      sink_ = sink;
    }
    store_->Follow(after, std::move(sink));
  }

  storage::StoreHealth health() const override { return store_->health(); }
  const storage::Traits& traits() const override { return store_->traits(); }
  StoreId store_id() const override { return store_->store_id(); }
  void BeginServing() override { store_->BeginServing(); }
  void EndServing() override { store_->EndServing(); }
  void Commit(storage::Transaction transaction, storage::Done<storage::CommitResult> done) override {
    store_->Commit(std::move(transaction), std::move(done));
  }
  void GrantLease(storage::GrantRequest request, storage::Done<storage::LeaseResult> done) override {
    store_->GrantLease(std::move(request), std::move(done));
  }
  void RevokeLease(storage::RevokeRequest request, storage::Done<storage::CommitResult> done) override {
    store_->RevokeLease(std::move(request), std::move(done));
  }
  void RenewLeases(std::vector<LeaseId> ids, uint64_t connection, storage::Done<storage::Renewals> done) override {
    store_->RenewLeases(std::move(ids), connection, std::move(done));
  }
  void GetLease(LeaseId id, storage::Done<storage::LeaseResult> done) override { store_->GetLease(id, std::move(done)); }
  void ListLeases(LeaseId after, int leases_max, storage::Done<storage::LeaseList> done) override {
    store_->ListLeases(after, leases_max, std::move(done));
  }
  void Compact(Revision oldest, storage::Done<storage::CompactResult> done) override { store_->Compact(oldest, std::move(done)); }

 private:
  struct Failures {
    int left = 0;
    absl::Status status;
  };
  void Set(Failures* failures, int times, absl::Status status) {
    MutexLock lock(&mu_);
    *failures = {times, std::move(status)};
  }
  absl::Status Take(Failures* failures) {
    MutexLock lock(&mu_);
    if (failures->left == 0) return absl::OkStatus();
    --failures->left;
    return failures->status;
  }

  mutable Mutex mu_;
  Failures history_failures_ ABSL_GUARDED_BY(mu_);
  Failures page_failures_ ABSL_GUARDED_BY(mu_);
  bool pages_are_held_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<absl::AnyInvocable<void() &&>> held_pages_ ABSL_GUARDED_BY(mu_);
  bool history_held_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<absl::AnyInvocable<void() &&>> held_answers_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<storage::Sink> sink_ ABSL_GUARDED_BY(mu_);
  std::atomic<int> history_reads_{0};
  std::atomic<int> pages_at_once_{0};
  std::atomic<int> pages_at_once_most_{0};
  const std::unique_ptr<storage::Store> store_;
};

// A call whose client reads as the test says. Fails the test when the hub breaks its promises.
class FakeStream final : public WatchStream {
 public:
  struct Frame {
    int64_t watch_id = 0;
    FrameBytes bytes;
    wire::WatchResponse message;
  };

  explicit FakeStream(WatchHub* hub) : hub_(*hub) {}

  void Write(int64_t watch_id, const FrameBytes& bytes) override {
    MutexLock lock(&mu_);
    while (held_) {
      caught_ = true;
      let_go_.Wait(&mu_);
    }
    EXPECT_FALSE(writing_) << "two writes at once";
    EXPECT_FALSE(end_.has_value()) << "a write after the end";
    Frame frame{watch_id, bytes, {}};
    EXPECT_TRUE(frame.message.ParseFromString(*bytes));
    frames_.push_back(std::move(frame));
    writing_ = stalled_;
    if (!stalled_) hub_.OnWritten(this);
  }
  void ReadNext() override {
    MutexLock lock(&mu_);
    ++reads_;
  }
  void Finish(const WatchEnd& end) override {
    MutexLock lock(&mu_);
    EXPECT_FALSE(end_.has_value()) << "two ends";
    end_ = end;
    hub_.OnClosed(this);
  }

  // The client stops reading: the frame that is written next does not go out. Or it reads again.
  void Stall() {
    MutexLock lock(&mu_);
    stalled_ = true;
  }
  void Wake() {
    MutexLock lock(&mu_);
    stalled_ = false;
    if (std::exchange(writing_, false)) hub_.OnWritten(this);
  }

  // Who writes next, that is the hub's thread, is held until it is let go.
  void HoldTheWriter() {
    MutexLock lock(&mu_);
    held_ = true;
  }
  bool caught() const {
    MutexLock lock(&mu_);
    return caught_;
  }
  void LetTheWriterGo() {
    MutexLock lock(&mu_);
    held_ = false;
    let_go_.NotifyAll();
  }

  bool writing() const {
    MutexLock lock(&mu_);
    return writing_;
  }
  int reads() const {
    MutexLock lock(&mu_);
    return reads_;
  }
  std::optional<WatchEnd> end() const {
    MutexLock lock(&mu_);
    return end_;
  }
  // Those but PROGRESS, of `watch_id`.
  std::vector<Frame> frames(int64_t watch_id = 0) const {
    MutexLock lock(&mu_);
    std::vector<Frame> frames;
    for (const Frame& frame : frames_) {
      if (frame.watch_id == watch_id && frame.message.kind() != Kind::KIND_PROGRESS) frames.push_back(frame);
    }
    return frames;
  }
  std::vector<Revision> progress() const {
    MutexLock lock(&mu_);
    std::vector<Revision> revisions;
    for (const Frame& frame : frames_) {
      if (frame.message.kind() == Kind::KIND_PROGRESS) revisions.push_back(frame.message.revision());
    }
    return revisions;
  }

  std::vector<wire::WatchResponse::Kind> kinds(int64_t watch_id = 0) const {
    std::vector<wire::WatchResponse::Kind> kinds;
    for (const Frame& frame : frames(watch_id)) kinds.push_back(frame.message.kind());
    return kinds;
  }
  // "key=text@revision", or "-key@revision" of a delete.
  std::vector<std::string> events(int64_t watch_id = 0) const {
    std::vector<std::string> events;
    for (const Frame& frame : frames(watch_id)) {
      for (const wire::Event& event : frame.message.events()) {
        const bool put = event.kind() == wire::Event::KIND_PUT;
        const std::string value = put ? absl::StrCat("=", event.entry().text()) : "";
        events.push_back(absl::StrCat(put ? "" : "-", event.entry().key(), value, "@", event.entry().mod_revision()));
      }
    }
    return events;
  }
  // What is in force after all frames: the state by key.
  std::map<std::string, std::string> state(int64_t watch_id = 0) const {
    std::map<std::string, std::string> state;
    for (const Frame& frame : frames(watch_id)) {
      if (frame.message.restart()) state.clear();
      for (const wire::Entry& entry : frame.message.entries()) state[entry.key()] = entry.text();
      for (const wire::Event& event : frame.message.events()) {
        if (event.kind() == wire::Event::KIND_PUT) {
          state[event.entry().key()] = event.entry().text();
        } else {
          state.erase(event.entry().key());
        }
      }
    }
    return state;
  }

 private:
  WatchHub& hub_;
  mutable Mutex mu_;
  CondVar let_go_;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  bool caught_ ABSL_GUARDED_BY(mu_) = false;
  bool stalled_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  int reads_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<Frame> frames_ ABSL_GUARDED_BY(mu_);
  std::optional<WatchEnd> end_ ABSL_GUARDED_BY(mu_);
};

class WatchHubTest : public testing::Test {
 protected:
  WatchHubTest() {
    storage::LocalStoreOptions options;
    options.random = [random = std::mt19937_64(7)]() mutable { return random(); };
    auto store = storage::OpenLocalStore(storage::NewMemoryEngine(kStoreId), std::move(options));
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = std::make_unique<FaultyStore>(*std::move(store));
    sync_ = std::make_unique<storage::SyncStore>(store_.get());
    options_.clock_look_interval = absl::Milliseconds(2);
    options_.limits.retry_after = absl::Milliseconds(2);
  }

  WatchHub& hub() {
    if (hub_ == nullptr) {
      hub_ = std::make_unique<WatchHub>(store_.get(), options_);
      hub_->Start();
    }
    return *hub_;
  }
  Revision Put(absl::string_view key, absl::string_view text) { return sync_->Put(K(key), text).revision; }
  // All of them in one transaction.
  Revision PutAll(const std::vector<std::string>& keys, absl::string_view text) {
    std::vector<storage::Operation> puts;
    for (const std::string& key : keys) puts.push_back(storage::PutOf(K(key), text));
    return sync_->Commit(storage::TransactionOf(std::move(puts))).revision;
  }

  static WatchSpec SpecOf(absl::string_view key, Scope scope = Scope::kKey, Revision start = 0) {
    return {.range = {K(key), scope}, .store_id = {}, .start = start};
  }
  static WatchSpec SnapshotOf(absl::string_view key, Scope scope) {
    WatchSpec spec = SpecOf(key, scope);
    spec.include_snapshot = true;
    return spec;
  }
  std::shared_ptr<FakeStream> Open(WatchSpec spec) {
    auto stream = std::make_shared<FakeStream>(&hub());
    EXPECT_TRUE(hub().OpenOne(stream, 1, std::move(spec)).ok());
    return stream;
  }
  // Opened, and told so.
  std::shared_ptr<FakeStream> OpenAndWait(WatchSpec spec) {
    auto stream = Open(std::move(spec));
    EXPECT_TRUE(AwaitCondition([&] { return !stream->frames().empty(); }));
    return stream;
  }
  std::shared_ptr<FakeStream> OpenMany(uint64_t connection = 1) {
    auto stream = std::make_shared<FakeStream>(&hub());
    EXPECT_TRUE(hub().OpenMany(stream, connection).ok());
    return stream;
  }
  void Create(FakeStream& stream, int64_t id, WatchSpec spec) { hub().Command(&stream, CreateWatch{id, std::move(spec)}); }

  void WaitUntilShown(Revision revision) {
    EXPECT_TRUE(AwaitCondition([&] { return hub().shown() >= revision; }));
  }
  // Waits until `stream` has shown `events` events, and gives them.
  static std::vector<std::string> EventsOf(const FakeStream& stream, size_t events, int64_t watch_id = 0) {
    EXPECT_TRUE(AwaitCondition([&] { return stream.events(watch_id).size() >= events; })) << stream.events(watch_id).size();
    return stream.events(watch_id);
  }
  static WatchEnd EndOf(const FakeStream& stream) {
    EXPECT_TRUE(AwaitCondition([&] { return stream.end().has_value(); }));
    return stream.end().value_or(WatchEnd());
  }

  std::unique_ptr<FaultyStore> store_;
  std::unique_ptr<storage::SyncStore> sync_;
  WatchHubOptions options_;
  std::unique_ptr<WatchHub> hub_;  // Before the store.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_WATCH_WATCH_HUB_FIXTURE_H_
