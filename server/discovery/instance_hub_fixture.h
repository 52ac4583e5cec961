// What the tests of InstanceHub share: clients, and a hub over a catalog of its own.
#ifndef SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_HUB_FIXTURE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_HUB_FIXTURE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "discovery/bindings.h"
#include "discovery/catalog.h"
#include "discovery/claims.h"
#include "discovery/shipped_schemas.h"
#include "gtest/gtest.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "server/discovery/instance_hub.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"

namespace scoutlight::server {

// A client: keeps what it was sent, and reads on when it is told to, or at once.
class FakeStream final : public InstanceStream {
 public:
  explicit FakeStream(InstanceHub* hub, bool reads) : hub_(*hub), reads_(reads) {}

  void Write(std::shared_ptr<const std::string> frame) override {
    discovery::v1::WatchResponse response;
    EXPECT_TRUE(response.ParseFromString(*frame));
    bool reads = false;
    {
      MutexLock lock(&mu_);
      EXPECT_FALSE(writing_) << "one write at a time";
      writing_ = true;
      frames_.push_back(std::move(response));
      reads = reads_;
    }
    if (reads) Read();
  }
  void Finish(const absl::Status& status) override {
    MutexLock lock(&mu_);
    EXPECT_FALSE(ended_);
    ended_ = true;
    end_ = status;
  }

  // The frame that was written last has gone out.
  void Read() {
    {
      MutexLock lock(&mu_);
      writing_ = false;
    }
    hub_.OnWritten(this);
  }
  void ReadFromNowOn() {
    {
      MutexLock lock(&mu_);
      reads_ = true;
    }
    Read();
  }

  // Without those of KIND_PROGRESS.
  std::vector<discovery::v1::WatchResponse> frames() const {
    std::vector<discovery::v1::WatchResponse> shown;
    MutexLock lock(&mu_);
    for (const discovery::v1::WatchResponse& frame : frames_) {
      if (frame.kind() != discovery::v1::WatchResponse::KIND_PROGRESS) shown.push_back(frame);
    }
    return shown;
  }
  // Frames of KIND_PROGRESS.
  size_t heartbeats() const {
    const size_t others = frames().size();
    MutexLock lock(&mu_);
    return frames_.size() - others;
  }
  bool writing() const {
    MutexLock lock(&mu_);
    return writing_;
  }
  bool ended() const {
    MutexLock lock(&mu_);
    return ended_;
  }
  absl::Status end() const {
    MutexLock lock(&mu_);
    return end_;
  }

 private:
  InstanceHub& hub_;
  mutable Mutex mu_;
  bool reads_ ABSL_GUARDED_BY(mu_);
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mu_);
  std::vector<discovery::v1::WatchResponse> frames_ ABSL_GUARDED_BY(mu_);
};

class InstanceHubTest : public ::testing::Test {
 protected:
  static constexpr int kStreams = 120;

  InstanceHubTest()
      : catalog_(std::make_shared<discovery::Catalog>(*discovery::Claims::Create(discovery::ShippedSchemas(), discovery::Bindings()))),
        hub_({.catalog =
                  [this] {
                    RunStep();
                    return catalog_;
                  },
              .clock = &clock_,
              .store_id = "store",
              .places = places_,
              .behind = [this] { return absl::Seconds(behind_seconds_.load()); }}) {
    hub_.Start();
  }
  ~InstanceHubTest() override {
    for (const auto& stream : streams_) hub_.OnClosed(stream.get());
  }

  // One transaction that puts a property of an instance.
  void Put(const std::string& id, const std::string& property, const std::string& value, const std::string& service = "Printer") {
    Batch batch{.revision = ++revision_, .committed = absl::UnixEpoch(), .events = {}};
    Event event;
    event.key = *Key::Parse(absl::StrCat("/default/services/", service, "/", id, "/", property));
    event.entry = {.key = event.key,
                   .value = {Value::Form::kText, value},
                   .create_revision = batch.revision,
                   .mod_revision = batch.revision,
                   .version = 1,
                   .has_value = true};
    batch.events.push_back(std::move(event));
    hub_.OnChanged(catalog_->Apply(batch).services);
  }
  void Delete(const std::string& id, const std::string& property) {
    Batch batch{.revision = ++revision_, .committed = absl::UnixEpoch(), .events = {}};
    Event event;
    event.kind = EventKind::kDelete;
    event.key = *Key::Parse(absl::StrCat("/default/services/Printer/", id, "/", property));
    batch.events.push_back(std::move(event));
    hub_.OnChanged(catalog_->Apply(batch).services);
  }

  FakeStream* Watch(const std::string& filter, bool reads = true, const std::string& service = "Printer") {
    auto stream = std::make_shared<FakeStream>(&hub_, reads);
    InstanceWatchSpec spec{.service = {"default", service},
                           .filter = *discovery::Filter::Parse(filter, discovery::AgeTerms::kRefused),
                           .heartbeat = absl::Seconds(10)};
    EXPECT_TRUE(hub_.Open(stream, std::move(spec)).ok());
    streams_.push_back(stream);
    return stream.get();
  }
  // Waits until a stream was sent so many frames.
  static bool Await(const FakeStream* stream, size_t frames) {
    return storage::AwaitCondition([&] { return stream->frames().size() >= frames; });
  }

  // From now on `step` runs on the hub's thread, each time before it looks at the catalog; null: nothing does, nor is one still under way.
  void BeforeLooks(std::function<void()> step) {
    MutexLock lock(&mu_);
    step_ = std::move(step);
  }
  void RunStep() {
    MutexLock lock(&mu_);
    if (step_) step_();
  }

  // An instance in the north, and 100 equal watches of it, all of which have read up to here.
  void WatchTheNorth(std::vector<FakeStream*>* watches) {
    Put("laser", "zone", "north");
    for (int i = 0; i < 100; ++i) watches->push_back(Watch("zone == \"north\""));
    for (FakeStream* watch : *watches) ASSERT_TRUE(Await(watch, 2));
    // The hub does things in order, and has told of its own writes before the first of these is answered: when the second one is, it has
    // heard that all of the others have read.
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(Await(Watch("zone == \"south\""), 1));
  }

  Mutex mu_;
  std::function<void()> step_ ABSL_GUARDED_BY(mu_);
  storage::FakeClock clock_;
  const std::shared_ptr<discovery::Catalog> catalog_;
  std::atomic<Revision> revision_ = 1;
  std::atomic<int> behind_seconds_ = 0;
  const std::shared_ptr<StreamPlaces> places_ = std::make_shared<StreamPlaces>(kStreams);
  InstanceHub hub_;
  std::vector<std::shared_ptr<FakeStream>> streams_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_HUB_FIXTURE_H_
