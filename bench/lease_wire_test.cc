#include "bench/lease_wire.h"

#include <gtest/gtest.h>

#include "compat/etcd/rpc.pb.h"
#include "grpcpp/support/slice.h"
#include "scoutlight/registry/v1/lease.pb.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::bench {
namespace {

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

TEST(LeaseWire, RegistryRenewsMany) {
  const auto unary = Parsed<registry::v1::RenewRequest>(RenewRequestBytes(Api::kRegistry, RenewForm::kUnary, 5, 3));
  EXPECT_EQ(unary.ShortDebugString(), "lease_ids: 5 lease_ids: 6 lease_ids: 7");
  const auto stream = Parsed<registry::v1::KeepAliveRequest>(RenewRequestBytes(Api::kRegistry, RenewForm::kStream, 5, 1));
  EXPECT_EQ(stream.ShortDebugString(), "lease_ids: 5");
}

TEST(LeaseWire, EtcdRenewsOne) {
  EXPECT_EQ(LeasesPerMessageMax(Api::kEtcd), 1);
  EXPECT_EQ(Parsed<etcdserverpb::LeaseKeepAliveRequest>(RenewRequestBytes(Api::kEtcd, RenewForm::kStream, 9, 1)).id(), 9);
}

TEST(LeaseWire, OnlyRenewedLeasesCount) {
  registry::v1::KeepAliveResponse ours;
  for (int i = 0; i < 3; ++i) ours.add_results()->set_outcome(registry::v1::RenewResult::OUTCOME_RENEWED);
  EXPECT_EQ(*ParseRenewals(Api::kRegistry, RenewForm::kStream, BytesOf(ours)), 3);
  ours.add_results()->set_outcome(registry::v1::RenewResult::OUTCOME_NOT_FOUND);
  EXPECT_FALSE(ParseRenewals(Api::kRegistry, RenewForm::kStream, BytesOf(ours)).ok());
  etcdserverpb::LeaseKeepAliveResponse etcd;
  EXPECT_FALSE(ParseRenewals(Api::kEtcd, RenewForm::kStream, BytesOf(etcd)).ok());
  etcd.set_ttl(30);
  EXPECT_EQ(*ParseRenewals(Api::kEtcd, RenewForm::kStream, BytesOf(etcd)), 1);
}

TEST(LeaseWire, GrantsHaveTheirIdAndTtl) {
  const auto ours = Parsed<registry::v1::GrantRequest>(GrantRequestBytes(Api::kRegistry, 3, absl::Seconds(30)));
  EXPECT_EQ(ours.lease_id(), 3);
  EXPECT_EQ(ours.ttl().seconds(), 30);
  const auto etcd = Parsed<etcdserverpb::LeaseGrantRequest>(GrantRequestBytes(Api::kEtcd, 3, absl::Seconds(30)));
  EXPECT_EQ(etcd.id(), 3);
  EXPECT_EQ(etcd.ttl(), 30);
}

TEST(LeaseWire, PutsTellTheirRevision) {
  registry::v1::PutResponse ours;
  EXPECT_FALSE(ParsePutRevision(Api::kRegistry, BytesOf(ours)).ok());
  ours.set_revision(7);
  EXPECT_EQ(*ParsePutRevision(Api::kRegistry, BytesOf(ours)), 7);
  etcdserverpb::PutResponse etcd;
  etcd.mutable_header()->set_revision(8);
  EXPECT_EQ(*ParsePutRevision(Api::kEtcd, BytesOf(etcd)), 8);
  EXPECT_EQ(Parsed<registry::v1::PutRequest>(PutOnLeaseBytes(Api::kRegistry, "/a", 4, 2)).lease_id(), 2);
  EXPECT_EQ(Parsed<etcdserverpb::PutRequest>(PutOnLeaseBytes(Api::kEtcd, "/a", 4, 2)).lease(), 2);
}

}  // namespace
}  // namespace scoutlight::bench
