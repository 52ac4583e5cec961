#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_HUB_FIXTURE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_HUB_FIXTURE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "discovery/bindings.h"
#include "discovery/catalog.h"
#include "discovery/claims.h"
#include "discovery/shipped_schemas.h"
#include "discovery/system_records.h"
#include "gtest/gtest.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "server/discovery/subscriber_hub.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"

namespace scoutlight::server {

// A subscriber's stream: keeps what it was sent, and takes it in at once, or one message each time that it is told to.
class FakeSubscriber final : public SubscriberStream {
 public:
  FakeSubscriber(SubscriberHub* hub, bool reads) : hub_(*hub), reads_(reads) {}

  void Write(std::string head, InstanceFrame frame) override {
    discovery::v1::SubscribeResponse response;
    EXPECT_TRUE(response.ParseFromString(frame == nullptr ? head : head + *frame));
    bool reads = false;
    {
      MutexLock lock(&mu_);
      EXPECT_FALSE(writing_) << "one write at a time";
      writing_ = true;
      messages_.push_back(std::move(response));
      bytes_.push_back(std::move(frame));
      reads = reads_;
    }
    if (reads) Read();
  }
  void ReadNext() override { asked_.fetch_add(1); }
  void Finish(const absl::Status& status) override {
    MutexLock lock(&mu_);
    EXPECT_FALSE(end_.has_value());
    end_ = status;
  }

  void Read() {
    {
      MutexLock lock(&mu_);
      writing_ = false;
    }
    hub_.OnWritten(this);
  }
  void Send(SubscriberMessage message) { hub_.Take(this, std::move(message)); }
  void Confirm(int64_t messages) { Send({.confirmed = messages}); }
  void ConfirmAll() { Confirm(static_cast<int64_t>(messages().size())); }

  std::vector<discovery::v1::SubscribeResponse> messages() const {
    MutexLock lock(&mu_);
    return messages_;
  }
  size_t sent() const { return messages().size(); }
  // Where the bytes of the last frame lie.
  const void* last_bytes() const {
    MutexLock lock(&mu_);
    return bytes_.back().get();
  }
  int asked() const { return asked_; }
  std::optional<absl::Status> end() const {
    MutexLock lock(&mu_);
    return end_;
  }

 private:
  SubscriberHub& hub_;
  const bool reads_;
  std::atomic<int> asked_ = 0;
  mutable Mutex mu_;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mu_);
  std::vector<discovery::v1::SubscribeResponse> messages_ ABSL_GUARDED_BY(mu_);
  std::vector<InstanceFrame> bytes_ ABSL_GUARDED_BY(mu_);
};

// A hub over a catalog of its own, whose time stands still until a test moves it.
class SubscriberHubTest : public ::testing::Test {
 protected:
  enum class Store { kOwn, kShared };

  explicit SubscriberHubTest(SubscriberBounds bounds = {}, Store store = Store::kOwn)
      : catalog_(std::make_shared<discovery::Catalog>(*discovery::Claims::Create(discovery::ShippedSchemas(), discovery::Bindings()))),
        hub_({.catalog = [this] { return loaded_ ? catalog_ : nullptr; },
              .clock = &clock_,
              .store_id = "store",
              .random = [this] { return ++drawn_; },
              .places = places_,
              .count_watches =
                  [this](const discovery::InstanceName& /*name*/, uint64_t number, SubscriberHub::Parts::Counted done) {
                    ++counted_;
                    NoteKept(number);
                    std::move(done)(watches_);
                  },
              .end_count = [this](uint64_t number) { NoteEnded(number); },
              .count_resolvers =
                  [this](const discovery::ServiceName& /*service*/) {
                    ++resolver_counts_;
                    return resolvers_.load();
                  },
              .behind = [this] { return absl::Seconds(behind_seconds_.load()); },
              .bounds = bounds,
              .shared_store = store == Store::kShared}) {
    hub_.Start();
  }
  ~SubscriberHubTest() override {
    for (const auto& stream : streams_) hub_.OnClosed(stream.get());
  }

