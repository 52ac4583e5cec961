#include "bench/watch_wire.h"

#include "bench/discovery_wire.h"
#include "compat/etcd/rpc.pb.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "scoutlight/discovery/v1/registration.pb.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::bench {
namespace {

constexpr absl::Duration kSent = absl::Nanoseconds(1'234'567'890'123);

grpc::ByteBuffer Bytes(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

template <typename Message>
Message Parsed(const grpc::ByteBuffer& bytes) {
  grpc::Slice slice;
  EXPECT_TRUE(bytes.DumpToSingleSlice(&slice).ok());
  Message message;
  EXPECT_TRUE(message.ParseFromArray(slice.begin(), static_cast<int>(slice.size())));
  return message;
}

TEST(ParseWatchNews, FindsTheStampsOfTheRegistrysPuts) {
  const auto put = Parsed<registry::v1::PutRequest>(StampedPutBytes(Api::kRegistry, "/a", 128, kSent));
  EXPECT_EQ(put.text().size(), 128u);
  registry::v1::WatchManyResponse response;
  response.mutable_frame()->set_kind(registry::v1::WatchResponse::KIND_CHANGES);
  for (int i = 0; i < 2; ++i) response.mutable_frame()->add_events()->mutable_entry()->set_text(put.text());

  const std::vector<absl::Duration> both = {kSent, kSent};
  absl::StatusOr<WatchNews> multiplexed = ParseWatchNews(Api::kRegistry, WatchForm::kMultiplexed, Bytes(response));
  ASSERT_TRUE(multiplexed.ok()) << multiplexed.status();
  EXPECT_EQ(multiplexed->puts_sent, both);
  absl::StatusOr<WatchNews> alone = ParseWatchNews(Api::kRegistry, WatchForm::kStreamEach, Bytes(response.frame()));
  ASSERT_TRUE(alone.ok()) << alone.status();
  EXPECT_EQ(alone->puts_sent, both);
}

TEST(ParseWatchNews, FindsTheStampsOfEtcdsPuts) {
  const auto put = Parsed<etcdserverpb::PutRequest>(StampedPutBytes(Api::kEtcd, "/a", 20, kSent));
  EXPECT_EQ(put.value().size(), 20u);
  etcdserverpb::WatchResponse response;
  response.add_events()->mutable_kv()->set_value(put.value());
  absl::StatusOr<WatchNews> news = ParseWatchNews(Api::kEtcd, WatchForm::kStreamEach, Bytes(response));
  ASSERT_TRUE(news.ok()) << news.status();
  EXPECT_EQ(news->puts_sent, std::vector<absl::Duration>{kSent});
  EXPECT_EQ(news->watches_started, 0);
}

TEST(ParseWatchNews, FindsTheStampsOfInstancesThatChanged) {
  const Fleet fleet;
  const auto registered = Parsed<discovery::v1::RegisterRequest>(RegisterBytes(fleet, 3));
  const auto update = Parsed<discovery::v1::UpdateRequest>(StampedUpdateBytes(fleet, 3, kSent));
  discovery::v1::WatchResponse frame;
  frame.set_kind(discovery::v1::WatchResponse::KIND_SNAPSHOT);
  *frame.add_changed()->mutable_properties() = registered.instance().properties();
  absl::StatusOr<WatchNews> snapshot = ParseWatchNews(Api::kRegistry, WatchForm::kInstances, Bytes(frame));
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_TRUE(snapshot->puts_sent.empty());
  EXPECT_EQ(snapshot->watches_started, 0);

  frame.set_kind(discovery::v1::WatchResponse::KIND_CHANGES);
  EXPECT_EQ(ParseWatchNews(Api::kRegistry, WatchForm::kInstances, Bytes(frame)).status().code(), absl::StatusCode::kInternal);
  frame.mutable_changed(0)->mutable_properties()->at("version") = update.set_properties().at("version");
  absl::StatusOr<WatchNews> changes = ParseWatchNews(Api::kRegistry, WatchForm::kInstances, Bytes(frame));
  ASSERT_TRUE(changes.ok()) << changes.status();
  EXPECT_EQ(changes->puts_sent, std::vector<absl::Duration>{kSent});

  frame.Clear();
  frame.set_kind(discovery::v1::WatchResponse::KIND_SNAPSHOT_END);
  EXPECT_EQ(ParseWatchNews(Api::kRegistry, WatchForm::kInstances, Bytes(frame))->watches_started, 1);
}

TEST(ParseWatchNews, CountsAStartAndNoProgress) {
  registry::v1::WatchResponse frame;
  frame.set_kind(registry::v1::WatchResponse::KIND_STARTED);
  EXPECT_EQ(ParseWatchNews(Api::kRegistry, WatchForm::kStreamEach, Bytes(frame))->watches_started, 1);
  frame.set_kind(registry::v1::WatchResponse::KIND_PROGRESS);
  EXPECT_EQ(ParseWatchNews(Api::kRegistry, WatchForm::kStreamEach, Bytes(frame))->watches_started, 0);
  etcdserverpb::WatchResponse created;
  created.set_created(true);
  EXPECT_EQ(ParseWatchNews(Api::kEtcd, WatchForm::kMultiplexed, Bytes(created))->watches_started, 1);
}

TEST(ParseWatchNews, EndsAndForeignChangesAreErrors) {
  registry::v1::WatchManyResponse ended;
  ended.mutable_frame()->set_kind(registry::v1::WatchResponse::KIND_ENDED);
  EXPECT_EQ(ParseWatchNews(Api::kRegistry, WatchForm::kMultiplexed, Bytes(ended)).status().code(), absl::StatusCode::kInternal);
  etcdserverpb::WatchResponse refused;
  refused.set_created(true);
  refused.set_canceled(true);
  EXPECT_EQ(ParseWatchNews(Api::kEtcd, WatchForm::kStreamEach, Bytes(refused)).status().code(), absl::StatusCode::kInternal);
  etcdserverpb::WatchResponse foreign;
  foreign.add_events()->mutable_kv()->set_value("no time");
  EXPECT_EQ(ParseWatchNews(Api::kEtcd, WatchForm::kStreamEach, Bytes(foreign)).status().code(), absl::StatusCode::kInternal);
}

TEST(WatchRequestBytes, SubtreeIsTheSameRangeForBoth) {
  const WatchTarget below{"/a/b", WatchTarget::Extent::kSubtree};
  const auto etcd = Parsed<etcdserverpb::WatchRequest>(WatchRequestBytes(Api::kEtcd, WatchForm::kStreamEach, 1, below));
  EXPECT_EQ(etcd.create_request().key(), "/a/b/");
  EXPECT_EQ(etcd.create_request().range_end(), "/a/b0");
  const auto ours = Parsed<registry::v1::WatchRequest>(WatchRequestBytes(Api::kRegistry, WatchForm::kStreamEach, 1, below));
  EXPECT_EQ(ours.key(), "/a/b");
  EXPECT_EQ(ours.scope(), registry::v1::SCOPE_SUBTREE);
}

}  // namespace
}  // namespace scoutlight::bench
