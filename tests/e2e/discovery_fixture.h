#ifndef SCOUTLIGHT_TESTS_E2E_DISCOVERY_FIXTURE_H_
#define SCOUTLIGHT_TESTS_E2E_DISCOVERY_FIXTURE_H_

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "scoutlight/discovery/v1/discovery.grpc.pb.h"
#include "scoutlight/discovery/v1/registration.grpc.pb.h"
#include "scoutlight/registry/v1/lease.grpc.pb.h"
#include "tests/e2e/served_test.h"
#include "tests/support/deadline.h"
#include "tests/support/failure.h"
#include "tests/support/watch_reader.h"

namespace scoutlight::testing {

namespace disco = discovery::v1;

using Properties = std::map<std::string, std::string>;

// The frames of a DiscoveryService.Watch.
class InstanceReader : public FrameReader<grpc::ClientAsyncReader<disco::WatchResponse>, disco::WatchResponse> {
 public:
  InstanceReader(disco::DiscoveryService::Stub& stub, const disco::WatchRequest& request) {
    stream_ = stub.AsyncWatch(&context_, request, &queue_, TagOf(kStart));
    Begin(kStart);
  }

  // The next frame that is not of KIND_PROGRESS.
  std::optional<disco::WatchResponse> NextEvent() {
    while (true) {
      std::optional<disco::WatchResponse> frame = Next();
      if (!frame.has_value() || frame->kind() != disco::WatchResponse::KIND_PROGRESS) return frame;
    }
  }
};

// A server with its clients of discovery.
class Discovery : public ServedTest {
 protected:
  Discovery() { Connect(); }

  void Connect() {
    registration_ = disco::RegistrationService::NewStub(client().channel());
    discovery_ = disco::DiscoveryService::NewStub(client().channel());
    leases_ = wire::LeaseService::NewStub(client().channel());
    // The catalog is read in the background: the first answer says that it is there.
    const Deadline deadline(kSoon);
    while (!deadline.passed() && !Call(&disco::DiscoveryService::Stub::ListClusters, disco::ListClustersRequest()).ok()) {
    }
  }

  template <typename Stub, typename Request, typename Response>
  Answered<Response> CallOf(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                            const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(kCallTimeout));
    Answered<Response> answered;
    answered.status = (stub.*method)(&context, request, &answered.message);
    return answered;
  }
  template <typename Request, typename Response>
  Answered<Response> Call(grpc::Status (disco::RegistrationService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                          const Request& request) {
    return CallOf(*registration_, method, request);
  }
  template <typename Request, typename Response>
  Answered<Response> Call(grpc::Status (disco::DiscoveryService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                          const Request& request) {
    return CallOf(*discovery_, method, request);
  }

  static disco::RegisterRequest RegisterOf(const std::string& service, const std::string& id, const Properties& properties) {
    disco::RegisterRequest request;
    request.mutable_instance()->set_service(service);
    request.mutable_instance()->set_id(id);
    request.mutable_instance()->mutable_properties()->insert(properties.begin(), properties.end());
    request.set_permanent(true);
    return request;
  }
  Answered<disco::RegisterResponse> Register(const disco::RegisterRequest& request) {
    return Call(&disco::RegistrationService::Stub::Register, request);
  }
  Answered<disco::RegisterResponse> Register(const std::string& service, const std::string& id, const Properties& properties) {
    return Register(RegisterOf(service, id, properties));
  }
  Answered<disco::DeregisterResponse> Deregister(const std::string& service, const std::string& id, int64_t epoch = 0) {
    disco::DeregisterRequest request;
    request.mutable_name()->set_service(service);
    request.mutable_name()->set_id(id);
    request.set_epoch(epoch);
    return Call(&disco::RegistrationService::Stub::Deregister, request);
  }
  Answered<disco::GetInstanceResponse> Get(const std::string& service, const std::string& id) {
    disco::GetInstanceRequest request;
    request.mutable_name()->set_service(service);
    request.mutable_name()->set_id(id);
    return Call(&disco::DiscoveryService::Stub::GetInstance, request);
  }
  std::vector<std::string> Ids(const std::string& service, const std::string& filter = "") {
    disco::ListInstancesRequest request;
    request.set_service(service);
    request.set_filter(filter);
    const auto listed = Call(&disco::DiscoveryService::Stub::ListInstances, request);
    EXPECT_TRUE(listed.ok()) << listed.status.error_message();
    std::vector<std::string> ids;
    for (const disco::Instance& instance : listed->instances()) ids.push_back(instance.id());
    return ids;
  }
  Answered<disco::ResolveResponse> Resolve(const disco::ResolveRequest& request) {
    return Call(&disco::DiscoveryService::Stub::Resolve, request);
  }
  static disco::ResolveRequest ResolveOf(const std::string& service, const std::string& filter = "") {
    disco::ResolveRequest request;
    request.set_service(service);
    request.set_filter(filter);
    return request;
  }
  std::string Picked(const disco::ResolveRequest& request) {
    const auto resolved = Resolve(request);
    return resolved.ok() ? resolved->picks(0).instance().id() : absl::StrCat("(", resolved.status.error_code(), ")");
  }
  static disco::WatchRequest WatchedService(const std::string& service, const std::string& filter = "") {
    disco::WatchRequest request;
    request.set_service(service);
    request.set_filter(filter);
    return request;
  }

  std::unique_ptr<disco::RegistrationService::Stub> registration_;
  std::unique_ptr<disco::DiscoveryService::Stub> discovery_;
  std::unique_ptr<wire::LeaseService::Stub> leases_;
};

inline const Properties kLaser = {{"hostname", "192.168.1.101"}, {"port", "8001"}, {"protocol", "https"}};
inline const Properties kInkjet = {{"hostname", "192.168.1.102"}, {"port", "8002"}, {"protocol", "http"}};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_E2E_DISCOVERY_FIXTURE_H_
