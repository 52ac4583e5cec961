// Topologies over the death of the server, as they are asked for and as a program's watch tells them.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "scoutlight/topology/v1/topology.grpc.pb.h"
#include "tests/e2e/served_test.h"
#include "tests/support/deadline.h"
#include "tests/support/failure.h"

namespace scoutlight::testing {
namespace {

namespace topo = topology::v1;

using Stub = topo::TopologyService::Stub;

std::string DocumentOf(int port) {
  return absl::StrCat("{\"sink\": {\"links\": [\n  {\"addresses\": [\"tcp://0.0.0.0:", port,
                      "\"], \"queue\": \"q\", \"type\": \"PULL\"}]}}\r\n");
}

class TopologiesOverRestarts : public ServedTest {
 protected:
  TopologiesOverRestarts() { Connect(); }

  void Connect() { stub_ = topo::TopologyService::NewStub(client().channel()); }
  void KillAndConnect() {
    stub_.reset();
    KillAndRestart();
    Connect();
  }
  void TearDown() override {
    stub_.reset();
    ServedTest::TearDown();
  }

  template <typename Request, typename Response>
  Response Sent(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(kCallTimeout));
    Response response;
    const grpc::Status status = (stub_.get()->*method)(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  static topo::ApplyRequest ApplyOf(int port) {
    topo::ApplyRequest request;
    request.set_document(DocumentOf(port));
    request.set_comment(absl::StrCat("port ", port));
    request.set_request_id(absl::StrCat("apply ", port));
    return request;
  }
  // The first frame of a watch.
  topo::WatchResponse Current() {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(kCallTimeout));
    const auto reader = stub_->Watch(&context, topo::WatchRequest());
    topo::WatchResponse frame;
    EXPECT_TRUE(reader->Read(&frame));
    context.TryCancel();
    reader->Finish();
    return frame;
  }

  std::unique_ptr<Stub> stub_;
};

TEST_F(TopologiesOverRestarts, VersionsAreThereAsTheyWere) {
  const topo::ApplyResponse first = Sent(&Stub::Apply, ApplyOf(1));
  const topo::ApplyResponse second = Sent(&Stub::Apply, ApplyOf(2));
  const topo::ListVersionsResponse before = Sent(&Stub::ListVersions, topo::ListVersionsRequest());
  KillAndConnect();

  const topo::WatchResponse frame = Current();
  EXPECT_EQ(frame.kind(), topo::WatchResponse::KIND_CURRENT);
  ASSERT_EQ(frame.versions_size(), 1);
  EXPECT_EQ(frame.versions(0).document(), DocumentOf(2));
  EXPECT_EQ(frame.versions(0).revision(), second.revision());
  EXPECT_EQ(frame.store_id(), first.store_id());
  EXPECT_EQ(Sent(&Stub::ListVersions, topo::ListVersionsRequest()).ShortDebugString(), before.ShortDebugString());
  topo::RollbackRequest rollback;
  rollback.set_version(1);
  EXPECT_EQ(Sent(&Stub::Rollback, rollback).topology().version(), 3);
  EXPECT_EQ(Sent(&Stub::Get, topo::GetRequest()).topology().document(), DocumentOf(1));

  Sent(&Stub::Delete, topo::DeleteRequest());
  KillAndConnect();
  EXPECT_TRUE(Current().versions(0).deleted());
  EXPECT_EQ(Sent(&Stub::Apply, ApplyOf(3)).topology().version(), 5) << "numbers go on";
}

TEST_F(TopologiesOverRestarts, ARepeatedChangeIsKnown) {
  const topo::ApplyResponse first = Sent(&Stub::Apply, ApplyOf(1));
  Sent(&Stub::Apply, ApplyOf(2));
  KillAndConnect();
  const topo::ApplyResponse again = Sent(&Stub::Apply, ApplyOf(1));
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(again.topology().ShortDebugString(), first.topology().ShortDebugString());
  EXPECT_EQ(Sent(&Stub::Get, topo::GetRequest()).topology().version(), 2);
}

}  // namespace
}  // namespace scoutlight::testing
