#include "tests/checker/registration_callers.h"

#include <grpcpp/client_context.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "scoutlight/discovery/v1/discovery.grpc.pb.h"
#include "scoutlight/discovery/v1/registration.grpc.pb.h"
#include "tests/checker/registration_draws.h"
#include "tests/support/client.h"

namespace scoutlight::checker {
namespace {

namespace wire = discovery::v1;

constexpr size_t kEpochsMax = 8;  // That a caller remembers of one instance.

class Caller : public RegistrationWorkload::Client {
 public:
  Caller(int number, uint64_t seed, RegistrationRecorder* recorder)
      : draws_(number, seed), session_(number % 3 == 0 ? "" : absl::StrCat("caller", number)), recorder_(*recorder) {}

  void Run(const std::string& address) override {
    testing::Client client(address);
    registration_ = wire::RegistrationService::NewStub(client.channel());
    discovery_ = wire::DiscoveryService::NewStub(client.channel());
    while (Step()) {
    }
  }

 private:
  // False: the server is gone.
  bool Step() {
    const int kind = draws_.Of(1, 100);
    if (kind <= 25) return Register();
    if (kind <= 37) return Update();
    if (kind <= 45) return Deregister();
    if (kind <= 53) return Drain();
    if (kind <= 68) return Get();
    if (kind <= 82) return List();
    return Resolve();
  }

  template <typename Stub, typename Request, typename Response>
  bool Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request,
            Response* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(testing::kCallTimeout));
    const Nanos called = MonotonicNow();
    const grpc::Status status = (stub.*method)(&context, request, response);
    recorder_.Answered(draws_.number(), called, request, status, *response);
    return !IsGone(status);
  }

  void Remember(const wire::Instance& instance) {
    std::vector<int64_t>& epochs = epochs_[{instance.service(), instance.id()}];
    if (epochs.size() == kEpochsMax) epochs.erase(epochs.begin());
    if (instance.epoch() != 0) epochs.push_back(instance.epoch());
  }

  // An instance; half of the time with an epoch, mostly the newest that is known.
  template <typename Request>
  void Name(Request* request) {
    request->mutable_name()->set_service(draws_.Contended());
    request->mutable_name()->set_id(draws_.Id());
  }
  template <typename Request>
  void NameWithEpoch(Request* request) {
    Name(request);
    const std::vector<int64_t>& epochs = epochs_[{request->name().service(), request->name().id()}];
    if (epochs.empty() || draws_.Percent(40)) return;
    request->set_epoch(draws_.Percent(70) ? epochs.back() : epochs[draws_.Of(0, static_cast<int>(epochs.size()) - 1)]);
  }

  bool Register() {
    wire::RegisterRequest request;
    request.mutable_instance()->set_service(draws_.Contended());
    request.mutable_instance()->set_id(draws_.Id());
    draws_.Fill(request.mutable_instance()->mutable_properties());
    request.set_session_id(session_);
    request.set_take_over(draws_.Percent(35));
    if (draws_.Percent(50)) request.mutable_ttl()->set_seconds(draws_.Of(1, 2));
    if (!request.has_ttl()) request.set_permanent(true);
    if (draws_.Percent(20)) request.set_request_id(draws_.Token());
    wire::RegisterResponse response;
    if (!Call(*registration_, &wire::RegistrationService::Stub::Register, request, &response)) return false;
    Remember(response.instance());
    // It may be a repetition.
    wire::RegisterResponse again;
    if (request.request_id().empty() || draws_.Percent(50)) return true;
    return Call(*registration_, &wire::RegistrationService::Stub::Register, request, &again);
  }

  bool Update() {
    wire::UpdateRequest request;
    NameWithEpoch(&request);
    (*request.mutable_set_properties())["write"] = draws_.Token();
    if (draws_.Percent(30)) (*request.mutable_set_properties())["health"] = draws_.Percent(80) ? "passing" : "critical";
    wire::UpdateResponse response;
    return Call(*registration_, &wire::RegistrationService::Stub::Update, request, &response);
  }

  bool Deregister() {
    wire::DeregisterRequest request;
    NameWithEpoch(&request);
    wire::DeregisterResponse response;
    return Call(*registration_, &wire::RegistrationService::Stub::Deregister, request, &response);
  }

  bool Drain() {
    wire::DrainRequest request;
    NameWithEpoch(&request);
    request.mutable_timeout()->set_nanos(draws_.Percent(50) ? 0 : 50'000'000);
    wire::DrainResponse response;
    return Call(*registration_, &wire::RegistrationService::Stub::Drain, request, &response);
  }

  bool Get() {
    wire::GetInstanceRequest request;
    Name(&request);
    wire::GetInstanceResponse response;
    const bool there = Call(*discovery_, &wire::DiscoveryService::Stub::GetInstance, request, &response);
    if (there && response.has_instance()) Remember(response.instance());
    return there;
  }

  bool List() {
    wire::ListInstancesRequest request;
    request.set_service(draws_.AnyService());
    wire::ListInstancesResponse response;
    const bool there = Call(*discovery_, &wire::DiscoveryService::Stub::ListInstances, request, &response);
    for (const wire::Instance& instance : response.instances()) Remember(instance);
    return there;
  }

  bool Resolve() {
    wire::ResolveRequest request;
    request.set_service(draws_.AnyService());
    request.set_strategy(static_cast<wire::Strategy>(draws_.Of(0, 7)));
    request.set_count(draws_.Of(1, 3));
    wire::ResolveResponse response;
    return Call(*discovery_, &wire::DiscoveryService::Stub::Resolve, request, &response);
  }

  Draws draws_;
  const std::string session_;
  RegistrationRecorder& recorder_;
  std::unique_ptr<wire::RegistrationService::Stub> registration_;
  std::unique_ptr<wire::DiscoveryService::Stub> discovery_;
  std::map<std::pair<std::string, std::string>, std::vector<int64_t>> epochs_;  // By service and id.
};

}  // namespace

std::unique_ptr<RegistrationWorkload::Client> MakeCaller(int number, uint64_t seed, RegistrationRecorder* recorder) {
  return std::make_unique<Caller>(number, seed, recorder);
}

}  // namespace scoutlight::checker
