#include "client/watch/watch_streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/events/fake_stream.h"
#include "client/events/manual_loop.h"
#include "client/watch/watch_frames.h"

namespace scoutlight::client {
namespace {

namespace wire = ::scoutlight::registry::v1;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class WatchStreamsTest : public ::testing::Test {
 protected:
  using Calls = FakeStreams<wire::WatchManyRequest, wire::WatchManyResponse>;

  WatchStreamsTest() {
    streams_ = std::make_unique<WatchStreams>(
        WatchStreams::Options{.lane = {.loop = &loop_, .open = calls_.opener(), .unit_random = [] { return 0.5; }}});
  }

  // A watch whose events the test takes out of the buffer.
  WatchStreams::Handle Add(std::string key, WatchOptions options = {}) {
    auto handle = std::make_shared<WatchStreams::Handle>(0);
    auto buffer = std::make_shared<EventBuffer>(
        options.buffer_bytes, EventBuffer::Hooks{.on_room = [this, handle] { loop_.Post([this, handle] { streams_->OnRoom(*handle); }); }});
    *handle = streams_->Add(key, std::move(options), buffer);
    keys_[*handle] = std::move(key);
    buffers_[*handle] = buffer;
    return *handle;
  }

  std::vector<std::string> Told(WatchStreams::Handle handle) {
    std::vector<WatchEvent> events;
    while (std::optional<WatchEvent> event = buffers_.at(handle)->TryTake()) events.push_back(*std::move(event));
    loop_.RunUntilIdle();
    return LinesOf(events);
  }

  // The id under which `key` was asked for last on `call`; 0: it was not.
  static int64_t IdOf(const Calls::Call& call, const std::string& key) {
    int64_t id = 0;
    for (const wire::WatchManyRequest& request : call.sent()) {
      if (request.has_create() && request.create().watch().key() == key) id = request.create().watch_id();
    }
    return id;
  }
  static wire::WatchRequest AskedFor(const Calls::Call& call, const std::string& key) {
    for (auto request = call.sent().rbegin(); request != call.sent().rend(); ++request) {
      if (request->has_create() && request->create().watch().key() == key) return request->create().watch();
    }
    return {};
  }

  void Deliver(Calls::Call* call, const std::string& key, Frame frame) {
    wire::WatchManyResponse message;
    message.set_watch_id(IdOf(*call, key));
    *message.mutable_frame() = std::move(frame);
    calls_.Deliver(call, std::move(message));
  }
  void Deliver(const std::string& key, Frame frame) { Deliver(&calls_.newest(), key, std::move(frame)); }

  // Parts of a state, until the buffer of the watch is full.
  void FillWithState(Calls::Call* call, WatchStreams::Handle handle) {
    const std::string key = keys_.at(handle);
    for (int part = 0; part == 0 || buffers_[handle]->has_room(); ++part) {
      Deliver(call, key, StatePart(part == 0 ? First::kYes : First::kNo, 7, {"/x"}));
    }
  }

