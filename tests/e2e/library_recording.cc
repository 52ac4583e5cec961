#include "tests/e2e/library_recording.h"

#include <grpcpp/support/client_interceptor.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "scoutlight/discovery/v1/registration.pb.h"
#include "tests/checker/recorder.h"

namespace scoutlight::testing {
namespace {

namespace disco = discovery::v1;
using checker::ObserverRecording;
using checker::SessionRecording;
using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using RecorderPtr = std::shared_ptr<checker::RegistrationRecorder>;

// nullptr: it is serialized already, as all of a StreamLoop are.
template <typename Request>
const Request* Sent(InterceptorBatchMethods* methods) {
  if (!methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_MESSAGE)) return nullptr;
  return static_cast<const Request*>(methods->GetSendMessage());
}
template <typename Response>
const Response* Received(InterceptorBatchMethods* methods) {
  if (!methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_MESSAGE)) return nullptr;
  return static_cast<const Response*>(methods->GetRecvMessage());
}
bool Ends(InterceptorBatchMethods* methods) {
  return methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_STATUS) ||
         methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_CANCEL);
}

class Pass final : public Interceptor {
 public:
  void Intercept(InterceptorBatchMethods* methods) override { methods->Proceed(); }
};

std::unique_ptr<SessionRecording> Begin(checker::RegistrationRecorder* recorder, const disco::SessionRequest& /*first*/) {
  return std::make_unique<SessionRecording>(recorder);
}
std::unique_ptr<ObserverRecording> Begin(checker::RegistrationRecorder* recorder, const disco::SubscribeRequest& first) {
  return std::make_unique<ObserverRecording>(recorder, first.subscriber_id());
}

// A stream, whose messages are sent and received by any thread.
template <typename Recording, typename Request, typename Response>
class StreamRecorder final : public Interceptor {
 public:
  explicit StreamRecorder(RecorderPtr recorder) : recorder_(std::move(recorder)) {}

  void Intercept(InterceptorBatchMethods* methods) override {
    Record(methods);
    methods->Proceed();
  }

 private:
  void Record(InterceptorBatchMethods* methods) {
    const MutexLock lock(&mu_);
    if (const Request* const request = Sent<Request>(methods); request != nullptr) {
      if (recording_ == nullptr) recording_ = Begin(recorder_.get(), *request);
      recording_->Sending(*request);
    }
    if (recording_ == nullptr) return;
    if (const Response* const response = Received<Response>(methods); response != nullptr) recording_->Received(*response);
    if (Ends(methods)) recording_->Ended();
  }

  const RecorderPtr recorder_;
  Mutex mu_;
  std::unique_ptr<Recording> recording_ ABSL_GUARDED_BY(mu_);  // Null: nothing was sent yet.
};

// One try of a call.
template <typename Request, typename Response>
class CallRecorder final : public Interceptor {
 public:
  explicit CallRecorder(RecorderPtr recorder) : recorder_(std::move(recorder)) {}

  void Intercept(InterceptorBatchMethods* methods) override {
    if (const Request* const request = Sent<Request>(methods); request != nullptr) {
      request_ = *request;
      called_ = checker::MonotonicNow();
    }
    if (const Response* const response = Received<Response>(methods); response != nullptr) response_ = *response;
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_STATUS) && called_ != 0) {
      recorder_->Answered(/*client=*/0, std::exchange(called_, 0), request_, *methods->GetRecvStatus(), response_);
    }
    methods->Proceed();
  }

 private:
  const RecorderPtr recorder_;
  checker::Nanos called_ = 0;
  Request request_;
  Response response_;
};

class Factory final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  explicit Factory(RecorderPtr recorder) : recorder_(std::move(recorder)) {}

  Interceptor* CreateClientInterceptor(grpc::experimental::ClientRpcInfo* info) override {
    const absl::string_view method = info->method();
    const auto is = [method](absl::string_view suffix) { return absl::EndsWith(method, suffix); };
    if (is("RegistrationService/Session")) {
      return new StreamRecorder<SessionRecording, disco::SessionRequest, disco::SessionResponse>(recorder_);
    }
    if (is("DiscoveryService/Subscribe")) {
      return new StreamRecorder<ObserverRecording, disco::SubscribeRequest, disco::SubscribeResponse>(recorder_);
    }
    if (is("/Deregister")) return new CallRecorder<disco::DeregisterRequest, disco::DeregisterResponse>(recorder_);
    if (is("/Drain")) return new CallRecorder<disco::DrainRequest, disco::DrainResponse>(recorder_);
    if (is("/GetInstance")) return new CallRecorder<disco::GetInstanceRequest, disco::GetInstanceResponse>(recorder_);
    if (is("/ListInstances")) return new CallRecorder<disco::ListInstancesRequest, disco::ListInstancesResponse>(recorder_);
    return new Pass();
  }

 private:
  const RecorderPtr recorder_;
};

std::unique_ptr<Factory>& Installed() {
  static auto* const installed = new std::unique_ptr<Factory>();
  return *installed;
}

}  // namespace

LibraryRecording::LibraryRecording(std::shared_ptr<checker::RegistrationRecorder> recorder) {
  Installed() = std::make_unique<Factory>(std::move(recorder));
  grpc::experimental::RegisterGlobalClientInterceptorFactory(Installed().get());
}

LibraryRecording::~LibraryRecording() {
  grpc::experimental::TestOnlyResetGlobalClientInterceptorFactory();
  Installed().reset();
}

}  // namespace scoutlight::testing
