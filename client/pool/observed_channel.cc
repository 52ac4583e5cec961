#include "client/pool/observed_channel.h"

#include <string>
#include <utility>
#include <vector>

#include <grpcpp/create_channel.h>
#include <grpcpp/support/client_interceptor.h>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "discovery/url.h"

namespace scoutlight::client {
namespace {

using grpc::experimental::ClientInterceptorFactoryInterface;
using grpc::experimental::ClientRpcInfo;
using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;

// What the calls of a channel share. The channel may go before the context of a call.
struct Observed {
  InstanceCalls calls;
  Judge judge;
};

// One call. gRPC runs it in one thread at a time, and destroys it with the call's ClientContext.
class ObservedCall : public Interceptor {
 public:
  explicit ObservedCall(std::shared_ptr<const Observed> observed) : observed_(std::move(observed)) { observed_->calls.Began(); }
  ~ObservedCall() override { End(); }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_STATUS)) {
      switch (observed_->judge(*methods->GetRecvStatus())) {
        case Judgement::kWell:
          observed_->calls.Succeeded();
          break;
        case Judgement::kAtFault:
          observed_->calls.Failed();
          break;
        case Judgement::kNothing:
          break;
      }
      End();
    }
    methods->Proceed();
  }

 private:
  void End() {
    if (!std::exchange(ended_, true)) observed_->calls.Ended();
  }

  const std::shared_ptr<const Observed> observed_;
  bool ended_ = false;
};

class Observing : public ClientInterceptorFactoryInterface {
 public:
  Observing(InstanceCalls calls, Judge judge) : observed_(std::make_shared<const Observed>(Observed{std::move(calls), std::move(judge)})) {}
  Interceptor* CreateClientInterceptor(ClientRpcInfo*) override { return new ObservedCall(observed_); }

 private:
  const std::shared_ptr<const Observed> observed_;
};

// A call that is over before anything of it is sent.
class RefusedCall : public Interceptor {
 public:
  explicit RefusedCall(grpc::Status status) : status_(std::move(status)) {}

  void Intercept(InterceptorBatchMethods* methods) override {
    bool hijacks = false;
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) hijacks = true;
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_MESSAGE)) methods->FailHijackedSendMessage();
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_RECV_MESSAGE)) methods->FailHijackedRecvMessage();
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_RECV_STATUS)) *methods->GetRecvStatus() = status_;
    if (hijacks) {
      methods->Hijack();
    } else {
      methods->Proceed();
    }
  }

 private:
  const grpc::Status status_;
};

class Refusing : public ClientInterceptorFactoryInterface {
 public:
  explicit Refusing(grpc::Status status) : status_(std::move(status)) {}
  Interceptor* CreateClientInterceptor(ClientRpcInfo*) override { return new RefusedCall(status_); }

 private:
  const grpc::Status status_;
};

std::shared_ptr<grpc::Channel> Intercepted(const std::string& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                                           const grpc::ChannelArguments& arguments,
                                           std::unique_ptr<ClientInterceptorFactoryInterface> interceptor) {
  std::vector<std::unique_ptr<ClientInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::move(interceptor));
  return grpc::experimental::CreateCustomChannelWithInterceptors(target, credentials, arguments, std::move(interceptors));
}

absl::Status WrongEndpoint(const discovery::Endpoint& endpoint, absl::string_view what) {
  ErrorDetails details;
  details.reason = Reason::kNoneMatches;
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("the endpoint \"", endpoint.name, "\" of the instance (", UrlText(endpoint.url), ") ", what), details);
}

bool IsTls(absl::string_view scheme) { return scheme == "grpcs" || scheme == "https"; }
bool IsPlain(absl::string_view scheme) { return scheme.empty() || scheme == "grpc" || scheme == "http"; }

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> ObservedChannel(const discovery::Endpoint& endpoint, InstanceCalls calls,
                                                               const ServicePoolOptions& options) {
  const discovery::Url& url = endpoint.url;
  if (url.host.empty() || url.port == 0) return WrongEndpoint(endpoint, "has no host or no port");
  if (!IsTls(url.scheme) && !IsPlain(url.scheme)) return WrongEndpoint(endpoint, "has a scheme other than grpc, grpcs, http and https");
  std::shared_ptr<grpc::ChannelCredentials> credentials = options.credentials;
  if (credentials == nullptr) credentials = IsTls(url.scheme) ? grpc::SslCredentials({}) : grpc::InsecureChannelCredentials();
  return Intercepted(absl::StrCat("dns:///", HostText(url)), credentials, options.arguments,
                     std::make_unique<Observing>(std::move(calls), options.judge));
}

std::shared_ptr<grpc::Channel> RefusingChannel(const absl::Status& status) {
  const grpc::Status shown(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
  // The target is never looked up.
  return Intercepted("dns:///localhost:1", grpc::InsecureChannelCredentials(), {}, std::make_unique<Refusing>(shown));
}

}  // namespace scoutlight::client
