#include "server/discovery/instance_hub.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "discovery/bindings.h"
#include "discovery/catalog.h"
#include "discovery/claims.h"
#include "discovery/shipped_schemas.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"

namespace scoutlight::server {
namespace {

using discovery::v1::WatchResponse;
using storage::AwaitCondition;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A client: keeps what it was sent, and reads on when it is told to, or at once.
class FakeStream final : public InstanceStream {
 public:
  explicit FakeStream(InstanceHub* hub, bool reads) : hub_(*hub), reads_(reads) {}

  void Write(std::shared_ptr<const std::string> frame) override {
    WatchResponse response;
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
  std::vector<WatchResponse> frames() const {
    std::vector<WatchResponse> shown;
    MutexLock lock(&mu_);
    for (const WatchResponse& frame : frames_) {
      if (frame.kind() != WatchResponse::KIND_PROGRESS) shown.push_back(frame);
    }
    return shown;
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
  std::vector<WatchResponse> frames_ ABSL_GUARDED_BY(mu_);
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
              .places = places_}) {
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
    return AwaitCondition([&] { return stream->frames().size() >= frames; });
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

  Mutex mu_;
  std::function<void()> step_ ABSL_GUARDED_BY(mu_);
  storage::FakeClock clock_;
  const std::shared_ptr<discovery::Catalog> catalog_;
  // An instance in the north, and 100 equal watches of it, all of which have read up to here.
  void WatchTheNorth(std::vector<FakeStream*>* watches) {
    Put("laser", "zone", "north");
    for (int i = 0; i < 100; ++i) watches->push_back(Watch("zone == \"north\""));
    for (FakeStream* watch : *watches) ASSERT_TRUE(Await(watch, 2));
    // The hub does things in order, and has told of its own writes before the first of these is answered: when the second one is, it has
    // heard that all of the others have read.
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(Await(Watch("zone == \"south\""), 1));
  }

  std::atomic<Revision> revision_ = 1;
  const std::shared_ptr<StreamPlaces> places_ = std::make_shared<StreamPlaces>(kStreams);
  InstanceHub hub_;
  std::vector<std::shared_ptr<FakeStream>> streams_;
};

TEST_F(InstanceHubTest, ChangesThatAFilterHidesSendNothing) {
  Put("north", "zone", "north");
  FakeStream* const stream = Watch("zone == \"north\"");
  ASSERT_TRUE(Await(stream, 2));
  for (int i = 0; i < 10'000; ++i) Put(absl::StrCat("south-", i % 100), "zone", "south");
  Put("north", "weight", "2");
  ASSERT_TRUE(Await(stream, 3));
  const WatchResponse last = stream->frames().back();
  EXPECT_EQ(stream->frames().size(), 3u);
  EXPECT_EQ(last.kind(), WatchResponse::KIND_CHANGES);
  ASSERT_EQ(last.changed_size(), 1);
  EXPECT_EQ(last.changed(0).id(), "north");
  EXPECT_EQ(last.revision(), revision_);
}

TEST_F(InstanceHubTest, EqualWatchesShareTheirFrames) {
  std::vector<FakeStream*> watches;
  ASSERT_NO_FATAL_FAILURE(WatchTheNorth(&watches));
  const int64_t before = hub_.frames_made();
  Put("laser", "weight", "2");
  for (FakeStream* watch : watches) ASSERT_TRUE(Await(watch, 3));
  EXPECT_EQ(hub_.frames_made() - before, 1);
}

TEST_F(InstanceHubTest, EqualWatchesShareTheirFramesWhateverElseIsCommitted) {
  std::vector<FakeStream*> watches;
  ASSERT_NO_FATAL_FAILURE(WatchTheNorth(&watches));
  const int64_t before = hub_.frames_made();
  BeforeLooks([this] { Put("b", "pages", "1", "Book"); });
  Put("laser", "weight", "2");
  for (FakeStream* watch : watches) ASSERT_TRUE(Await(watch, 3));
  BeforeLooks(nullptr);
  EXPECT_EQ(hub_.frames_made() - before, 1);
}

// Whenever its service is compared, another change is there by then that its filter hides.
TEST_F(InstanceHubTest, AWatchWhoseFilterHidesEndlessChangesHoldsUpNoOther) {
  Put("north", "zone", "north");
  ASSERT_TRUE(Await(Watch("zone == \"north\""), 2));
  FakeStream* const other = Watch("", true, "Book");
  ASSERT_TRUE(Await(other, 1));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(Await(Watch("", true, "Chair"), 1));
  constexpr int kChangesMax = 1'000;
  std::atomic<int> changes = 0;
  BeforeLooks([&] {
    if (changes == kChangesMax || other->frames().size() > 1) return;
    if (++changes == 1) Put("b", "pages", "1", "Book");
    Put(absl::StrCat("south-", changes.load()), "zone", "south");
  });
  Put("south-0", "zone", "south");
  EXPECT_TRUE(Await(other, 2));
  BeforeLooks(nullptr);
  EXPECT_LT(changes, kChangesMax);
}

TEST_F(InstanceHubTest, ASlowReaderGetsTheNewestOfWhatChangedAndWhatCameAndWentNotAtAll) {
  Put("laser", "weight", "0");
  FakeStream* const stream = Watch("", false);
  ASSERT_TRUE(Await(stream, 1));
  for (int i = 1; i <= 1'000; ++i) Put("laser", "weight", absl::StrCat(i));
  Put("passing", "weight", "1");
  Delete("passing", "weight");
  Put("inkjet", "weight", "1");
  stream->ReadFromNowOn();
  ASSERT_TRUE(AwaitCondition([&] { return stream->frames().back().kind() == WatchResponse::KIND_CHANGES; }));
  const std::vector<WatchResponse> frames = stream->frames();
  ASSERT_EQ(frames.size(), 3u) << "the snapshot, its end, and all the rest";
  ASSERT_EQ(frames[2].changed_size(), 2);
  EXPECT_EQ(frames[2].changed(0).id(), "inkjet");
  EXPECT_EQ(frames[2].changed(1).properties().at("weight"), "1000");
  EXPECT_THAT(frames[2].removed(), IsEmpty());
}

TEST_F(InstanceHubTest, ALargeAnswerComesInPiecesEachInstanceOnce) {
  const std::string note(1'000, 'n');
  for (int i = 0; i < 1'000; ++i) Put(absl::StrCat("p", i), "note", note);
  FakeStream* const stream = Watch("");
  ASSERT_TRUE(
      AwaitCondition([&] { return !stream->frames().empty() && stream->frames().back().kind() == WatchResponse::KIND_SNAPSHOT_END; }));
  std::map<std::string, int> shown;
  const std::vector<WatchResponse> frames = stream->frames();
  EXPECT_GT(frames.size(), 2u);
  for (size_t i = 0; i + 1 < frames.size(); ++i) {
    EXPECT_EQ(frames[i].kind(), WatchResponse::KIND_SNAPSHOT);
    EXPECT_EQ(frames[i].revision(), 0) << "a piece is good for no revision";
    for (const auto& instance : frames[i].changed()) ++shown[instance.id()];
  }
  EXPECT_EQ(frames.back().revision(), revision_);
  EXPECT_EQ(shown.size(), 1'000u);
  for (const auto& [id, times] : shown) EXPECT_EQ(times, 1) << id;
}

TEST_F(InstanceHubTest, AServiceMayComeAndGo) {
  FakeStream* const stream = Watch("");
  ASSERT_TRUE(Await(stream, 1));
  EXPECT_EQ(stream->frames()[0].kind(), WatchResponse::KIND_SNAPSHOT_END);
  Put("laser", "weight", "1");
  ASSERT_TRUE(Await(stream, 2));
  EXPECT_EQ(stream->frames()[1].changed_size(), 1);
  Delete("laser", "weight");
  ASSERT_TRUE(Await(stream, 3));
  EXPECT_THAT(stream->frames()[2].removed(), ElementsAre("laser"));
}

TEST_F(InstanceHubTest, WhoWasShownAnInstanceIsCountedUntilTheFrameWithoutItIsOut) {
  Put("laser", "zone", "north");
  FakeStream* const quick = Watch("");
  FakeStream* const stalled = Watch("", false);
  FakeStream* const blind = Watch("zone == \"south\"");
  ASSERT_TRUE(Await(quick, 2));
  ASSERT_TRUE(Await(stalled, 1));
  ASSERT_TRUE(Await(blind, 1));
  const auto count = [this](const std::string& id) {
    std::atomic<int> counted = -1;
    hub_.CountShown({"default", "Printer", id}, [&counted](int shown) { counted = shown; });
    EXPECT_TRUE(AwaitCondition([&] { return counted >= 0; }));
    return counted.load();
  };
  EXPECT_EQ(count("laser"), 2) << "one of them has not even its whole snapshot";
  EXPECT_EQ(count("inkjet"), 0);
  stalled->Read();
  ASSERT_TRUE(Await(stalled, 2));
  stalled->Read();
  ASSERT_TRUE(AwaitCondition([&] { return count("laser") == 2; }));
  Delete("laser", "zone");
  ASSERT_TRUE(Await(quick, 3));
  ASSERT_TRUE(Await(stalled, 3));
  ASSERT_TRUE(AwaitCondition([&] { return count("laser") == 1; })) << "it is on its way to the stalled one";
  stalled->Read();
  EXPECT_TRUE(AwaitCondition([&] { return count("laser") == 0; }));
}

TEST_F(InstanceHubTest, WatchesTakePlacesThatStreamsOfAllKindsShare) {
  const discovery::Filter filter = discovery::Filter::Parse("zone matches 'x'", discovery::AgeTerms::kRefused).value();
  // Another kind of stream has one.
  ASSERT_TRUE(places_->Take().ok());
  std::vector<std::shared_ptr<FakeStream>> streams;
  for (int i = 1; i < kStreams; ++i) {
    streams.push_back(std::make_shared<FakeStream>(&hub_, true));
    ASSERT_TRUE(hub_.Open(streams.back(), {.service = {"c", "s"}, .filter = filter, .heartbeat = absl::Hours(1)}).ok());
  }
  const auto open = [&] {
    return hub_.Open(std::make_shared<FakeStream>(&hub_, true), {.service = {"c", "s"}, .filter = filter, .heartbeat = absl::Hours(1)});
  };
  EXPECT_EQ(ReasonOf(open()), Reason::kStreamsFull);
  for (const auto& stream : streams) hub_.OnClosed(stream.get());
  EXPECT_TRUE(AwaitCondition([&] { return places_->taken() == 1; }));
}

TEST_F(InstanceHubTest, DrainEndsThoseThatAreThereAndThoseThatCome) {
  FakeStream* const before = Watch("");
  FakeStream* const stalled = Watch("", false);
  ASSERT_TRUE(Await(before, 1));
  ASSERT_TRUE(Await(stalled, 1));
  hub_.Drain(absl::UnavailableError("stopping"));
  FakeStream* const after = Watch("");
  for (FakeStream* stream : {before, stalled, after}) {
    ASSERT_TRUE(AwaitCondition([&] { return stream->ended(); }));
    EXPECT_EQ(stream->end().code(), absl::StatusCode::kUnavailable);
  }
}

}  // namespace
}  // namespace scoutlight::server
