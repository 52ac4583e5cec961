// What the tests of TopologyService share: one over a memory store that a test can meddle with, behind a server of its own.
#ifndef SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_SERVICE_FIXTURE_H_
#define SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_SERVICE_FIXTURE_H_

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/admission.h"
#include "server/topology/topology_service.h"
#include "server/watch/watch_hub.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/forwarding_store.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"
#include "topology/topology_records.h"

namespace scoutlight::server {

namespace wire = ::scoutlight::topology::v1;
using Stub = wire::TopologyService::Stub;

// A document with one link, from `a` to the port `port` of `b`.
inline std::string DocumentOf(int port) {
  return absl::StrCat(R"({"a": {"links": [{"outgate": "b", "queue": "q", "type": "PUSH"}]},
 "b": {"links": [{"addresses": ["tcp://0.0.0.0:)",
                      port, R"("], "queue": "q", "type": "PULL"}]}})");
}

// A store in which somebody else changes a topology before a commit, and which looks at how much is in one.
class RacedStore final : public storage::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  // Before each of the next `commits`, the newest version of `default` is put again.
  void Disturb(int commits) { disturbances_ = commits; }
  int commits() const { return commits_; }
  size_t operations_max() const { return operations_max_; }

  void Commit(storage::Transaction transaction, storage::Done<storage::CommitResult> done) override {
    if (!transaction.validate_only) {
      ++commits_;
      operations_max_ = std::max(operations_max_.load(), transaction.on_success.size());
    }
    if (!transaction.validate_only && disturbances_ > 0) {
      --disturbances_;
      storage::Transaction other = storage::TransactionOf({storage::PutOf(
          topology::NewestKey("default"), topology::EncodeNewest({.record = {.version = 70 - disturbances_}, .document = "{}"}))});
      store_.Commit(std::move(other), [](const storage::CommitResult& result) { EXPECT_TRUE(result.status.ok()) << result.status; });
    }
    store_.Commit(std::move(transaction), std::move(done));
  }

 private:
  std::atomic<int> commits_ = 0;
  std::atomic<size_t> operations_max_ = 0;
  std::atomic<int> disturbances_ = 0;
};

// An error as a caller sees it.
struct Seen {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string reason;
  std::vector<std::string> violations;  // "field: description".
  std::string resource;
  std::string message;
};

inline Seen SeenOf(const grpc::Status& status) {
  Seen seen{.code = status.error_code(), .reason = {}, .violations = {}, .resource = {}, .message = status.error_message()};
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  for (const google::protobuf::Any& detail : rich.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    google::rpc::ResourceInfo resource;
    if (detail.UnpackTo(&info)) seen.reason = info.reason();
    if (detail.UnpackTo(&resource)) seen.resource = resource.resource_name();
    if (!detail.UnpackTo(&bad)) continue;
    for (const auto& violation : bad.field_violations()) {
      seen.violations.push_back(absl::StrCat(violation.field(), ": ", violation.description()));
    }
  }
  return seen;
}

class TopologyServiceTest : public ::testing::Test {
 protected:
  TopologyServiceTest() : store_(storage::OpenMemoryStore(clock_)), raced_(store_.get()), sync_(store_.get()) { Start(); }
  ~TopologyServiceTest() override { Stop(); }

  void Start(Authorize authorize = nullptr) {
    hub_ = std::make_unique<WatchHub>(&raced_, WatchHubOptions{});
    admission_ = std::make_unique<Admission>(std::move(authorize));
    service_ = std::make_unique<TopologyService>(
        TopologyService::Parts{.store = &raced_, .admission = admission_.get(), .hub = hub_.get(), .clock = &clock_});
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    hub_->Start();
    stub_ = wire::TopologyService::NewStub(grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  void Stop() {
    hub_->Drain(absl::UnavailableError("the test is over"));
    server_->Shutdown();
    service_.reset();
    hub_.reset();
  }

  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request,
                    Response* response) {
    grpc::ClientContext context;
    return (stub_.get()->*method)(&context, request, response);
  }
  // Must succeed.
  template <typename Request, typename Response>
  Response Sent(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request) {
    Response response;
    const grpc::Status status = Call(method, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  // Must be refused, and change nothing.
  template <typename Request, typename Response>
  Seen Refused(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request) {
    const Revision before = sync_.Latest();
    Response response;
    const grpc::Status status = Call(method, request, &response);
    EXPECT_FALSE(status.ok()) << response.ShortDebugString();
    EXPECT_EQ(sync_.Latest(), before);
    return SeenOf(status);
  }

  static wire::ApplyRequest ApplyOf(const std::string& document, const std::string& request_id = "") {
    wire::ApplyRequest request;
    request.set_document(document);
    request.set_request_id(request_id);
    return request;
  }
  static wire::RollbackRequest RollbackOf(int64_t version, const std::string& request_id = "") {
    wire::RollbackRequest request;
    request.set_version(version);
    request.set_request_id(request_id);
    return request;
  }
  wire::ApplyResponse Apply(const std::string& document) { return Sent(&Stub::Apply, ApplyOf(document)); }
  wire::RollbackResponse Rollback(int64_t version) { return Sent(&Stub::Rollback, RollbackOf(version)); }
  wire::DeleteResponse Delete() { return Sent(&Stub::Delete, wire::DeleteRequest()); }
  wire::TopologyVersion Get(int64_t version = 0) {
    wire::GetRequest request;
    request.set_version(version);
    return Sent(&Stub::Get, request).topology();
  }
  // The numbers of those that are kept, the newest first; of deletions with a minus.
  std::vector<int64_t> Versions() {
    std::vector<int64_t> numbers;
    const wire::ListVersionsResponse response = Sent(&Stub::ListVersions, wire::ListVersionsRequest());
    for (const wire::TopologyVersion& version : response.versions()) {
      EXPECT_EQ(version.document(), "");
      numbers.push_back(version.deleted() ? -version.version() : version.version());
    }
    return numbers;
  }

  storage::FakeClock clock_;
  std::unique_ptr<storage::Store> store_;
  RacedStore raced_;
  const storage::SyncStore sync_;
  std::unique_ptr<WatchHub> hub_;
  std::unique_ptr<Admission> admission_;
  std::unique_ptr<TopologyService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Stub> stub_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_SERVICE_FIXTURE_H_
