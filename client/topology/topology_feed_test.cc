#include "client/topology/topology_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/events/fake_stream.h"
#include "client/events/manual_loop.h"

namespace scoutlight::client {
namespace {

namespace wire = topology::v1;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Frame = wire::WatchResponse;

Frame FrameOf(Frame::Kind kind, Revision revision, const StoreId& store_id = "one") {
  Frame frame;
  frame.set_kind(kind);
  frame.set_revision(revision);
  frame.set_store_id(store_id);
  return frame;
}
// A frame that shows these versions, each made at ten times its number.
Frame Showing(Frame::Kind kind, const std::vector<int64_t>& versions, const StoreId& store_id = "one") {
  Frame frame = FrameOf(kind, 10 * versions.back(), store_id);
  for (const int64_t version : versions) {
    wire::TopologyVersion* const shown = frame.add_versions();
    shown->set_version(version);
    shown->set_revision(10 * version);
    shown->set_document(absl::StrCat("document ", version));
  }
  return frame;
}
Frame Current(int64_t version, const StoreId& store_id = "one") { return Showing(Frame::KIND_CURRENT, {version}, store_id); }

class TopologyFeedTest : public ::testing::Test {
 protected:
  TopologyFeedTest() {
    feed_ = std::make_unique<TopologyFeed>(TopologyFeed::Options{
        .loop = &loop_,
        .open = calls_.opener(),
        .unit_random = [] { return 0.5; },
        .cluster = "office",
        .on_version =
            [this](TopologyVersion version, const StoreId& store_id) {
              told_.push_back(absl::StrCat(store_id, " ", version.version, version.document.empty() ? "" : " ", version.document));
            },
        .on_trouble = [this](const absl::Status& why) { troubles_.push_back(why.code()); },
        .on_end = [this](const absl::Status& why) { ends_.push_back(why.code()); }});
    feed_->Begin();
  }

  std::vector<std::string> Told() { return std::exchange(told_, {}); }
  // Ends the stream, and lets the next one be opened.
  void Cut(const absl::Status& status) {
    const int opened = calls_.opened();
    calls_.End(status);
    loop_.Advance(Backoff::kMax);
    EXPECT_EQ(calls_.opened(), opened + 1);
  }

  ManualLoop loop_;
  FakeStreams<wire::WatchRequest, wire::WatchResponse> calls_{&loop_};
  std::unique_ptr<TopologyFeed> feed_;
  std::vector<std::string> told_;
  std::vector<absl::StatusCode> troubles_;
  std::vector<absl::StatusCode> ends_;
};

TEST_F(TopologyFeedTest, SendsOneRequestAndTellsWhatThereIsAndWhatComes) {
  ASSERT_EQ(calls_.newest().sent().size(), 1u);
  EXPECT_EQ(calls_.newest().sent()[0].cluster(), "office");
  EXPECT_EQ(calls_.newest().sent()[0].heartbeat().seconds(), 10);
  EXPECT_TRUE(calls_.newest().is_sending_closed());
  calls_.Deliver(FrameOf(Frame::KIND_CURRENT, 1));
  EXPECT_THAT(Told(), ElementsAre("one 0"));
  calls_.Deliver(Showing(Frame::KIND_CHANGES, {1, 2}));
  calls_.Deliver(FrameOf(Frame::KIND_PROGRESS, 30));
  EXPECT_THAT(Told(), ElementsAre("one 1 document 1", "one 2 document 2"));
  EXPECT_THAT(troubles_, IsEmpty());
}

TEST_F(TopologyFeedTest, AnotherStreamTellsOnlyWhatIsNews) {
  calls_.Deliver(Current(1));
  Cut(absl::UnavailableError("gone"));
  EXPECT_THAT(troubles_, ElementsAre(absl::StatusCode::kUnavailable));
  calls_.Deliver(Current(1));
  EXPECT_THAT(Told(), ElementsAre("one 1 document 1"));
  EXPECT_THAT(troubles_, ElementsAre(absl::StatusCode::kUnavailable, absl::StatusCode::kOk));
  Cut(absl::OkStatus());
  calls_.Deliver(Current(3));
  EXPECT_THAT(Told(), ElementsAre("one 3 document 3"));
  Cut(absl::UnavailableError("wiped"));
  calls_.Deliver(Current(3, "two"));
  EXPECT_THAT(Told(), ElementsAre("two 3 document 3")) << "another store has another version 3";
}

TEST_F(TopologyFeedTest, WhatTheServerCannotReadIsAskedForAgainAndThenTold) {
  calls_.Deliver(Current(1));
  Told();
  Cut(absl::DataLossError("damaged"));
  Cut(absl::DataLossError("damaged"));
  EXPECT_THAT(troubles_, ElementsAre(absl::StatusCode::kDataLoss, absl::StatusCode::kDataLoss));
  calls_.Deliver(Current(1));
  EXPECT_THAT(Told(), ElementsAre("one 1 document 1")) << "after what was told meanwhile it is news";
}

class EndedFeedTest : public TopologyFeedTest, public ::testing::WithParamInterface<absl::StatusCode> {};

TEST_P(EndedFeedTest, WhatAskingAgainCannotMendIsTheEnd) {
  calls_.End(absl::Status(GetParam(), "no"));
  loop_.Advance(absl::Hours(1));
  EXPECT_THAT(ends_, ElementsAre(GetParam()));
  EXPECT_EQ(calls_.opened(), 1);
}
INSTANTIATE_TEST_SUITE_P(Codes, EndedFeedTest,
                         ::testing::Values(absl::StatusCode::kInvalidArgument, absl::StatusCode::kPermissionDenied,
                                           absl::StatusCode::kUnauthenticated, absl::StatusCode::kUnimplemented));

TEST_F(TopologyFeedTest, AStreamThatSaysNothingIsGivenUp) {
  calls_.Deliver(Current(1));
  for (int i = 0; i < 5; ++i) {
    loop_.Advance(TopologyFeed::kHeartbeat);
    calls_.Deliver(FrameOf(Frame::KIND_PROGRESS, 10));
  }
  EXPECT_EQ(calls_.opened(), 1);
  loop_.Advance(TopologyFeed::kSilenceMax + Backoff::kMax);
  EXPECT_EQ(calls_.given_up(), 1);
  EXPECT_EQ(calls_.opened(), 2);
  EXPECT_THAT(troubles_, ElementsAre(absl::StatusCode::kUnavailable));
}

TEST_F(TopologyFeedTest, APausedOneHoldsBackTheServerAndIsNotTakenForSilent) {
  calls_.Deliver(Current(1));
  feed_->Pause();
  EXPECT_TRUE(calls_.newest().is_reading_paused());
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(calls_.opened(), 1);
  feed_->Resume();
  EXPECT_FALSE(calls_.newest().is_reading_paused());
  loop_.Advance(TopologyFeed::kSilenceMax + Backoff::kMax);
  EXPECT_EQ(calls_.opened(), 2);
  feed_->Pause();
  Cut(absl::UnavailableError("gone"));
  EXPECT_TRUE(calls_.newest().is_reading_paused()) << "the next stream too";
}

TEST_F(TopologyFeedTest, NothingIsLeftBehindWhenItGoes) {
  feed_.reset();
  EXPECT_TRUE(calls_.newest().is_cancelled());
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(calls_.opened(), 1);
}

}  // namespace
}  // namespace scoutlight::client
