// Topologies as they are watched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/topology/topology_service_fixture.h"
#include "server/watch/watch_frame.h"

namespace scoutlight::server {
namespace {

using ::testing::HasSubstr;
using Frame = wire::WatchResponse;

// One stream, whose progress the test passes over.
class Watching {
 public:
  explicit Watching(Stub* stub, const wire::WatchRequest& request = {}) : reader_(stub->Watch(&context_, request)) {}
  ~Watching() {
    context_.TryCancel();
    Finish();
  }

  // "current 1 a", "changes 2 b 3 c", "current none", "end".
  std::string Next() {
    Frame frame;
    do {
      if (!reader_->Read(&frame)) return "end";
    } while (frame.kind() == Frame::KIND_PROGRESS);
    std::string line = frame.kind() == Frame::KIND_CURRENT ? "current" : "changes";
    if (frame.versions().empty()) line += " none";
    for (const wire::TopologyVersion& version : frame.versions()) {
      absl::StrAppend(&line, " ", version.version(), " ", version.deleted() ? "deleted" : version.document());
    }
    last_ = std::move(frame);
    return line;
  }
  const Frame& last() const { return last_; }
  grpc::Status Finish() {
    if (reader_ == nullptr) return grpc::Status::OK;
    Frame frame;
    while (reader_->Read(&frame)) {
    }
    return std::exchange(reader_, nullptr)->Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<Frame>> reader_;
  Frame last_;
};

TEST_F(TopologyServiceTest, AWatchShowsWhatThereIsThenEachNewVersion) {
  Watching before(stub_.get());
  EXPECT_EQ(before.Next(), "current none");
  EXPECT_EQ(before.last().store_id(), store_->store_id());
  EXPECT_EQ(before.last().revision(), 1);
  const wire::ApplyResponse applied = Apply(DocumentOf(1));
  EXPECT_EQ(before.Next(), "changes 1 " + DocumentOf(1));
  EXPECT_EQ(before.last().revision(), applied.revision());
  EXPECT_EQ(before.last().versions(0).revision(), applied.revision());
  EXPECT_EQ(before.last().versions(0).applied_by(), "host:127.0.0.1");

  Watching after(stub_.get());
  EXPECT_EQ(after.Next(), "current 1 " + DocumentOf(1));
  Apply(DocumentOf(2));
  Delete();
  Rollback(1);
  for (Watching* watching : {&before, &after}) {
    std::string seen;
    // One frame may show several.
    while (seen.find("changes 4 ") == std::string::npos && seen.find(" 4 " + DocumentOf(1)) == std::string::npos) {
      const std::string line = watching->Next();
      ASSERT_NE(line, "end");
      absl::StrAppend(&seen, line, ";");
    }
    EXPECT_THAT(seen, HasSubstr("2 " + DocumentOf(2)));
    EXPECT_THAT(seen, HasSubstr("3 deleted"));
  }
}

TEST_F(TopologyServiceTest, AWatchOfADeletedTopologySaysSo) {
  Apply(DocumentOf(1));
  Delete();
  Watching watching(stub_.get());
  EXPECT_EQ(watching.Next(), "current 2 deleted");
}

TEST_F(TopologyServiceTest, AWatchHearsProgressAndOfNoOtherCluster) {
  wire::WatchRequest request;
  request.mutable_heartbeat()->set_nanos(100'000'000);
  grpc::ClientContext context;
  const auto reader = stub_->Watch(&context, request);
  Frame frame;
  ASSERT_TRUE(reader->Read(&frame));
  EXPECT_EQ(frame.kind(), Frame::KIND_CURRENT);
  wire::ApplyRequest elsewhere = ApplyOf(DocumentOf(7));
  elsewhere.set_cluster("elsewhere");
  const Revision revision = Sent(&Stub::Apply, elsewhere).revision();
  do {
    ASSERT_TRUE(reader->Read(&frame));
    EXPECT_EQ(frame.kind(), Frame::KIND_PROGRESS);
  } while (frame.revision() < revision);
  context.TryCancel();
  while (reader->Read(&frame)) {
  }
  reader->Finish();
}

TEST_F(TopologyServiceTest, AWatchThatCannotBeReadEndsWithWhy) {
  const std::string later = R"({"format":2,"version":1,"applied_at":"2026-11-27T10:00:00Z"})";
  Watching watching(stub_.get());
  EXPECT_EQ(watching.Next(), "current none");
  sync_.Put(topology::NewestKey("default"), later);
  EXPECT_EQ(watching.Next(), "end");
  Watching another(stub_.get());
  EXPECT_EQ(another.Next(), "end");
  for (Watching* ended : {&watching, &another}) {
    const Seen seen = SeenOf(ended->Finish());
    EXPECT_EQ(seen.code, grpc::StatusCode::DATA_LOSS);
    EXPECT_THAT(seen.message, HasSubstr("/.scoutlight/topologies/default is of format 2"));
  }
}

TEST_F(TopologyServiceTest, AWatchIsRefusedAndEndedAsOthersAre) {
  wire::WatchRequest request;
  request.set_cluster("a/b");
  request.mutable_heartbeat()->set_nanos(1);
  Seen seen = SeenOf(Watching(stub_.get(), request).Finish());
  EXPECT_EQ(seen.code, grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(seen.violations.size(), 2u);

  Watching watching(stub_.get());
  EXPECT_EQ(watching.Next(), "current none");
  hub_->Drain(absl::UnavailableError("draining"));
  EXPECT_EQ(watching.Next(), "end");
  EXPECT_EQ(watching.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST(TopologyFrames, AFrameIsTurnedOnceForAllWhoNeedIt) {
  TopologyFrames frames;
  EXPECT_EQ(*frames.Turn(StartedFrame(0, "store")), nullptr);
  EXPECT_EQ(*frames.Turn(SnapshotEndFrame(1, "store", Restart::kNo)), nullptr);
  const FrameBytes progress = ProgressFrame(3, "store");
  const FrameBytes turned = *frames.Turn(progress);
  ASSERT_NE(turned, nullptr);
  EXPECT_EQ(*frames.Turn(progress), turned);
  const FrameBytes another = *frames.Turn(ProgressFrame(4, "store"));
  Frame frame;
  ASSERT_TRUE(frame.ParseFromString(*another));
  EXPECT_EQ(frame.revision(), 4);
}

}  // namespace
}  // namespace scoutlight::server
