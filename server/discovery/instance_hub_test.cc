#include "server/discovery/instance_hub.h"

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "server/discovery/instance_hub_fixture.h"
#include "storage/testing/await.h"

namespace scoutlight::server {
namespace {

using discovery::v1::WatchResponse;
using storage::AwaitCondition;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

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

TEST_F(InstanceHubTest, NoHeartbeatComesWhileItCannotBeToldWhatIsMissing) {
  FakeStream* const stream = Watch("");
  ASSERT_TRUE(Await(stream, 1));
  behind_seconds_ = 1;
  clock_.Advance(absl::Seconds(10));
  // Another's first frame comes in a later round.
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(Await(Watch(""), 1));
  EXPECT_EQ(stream->heartbeats(), 0u);
  behind_seconds_ = 0;
  clock_.Advance(absl::Seconds(10));
  EXPECT_TRUE(AwaitCondition([&] { return stream->heartbeats() == 1; }));
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