  // The time is over in which those may come back who subscribed before the start.
  void PassTheStart() { Pass(limits::kSubscriberGrace); }
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    Settle();
  }
  // What was asked of the hub before is done.
  void Settle() {
    for (int round = 0; round < 2; ++round) {
      std::atomic<bool> done = false;
      hub_.List({}, [&done](const SubscribersPage&) { done = true; });
      ASSERT_TRUE(storage::AwaitCondition([&] { return done.load(); }));
    }
  }

  // An instance with this status, at one revision, which is given back.
  Revision Put(const std::string& id, discovery::Status status = discovery::Status::kUp, const std::string& service = "Printer") {
    Batch batch{.revision = ++revision_, .committed = absl::UnixEpoch(), .events = {}};
    const discovery::InstanceRecord record{.status = status, .epoch = 1, .schema = "printers", .registered_at = absl::UnixEpoch()};
    const Key record_key = discovery::InstanceRecordKey({"default", service, id});
    AddPut(record_key, discovery::EncodeInstanceRecord(record), &batch);
    AddPut(*Key::Parse(absl::StrCat("/default/services/", service, "/", id, "/note")), absl::StrCat(batch.revision), &batch);
    hub_.OnChanged(catalog_->Apply(batch).services);
    return batch.revision;
  }
  Revision StartDraining(const std::string& id) { return Put(id, discovery::Status::kDraining); }

  FakeSubscriber* Subscribe(SubscriberMessage message, bool reads = true, const std::string& caller = "host:10.0.0.1") {
    auto stream = std::make_shared<FakeSubscriber>(&hub_, reads);
    EXPECT_TRUE(hub_.Open(stream, "peer", caller).ok());
    streams_.push_back(stream);
    stream->Send(std::move(message));
    return stream.get();
  }
  FakeSubscriber* SubscribeAs(const std::string& id, bool reads = true) {
    return Subscribe({.subscriber_id = id, .add = {{"default", "Printer"}}}, reads);
  }
  // One that has taken in and confirmed the first view, of a service that has instances.
  FakeSubscriber* Confirmed(const std::string& id) {
    FakeSubscriber* const stream = SubscribeAs(id);
    EXPECT_TRUE(AwaitSent(stream, 3));
    stream->ConfirmAll();
    Settle();
    return stream;
  }
  static bool AwaitSent(const FakeSubscriber* stream, size_t messages) {
    return storage::AwaitCondition([&] { return stream->sent() >= messages; });
  }
  static bool AwaitEnd(const FakeSubscriber* stream) {
    return storage::AwaitCondition([&] { return stream->end().has_value(); });
  }

  // A drain that waits, or has waited.
  class Drain {
   public:
    void Answer(DrainOutcome outcome) {
      MutexLock lock(&mu_);
      EXPECT_FALSE(outcome_.has_value());
      outcome_ = std::move(outcome);
    }
    std::optional<DrainOutcome> outcome() const {
      MutexLock lock(&mu_);
      return outcome_;
    }
    bool answered() const { return outcome().has_value(); }
    DrainOutcome Await() const {
      EXPECT_TRUE(storage::AwaitCondition([this] { return answered(); }));
      return outcome().value_or(DrainOutcome());
    }

   private:
    mutable Mutex mu_;
    std::optional<DrainOutcome> outcome_ ABSL_GUARDED_BY(mu_);
  };
  std::shared_ptr<Drain> Await(const std::string& id, Revision revision, absl::Duration linger = absl::ZeroDuration()) {
    auto drain = std::make_shared<Drain>();
    hub_.AwaitConfirmed(++drains_,
                        {.name = {"default", "Printer", id}, .revision = revision, .timeout = absl::Minutes(5), .linger = linger},
                        [drain](DrainOutcome outcome) { drain->Answer(std::move(outcome)); });
    Settle();
    return drain;
  }
  static std::vector<std::string> Laggards(const DrainOutcome& outcome) {
    std::vector<std::string> ids;
    for (const DrainOutcome::Laggard& laggard : outcome.laggards) ids.push_back(laggard.subscriber_id + (laggard.gone ? " gone" : ""));
    return ids;
  }

  static void AddPut(const Key& key, const std::string& value, Batch* batch) {
    Event event;
    event.key = key;
    event.entry = {.key = key,
                   .value = {Value::Form::kText, value},
                   .create_revision = batch->revision,
                   .mod_revision = batch->revision,
                   .version = 1,
                   .has_value = true};
    batch->events.push_back(std::move(event));
  }

  void NoteKept(uint64_t number) {
    MutexLock lock(&mu_);
    if (number != 0) kept_.insert(number);
  }
  void NoteEnded(uint64_t number) {
    MutexLock lock(&mu_);
    EXPECT_EQ(kept_.erase(number), 1u);
  }
  // Counts of watches that are kept, by the numbers of their drains.
  std::set<uint64_t> kept() const {
    MutexLock lock(&mu_);
    return kept_;
  }

  mutable Mutex mu_;
  std::set<uint64_t> kept_ ABSL_GUARDED_BY(mu_);
  storage::FakeClock clock_;
  std::atomic<uint64_t> drawn_ = 0;
  std::atomic<int> watches_ = 0;
  std::atomic<int> resolvers_ = 0;
  std::atomic<int> behind_seconds_ = 0;
  std::atomic<bool> loaded_ = true;       // The catalog.
  std::atomic<int> counted_ = 0;          // How often watches were,
  std::atomic<int> resolver_counts_ = 0;  // and callers of Resolve.
  uint64_t drains_ = 0;
  std::atomic<Revision> revision_ = 1;
  const std::shared_ptr<discovery::Catalog> catalog_;
  const std::shared_ptr<StreamPlaces> places_ = std::make_shared<StreamPlaces>(300);
  SubscriberHub hub_;
  std::vector<std::shared_ptr<FakeSubscriber>> streams_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_HUB_FIXTURE_H_
