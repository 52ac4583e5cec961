#include "bench/store_wire.h"

#include <gtest/gtest.h>

#include "compat/etcd/rpc.pb.h"
#include "grpcpp/support/slice.h"
#include "scoutlight/admin/v1/admin.pb.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::bench {
namespace {

const std::vector<KeyValue> kPairs = {{"/a/b", "1"}, {"/a/c", "2"}};

grpc::ByteBuffer BytesOf(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

template <typename Message>
Message Parsed(const grpc::ByteBuffer& bytes) {
  grpc::Slice slice;
  Message message;
  EXPECT_TRUE(bytes.DumpToSingleSlice(&slice).ok());
  EXPECT_TRUE(message.ParseFromArray(slice.begin(), static_cast<int>(slice.size())));
  return message;
}

TEST(StoreWire, PutsAllInOneTransaction) {
  const auto ours = Parsed<registry::v1::TransactRequest>(PutAllBytes(Api::kRegistry, kPairs));
  ASSERT_EQ(ours.on_success_size(), 2);
  EXPECT_EQ(ours.on_success(1).put().ShortDebugString(), R"(key: "/a/c" text: "2")");
  const auto etcd = Parsed<etcdserverpb::TxnRequest>(PutAllBytes(Api::kEtcd, kPairs));
  ASSERT_EQ(etcd.success_size(), 2);
  EXPECT_EQ(etcd.success(1).request_put().ShortDebugString(), R"(key: "/a/c" value: "2")");
}

TEST(StoreWire, ChildrenAreKeysAlone) {
  const Listing listing = {.what = Listing::What::kChildren, .parent = "/a"};
  EXPECT_EQ(Parsed<registry::v1::ListRequest>(ListBytes(Api::kRegistry, listing, {})).ShortDebugString(),
            R"(parent: "/a" scope: SCOPE_CHILDREN keys_only: true page_size: 1000)");
  EXPECT_EQ(Parsed<etcdserverpb::RangeRequest>(ListBytes(Api::kEtcd, listing, {})).ShortDebugString(),
            R"(key: "/a/" range_end: "/a0" keys_only: true)");
}

TEST(StoreWire, NextPageOfRegistryBeginsAtToken) {
  const Listing listing = {.what = Listing::What::kSubtree, .parent = "/a", .page_size = 2};
  registry::v1::ListResponse answer;
  answer.add_entries()->set_key("/a/b");
  answer.mutable_entries(0)->set_text("1");
  answer.set_next_page_token("t");
  const absl::StatusOr<ListedPage> page = ParseListedPage(Api::kRegistry, BytesOf(answer), {});
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->more);
  ASSERT_EQ(page->pairs.size(), 1);
  EXPECT_EQ(page->pairs[0].value, "1");
  EXPECT_EQ(Parsed<registry::v1::ListRequest>(ListBytes(Api::kRegistry, listing, page->next)).page_token(), "t");

  answer.clear_next_page_token();
  EXPECT_FALSE(ParseListedPage(Api::kRegistry, BytesOf(answer), {})->more);
}

TEST(StoreWire, NextPageOfEtcdBeginsBehindLastKeyAtFirstPagesRevision) {
  const Listing listing = {.what = Listing::What::kSubtree, .parent = "/a", .page_size = 2};
  etcdserverpb::RangeResponse answer;
  answer.mutable_header()->set_revision(7);
  answer.add_kvs()->set_key("/a/b");
  answer.set_more(true);
  const absl::StatusOr<ListedPage> first = ParseListedPage(Api::kEtcd, BytesOf(answer), {});
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(first->more);
  const auto request = Parsed<etcdserverpb::RangeRequest>(ListBytes(Api::kEtcd, listing, first->next));
  EXPECT_EQ(request.key(), std::string("/a/b\0", 5));
  EXPECT_EQ(request.range_end(), "/a0");
  EXPECT_EQ(request.revision(), 7);
  EXPECT_EQ(request.limit(), 2);

  answer.mutable_header()->set_revision(9);
  EXPECT_EQ(ParseListedPage(Api::kEtcd, BytesOf(answer), first->next)->next.revision, 7);
}

TEST(StoreWire, RevisionNeedsAnEntry) {
  registry::v1::GetResponse ours;
  EXPECT_EQ(ParseGotRevision(Api::kRegistry, BytesOf(ours)).status().code(), absl::StatusCode::kInternal);
  ours.set_revision(5);
  EXPECT_EQ(ParseGotRevision(Api::kRegistry, BytesOf(ours)).value(), 5);
  etcdserverpb::RangeResponse etcd;
  etcd.mutable_header()->set_revision(6);
  EXPECT_EQ(ParseGotRevision(Api::kEtcd, BytesOf(etcd)).status().code(), absl::StatusCode::kInternal);
  etcd.add_kvs()->set_key("/a");
  EXPECT_EQ(ParseGotRevision(Api::kEtcd, BytesOf(etcd)).value(), 6);
}

TEST(StoreWire, CompactsToRevision) {
  EXPECT_EQ(Parsed<admin::v1::CompactRequest>(CompactBytes(Api::kRegistry, 5)).revision(), 5);
  EXPECT_EQ(Parsed<etcdserverpb::CompactionRequest>(CompactBytes(Api::kEtcd, 5)).ShortDebugString(), "revision: 5 physical: true");
}

TEST(StoreWire, OtherBytesAreInternal) {
  const grpc::Slice slice(std::string("\xff"));
  EXPECT_EQ(ParseListedPage(Api::kRegistry, grpc::ByteBuffer(&slice, 1), {}).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ParseListedPage(Api::kEtcd, grpc::ByteBuffer(&slice, 1), {}).status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace scoutlight::bench