  ManualLoop loop_;
  Calls calls_{&loop_};
  std::map<WatchStreams::Handle, std::string> keys_;
  std::map<WatchStreams::Handle, std::shared_ptr<EventBuffer>> buffers_;
  std::unique_ptr<WatchStreams> streams_;
};

TEST_F(WatchStreamsTest, AllWatchesShareAStream) {
  const auto a = Add("/a");
  const auto b = Add("/b");
  EXPECT_EQ(calls_.opened(), 1);
  Deliver("/a", Started(7));
  Deliver("/b", Started(7));
  Deliver("/b", Changes({{8, "/b"}}));
  EXPECT_THAT(Told(a), ElementsAre("started 7"));
  EXPECT_THAT(Told(b), ElementsAre("started 7", "changes 8 /b"));
}

TEST_F(WatchStreamsTest, WithoutWatchesThereIsNoStream) {
  const auto a = Add("/a");
  const auto b = Add("/b");
  streams_->Remove(a);
  EXPECT_EQ(calls_.newest().sent().back().cancel().watch_id(), 1);
  EXPECT_TRUE(calls_.is_open());
  streams_->Remove(b);
  EXPECT_TRUE(calls_.newest().is_cancelled());
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(calls_.opened(), 1);
  Add("/c");
  EXPECT_EQ(calls_.opened(), 2);
}

// One life of a watch, cut off at each of its points: what is told in the end is the same.
TEST_F(WatchStreamsTest, GoesOnWhereverItIsCutOff) {
  const std::vector<Frame> frames = {
      Started(0), StatePart(First::kYes, 7, {"/a"}), StateEnd(First::kNo, 7), Fragment({{8, "/a"}}), Changes({{8, "/b"}}), Progress(9)};
  for (size_t cut = 0; cut <= frames.size(); ++cut) {
    const std::string key = absl::StrCat("/", cut);
    const auto handle = Add(key, {.snapshot = true});
    for (size_t i = 0; i < cut; ++i) Deliver(key, frames[i]);
    calls_.End(absl::UnavailableError("cut"));
    EXPECT_EQ(buffers_[handle]->trouble(), absl::UnavailableError("cut"));
    loop_.Advance(Backoff::kMax);
    ASSERT_TRUE(calls_.is_open()) << cut;
    const wire::WatchRequest asked = AskedFor(calls_.newest(), key);
    EXPECT_EQ(asked.start_revision(), cut < 3 ? 0 : cut < 5 ? 8 : cut < 6 ? 9 : 10) << cut;
    const size_t again_from = cut < 3 ? 0 : cut < 5 ? 3 : cut;
    for (size_t i = again_from; i < frames.size(); ++i) Deliver(key, frames[i]);
    EXPECT_THAT(Told(handle), ElementsAre("reset asked", "state 7 /a", "end 7", "changes 8 /a /b", "progress 9")) << cut;
    EXPECT_TRUE(again_from == frames.size() || buffers_[handle]->trouble().ok());
    streams_->Remove(handle);
  }
}

TEST_F(WatchStreamsTest, TriesForEverAtItsPace) {
  Add("/a");
  for (int i = 0; i < 1'000; ++i) {
    calls_.End(absl::UnavailableError("down"));
    ASSERT_FALSE(calls_.is_open());
    loop_.Advance(Backoff::kMax);
    ASSERT_TRUE(calls_.is_open());
  }
  EXPECT_EQ(calls_.opened(), 1'001);
}

TEST_F(WatchStreamsTest, CanBeCancelledWhileConnecting) {
  const auto a = Add("/a");
  streams_->Remove(a);
  EXPECT_TRUE(calls_.newest().is_cancelled());
  const auto b = Add("/b");
  calls_.End(absl::UnavailableError("down"));
  streams_->Remove(b);
  loop_.Advance(absl::Hours(1));
  EXPECT_FALSE(calls_.is_open());
}

TEST_F(WatchStreamsTest, IgnoresWhatWasOnItsWayWhenAWatchWasRemoved) {
  const auto a = Add("/a");
  Add("/b");
  streams_->Remove(a);
  Deliver("/a", Started(7));
  Deliver("/a", Ended(absl::StatusCode::kCancelled, Reason::kUnspecified));
  EXPECT_THAT(Told(a), IsEmpty());
  EXPECT_TRUE(calls_.is_open());
}

TEST_F(WatchStreamsTest, OneThatIsRefusedEndsAlone) {
  const auto a = Add("/a");
  const auto b = Add("/b");
  Deliver("/a", Ended(absl::StatusCode::kInvalidArgument, Reason::kInvalidKey));
  EXPECT_EQ(buffers_[a]->end()->code(), absl::StatusCode::kInvalidArgument);
  Deliver("/b", Started(7));
  EXPECT_THAT(Told(b), ElementsAre("started 7"));
  EXPECT_EQ(calls_.opened(), 1);
}

TEST_F(WatchStreamsTest, OneWithoutAPlaceIsAskedForAgain) {
  const auto a = Add("/a");
  Add("/b");
  for (int i = 0; i < 10; ++i) {
    Frame full = Ended(absl::StatusCode::kResourceExhausted, Reason::kWatchesFull);
    full.mutable_status()->mutable_retry_after()->set_seconds(5);
    Deliver("/a", std::move(full));
    EXPECT_EQ(ReasonOf(buffers_[a]->trouble()), Reason::kWatchesFull);
    const int64_t before = IdOf(calls_.newest(), "/a");
    loop_.Advance(absl::Seconds(5));
    EXPECT_EQ(IdOf(calls_.newest(), "/a"), before) << "not before the server's time";
    loop_.Advance(absl::Seconds(1));
    EXPECT_NE(IdOf(calls_.newest(), "/a"), before);
  }
  Deliver("/a", Started(7));
  EXPECT_TRUE(buffers_[a]->trouble().ok());
}

TEST_F(WatchStreamsTest, OneThatIsReadSlowlyLeavesAndResumes) {
  const auto slow = Add("/slow", {.buffer_bytes = 1'024});
  const auto quick = Add("/quick");
  Deliver("/slow", Started(7));
  Deliver("/quick", Started(7));
  Revision revision = 8;
  for (; buffers_[slow]->has_room(); ++revision) Deliver("/slow", Changes({{revision, "/slow"}}));
  const int64_t left = IdOf(calls_.newest(), "/slow");
  EXPECT_EQ(calls_.newest().sent().back().cancel().watch_id(), left);
  // What was on its way is sent again later.
  Deliver("/slow", Changes({{revision, "/slow"}}));
  Deliver("/quick", Changes({{revision, "/quick"}}));
  EXPECT_FALSE(calls_.newest().is_reading_paused());
  EXPECT_THAT(Told(quick), ElementsAre("started 7", absl::StrCat("changes ", revision, " /quick")));
  EXPECT_THAT(Told(slow), SizeIs(revision - 7));
  EXPECT_NE(IdOf(calls_.newest(), "/slow"), left);
  EXPECT_EQ(AskedFor(calls_.newest(), "/slow").start_revision(), revision);
}

TEST_F(WatchStreamsTest, AStateThatIsReadSlowlyComesByItsOwnStream) {
  const auto slow = Add("/slow", {.snapshot = true, .buffer_bytes = 1'024});
  Add("/quick");
  Calls::Call* const shared = &calls_.newest();
  Deliver("/slow", Started(0));
  for (int i = 0; buffers_[slow]->has_room(); ++i) Deliver("/slow", StatePart(i == 0 ? First::kYes : First::kNo, 7, {"/slow/x"}));
  ASSERT_EQ(calls_.open_count(), 2);
  Calls::Call* const own = &calls_.newest();
  ASSERT_NE(own, shared);
  EXPECT_TRUE(AskedFor(*own, "/slow").include_snapshot());
  // It says that the state comes, and nothing of it.
  Deliver(own, "/slow", Started(0));
  EXPECT_FALSE(own->is_cancelled());
  // The unfinished one gives way: there is room.
  int parts = 0;
  while (!own->is_reading_paused()) {
    Deliver(own, "/slow", StatePart(parts == 0 ? First::kYes : First::kNo, 8, {"/slow/x"}));
    ++parts;
  }
  EXPECT_FALSE(shared->is_reading_paused());
  EXPECT_THAT(Told(slow), SizeIs(1 + parts));
  EXPECT_FALSE(own->is_reading_paused());
  Deliver(own, "/slow", StateEnd(First::kNo, 8));
  EXPECT_TRUE(own->is_cancelled());
  EXPECT_THAT(Told(slow), ElementsAre("end 8"));
  EXPECT_EQ(AskedFor(*shared, "/slow").start_revision(), 9);
  EXPECT_EQ(calls_.open_count(), 1);
}

TEST_F(WatchStreamsTest, StreamsOfTheirOwnAreBounded) {
  constexpr int kSlow = WatchStreams::kOwnStreamsMax + 3;
  std::vector<WatchStreams::Handle> handles;
  for (int i = 0; i < kSlow; ++i) handles.push_back(Add(absl::StrCat("/", i), {.snapshot = true, .buffer_bytes = 1'024}));
  Add("/stays");
  Calls::Call* const shared = &calls_.at(0);
  for (int i = 0; i < kSlow; ++i) {
    FillWithState(shared, handles[i]);
  }
  EXPECT_EQ(calls_.open_count(), 1 + WatchStreams::kOwnStreamsMax);
  streams_->Remove(handles[WatchStreams::kOwnStreamsMax]);
  EXPECT_EQ(calls_.open_count(), 1 + WatchStreams::kOwnStreamsMax) << "that one was in line";
  streams_->Remove(handles[0]);
  EXPECT_EQ(calls_.open_count(), 1 + WatchStreams::kOwnStreamsMax) << "the next in line has the place";
  EXPECT_TRUE(AskedFor(calls_.newest(), absl::StrCat("/", WatchStreams::kOwnStreamsMax + 1)).include_snapshot());
}

// Those whose programs do not read hold up the one that is read for a moment only.
TEST_F(WatchStreamsTest, WhoDoesNotReadGivesUpTheStreamToThoseInLine) {
  constexpr int kUnread = WatchStreams::kOwnStreamsMax;
  std::vector<WatchStreams::Handle> unread;
  for (int i = 0; i < kUnread; ++i) unread.push_back(Add(absl::StrCat("/", i), {.snapshot = true, .buffer_bytes = 1'024}));
  const auto read = Add("/read", {.snapshot = true, .buffer_bytes = 1'024});
  Add("/stays");
  Calls::Call* const shared = &calls_.at(0);
  for (const auto handle : unread) FillWithState(shared, handle);
  for (int i = 0; i < kUnread; ++i) FillWithState(&calls_.at(1 + i), unread[i]);
  loop_.Advance(2 * WatchStreams::kUnreadCheck);
  EXPECT_EQ(calls_.open_count(), 1 + kUnread) << "nobody waits";
  FillWithState(shared, read);
  EXPECT_EQ(buffers_[read]->trouble().code(), absl::StatusCode::kResourceExhausted);
  // One of those that stand still is read after all.
  EXPECT_TRUE(buffers_[unread[0]]->TryTake().has_value());
  loop_.Advance(WatchStreams::kUnreadCheck);
  EXPECT_FALSE(calls_.at(1).is_cancelled());
  EXPECT_TRUE(calls_.at(2).is_cancelled());
  EXPECT_FALSE(calls_.at(3).is_cancelled()) << "nobody waits any more";
  Calls::Call* const own = &calls_.newest();
  Deliver(own, "/read", Started(0));
  EXPECT_TRUE(buffers_[read]->trouble().ok());
  Deliver(own, "/read", StateEnd(First::kYes, 8));
  EXPECT_THAT(Told(read), ::testing::Contains("end 8"));
  // There is room again, and a stream.
  const int opened = calls_.opened();
  Told(unread[1]);
  EXPECT_EQ(calls_.opened(), opened + 1);
  EXPECT_TRUE(AskedFor(calls_.newest(), "/1").include_snapshot());
}

TEST_F(WatchStreamsTest, ASilentStreamIsGivenUp) {
  Add("/a", {.progress_interval = absl::Seconds(1)});
  Deliver("/a", Started(7));
  for (int i = 0; i < 100; ++i) {
    loop_.Advance(absl::Seconds(20));
    Deliver("/a", Progress(7));
  }
  EXPECT_EQ(calls_.opened(), 1);
  loop_.Advance(WatchLane::kSilenceMin + WatchLane::kSilenceCheck + Backoff::kMax);
  EXPECT_EQ(calls_.given_up(), 1);
  EXPECT_EQ(calls_.opened(), 2);
  EXPECT_TRUE(calls_.at(0).is_cancelled());
}

TEST_F(WatchStreamsTest, AStreamWithoutAFirstFrameIsGivenUp) {
  Add("/a", {.progress_interval = absl::Hours(1)});
  loop_.Advance(WatchLane::kSilenceMin - WatchLane::kSilenceCheck);
  EXPECT_EQ(calls_.given_up(), 0);
  loop_.Advance(WatchLane::kSilenceCheck);
  EXPECT_EQ(calls_.given_up(), 1);
  loop_.Advance(Backoff::kMax);
  EXPECT_EQ(calls_.opened(), 2);
  // Each for itself: those that stand say something once an hour.
  Deliver("/a", Started(7));
  loop_.Advance(absl::Minutes(50));
  Add("/b");
  loop_.Advance(WatchLane::kSilenceMin - WatchLane::kSilenceCheck);
  EXPECT_EQ(calls_.given_up(), 1);
  loop_.Advance(2 * WatchLane::kSilenceCheck);
  EXPECT_EQ(calls_.given_up(), 2);
}

TEST_F(WatchStreamsTest, AStateIsWaitedFor) {
  Add("/a", {.snapshot = true, .progress_interval = absl::Seconds(1)});
  Deliver("/a", Started(0));
  loop_.Advance(absl::Minutes(10));
  Deliver("/a", StatePart(First::kYes, 7, {"/a"}));
  loop_.Advance(absl::Minutes(10));
  EXPECT_EQ(calls_.given_up(), 0);
  Deliver("/a", StateEnd(First::kNo, 7));
  loop_.Advance(WatchLane::kSilenceMin + WatchLane::kSilenceCheck);
  EXPECT_EQ(calls_.given_up(), 1);
}

TEST_F(WatchStreamsTest, SendsNothingMoreWhileTheNetworkTakesNothing) {
  const auto a = Add("/a");
  Calls::Call& call = calls_.newest();
  call.set_unsent(WatchLane::kUnsentMax);
  call.TakeSent();
  for (int i = 0; i < 1'000; ++i) streams_->Remove(Add("/b"));
  EXPECT_THAT(call.TakeSent(), IsEmpty());
  Add("/c");
  streams_->Remove(a);
  EXPECT_THAT(call.TakeSent(), SizeIs(1)) << "the cancellation of what was asked for";
  call.set_unsent(WatchLane::kUnsentMax - 1);
  loop_.Advance(WatchLane::kUnsentPause);
  EXPECT_NE(IdOf(call, "/c"), 0);
}

TEST_F(WatchStreamsTest, AServerThatTakesNoRequestIsGivenUp) {
  const auto a = Add("/a");
  calls_.newest().set_unsent(WatchLane::kUnsentMax);
  Add("/b");
  streams_->Remove(a);
  loop_.Advance(WatchLane::kSilenceMin);
  EXPECT_EQ(calls_.given_up(), 1);
}

// A state whose second part is broken: the first one is no success.
TEST_F(WatchStreamsTest, BrokenFramesAreAskedForMoreAndMoreSlowly) {
  Add("/a", {.snapshot = true});
  Add("/stays");
  for (int i = 0; i < 10; ++i) {
    Deliver("/a", Started(0));
    Deliver("/a", StatePart(First::kYes, 7, {"/a"}));
    Deliver("/a", StatePart(First::kNo, 7, {"no/key/"}));
    loop_.Advance(Backoff::kMax);
  }
  const int64_t before = IdOf(calls_.newest(), "/a");
  Deliver("/a", Changes({{6, "no/key/"}}));
  loop_.Advance(Backoff::kMax / 2 - absl::Milliseconds(1));
  EXPECT_EQ(IdOf(calls_.newest(), "/a"), before);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_NE(IdOf(calls_.newest(), "/a"), before);
}

TEST_F(WatchStreamsTest, AWatchThatBreaksTheContractIsAskedForAgain) {
  const auto a = Add("/a");
  Deliver("/a", Started(7));
  Deliver("/a", Changes({{6, "/a"}}));
  EXPECT_EQ(buffers_[a]->trouble().code(), absl::StatusCode::kInternal);
  loop_.Advance(Backoff::kMax);
  EXPECT_EQ(AskedFor(calls_.newest(), "/a").start_revision(), 8);
}

}  // namespace
}  // namespace scoutlight::client
