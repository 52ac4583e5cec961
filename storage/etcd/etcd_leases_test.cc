#include "storage/etcd/etcd_leases.h"

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/error.h"
#include "base/key.h"
#include "compat/etcd/rpc.grpc.pb.h"
#include "gtest/gtest.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/testing/await.h"

namespace scoutlight::storage {
namespace {

constexpr char kPrefix[] = "p/";
constexpr LeaseId kLease = 7;
constexpr Revision kRevision = 41;

grpc::Status NotFound() { return {grpc::StatusCode::NOT_FOUND, "etcdserver: requested lease not found"}; }
// What etcd never took is tried again until the call's time is over, so it is not said here.
grpc::Status Refused() { return {grpc::StatusCode::PERMISSION_DENIED, "etcdserver: permission denied"}; }
grpc::Status Lost() { return {grpc::StatusCode::UNKNOWN, "the answer is lost"}; }

// A member with one lease that has a key, and answers that the test chooses.
class Member : public etcdserverpb::KV::Service, public etcdserverpb::Lease::Service {
 public:
  grpc::Status announced;  // What a put on the lease is answered with; before the calls begin.
  grpc::Status revoked;

  Member() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(static_cast<etcdserverpb::KV::Service*>(this));
    builder.RegisterService(static_cast<etcdserverpb::Lease::Service*>(this));
    server_ = builder.BuildAndStart();
  }

  std::string target() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  grpc::Status LeaseTimeToLive(grpc::ServerContext*, const etcdserverpb::LeaseTimeToLiveRequest* request,
                               etcdserverpb::LeaseTimeToLiveResponse* response) override {
    response->set_id(request->id());
    response->set_ttl(request->id() == kLease ? 5 : -1);
    response->set_grantedttl(request->id() == kLease ? 5 : 0);
    if (request->id() == kLease) response->add_keys(EtcdMapping(kPrefix).Encode(*Key::Parse("/a")));
    response->mutable_header()->set_revision(kRevision - 1);
    return grpc::Status::OK;
  }
  grpc::Status Txn(grpc::ServerContext*, const etcdserverpb::TxnRequest*, etcdserverpb::TxnResponse*) override { return announced; }
  grpc::Status LeaseRevoke(grpc::ServerContext*, const etcdserverpb::LeaseRevokeRequest*,
                           etcdserverpb::LeaseRevokeResponse* response) override {
    response->mutable_header()->set_revision(kRevision);
    return revoked;
  }
  grpc::Status Range(grpc::ServerContext*, const etcdserverpb::RangeRequest* request, etcdserverpb::RangeResponse* response) override {
    EXPECT_FALSE(request->serializable());
    response->mutable_header()->set_revision(kRevision);
    return grpc::Status::OK;
  }

  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

EtcdRevokeResult Revoke(const Member& member, LeaseId id) {
  EtcdClientOptions options;
  options.endpoints = {member.target()};
  options.call_timeout = absl::Milliseconds(200);
  EtcdClient client(std::move(options));
  const EtcdMapping mapping(kPrefix);
  EtcdRevokeResult result;
  absl::Notification done;
  RevokeEtcdLease(client, mapping, id, [&](EtcdRevokeResult revoked) {
    result = std::move(revoked);
    done.Notify();
  });
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(kAwaitBound));
  return result;
}

TEST(RevokeEtcdLease, EndsALeaseThatIsThere) {
  const Member member;
  const EtcdRevokeResult result = Revoke(member, kLease);
  EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.revision, kRevision);
  EXPECT_EQ(result.deleted, 1);
  EXPECT_FALSE(result.ended_meanwhile);
  EXPECT_EQ(Revoke(member, kLease + 1).status.code(), absl::StatusCode::kNotFound);
}

// Its keys may be shown as gone with this revocation.
TEST(RevokeEtcdLease, OneThatEndsMeanwhileIsRevoked) {
  for (const bool before_it_was_announced : {true, false}) {
    Member member;
    (before_it_was_announced ? member.announced : member.revoked) = NotFound();
    const EtcdRevokeResult result = Revoke(member, kLease);
    EXPECT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(result.revision, kRevision);
    EXPECT_EQ(result.deleted, 1);
    EXPECT_TRUE(result.ended_meanwhile);
  }
}

TEST(RevokeEtcdLease, OnceItMayBeAnnouncedNobodyCanSayThatNothingHasChanged) {
  for (const auto& [announced, revoked] : {std::pair{Lost(), grpc::Status::OK}, std::pair{grpc::Status::OK, Lost()}}) {
    Member member;
    member.announced = announced;
    member.revoked = revoked;
    const EtcdRevokeResult result = Revoke(member, kLease);
    EXPECT_EQ(result.status.code(), absl::StatusCode::kUnknown) << result.status;
    EXPECT_EQ(ReasonOf(result.status), Reason::kOutcomeUnknown);
  }
}

TEST(RevokeEtcdLease, WhatEtcdRefusesIsRefused) {
  Member member;
  member.announced = Refused();
  EXPECT_EQ(ReasonOf(Revoke(member, kLease).status), Reason::kBackendUnavailable) << Revoke(member, kLease).status;
}

}  // namespace
}  // namespace scoutlight::storage
