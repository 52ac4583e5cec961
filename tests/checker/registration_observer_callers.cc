#include "tests/checker/registration_callers.h"

#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "scoutlight/discovery/v1/discovery.grpc.pb.h"
#include "tests/checker/registration_draws.h"
#include "tests/support/client.h"

namespace scoutlight::checker {
namespace {

namespace wire = discovery::v1;

class Watcher : public RegistrationWorkload::Client {
 public:
  Watcher(int number, uint64_t seed, RegistrationRecorder* recorder) : draws_(number, seed), recorder_(*recorder) {}

  void Run(const std::string& address) override {
    testing::Client client(address);
    const auto stub = wire::DiscoveryService::NewStub(client.channel());
    while (!IsGone(Stream(*stub))) {
    }
  }

 private:
  // One stream, for some frames.
  grpc::Status Stream(wire::DiscoveryService::Stub& stub) {
    wire::WatchRequest request;
    request.set_service(draws_.number() % 3 == 0 ? RegistrationWorkload::kMortal
                                                 : RegistrationWorkload::kContended[draws_.number() % 3 - 1]);
    request.mutable_heartbeat()->set_nanos(100'000'000);
    grpc::ClientContext context;
    ObserverRecording recording(&recorder_, absl::StrCat("watcher", draws_.number()), request);
    const auto stream = stub.Watch(&context, request);
    wire::WatchResponse response;
    for (int left = draws_.Of(5, 400); left > 0 && stream->Read(&response); --left) recording.Received(response);
    recording.Ended();
    context.TryCancel();
    return stream->Finish();
  }

  Draws draws_;
  RegistrationRecorder& recorder_;
};

class Subscriber : public RegistrationWorkload::Client {
 public:
  Subscriber(int number, uint64_t seed, RegistrationRecorder* recorder) : draws_(number, seed), recorder_(*recorder) {}

  void Run(const std::string& address) override {
    testing::Client client(address);
    const auto stub = wire::DiscoveryService::NewStub(client.channel());
    while (!IsGone(Stream(*stub))) {
    }
  }

 private:
  grpc::Status Stream(wire::DiscoveryService::Stub& stub) {
    grpc::ClientContext context;
    const std::string id = absl::StrCat("subscriber", draws_.number());
    ObserverRecording recording(&recorder_, id);
    const auto stream = stub.Subscribe(&context);
    const auto send = [&](const wire::SubscribeRequest& request) {
      recording.Sending(request);
      return stream->Write(request);
    };
    wire::SubscribeRequest first;
    first.set_subscriber_id(id);
    first.mutable_heartbeat()->set_nanos(100'000'000);
    for (const char* service : {RegistrationWorkload::kContended[0], RegistrationWorkload::kContended[1], RegistrationWorkload::kMortal}) {
      first.add_add()->set_service(service);
    }
    bool open = send(first);
    wire::SubscribeResponse response;
    const int most = draws_.Of(20, 800);
    // Some are late with what they confirm.
    const int confirms = draws_.Percent(70) ? 100 : 30;
    for (int taken = 1; open && taken <= most && stream->Read(&response); ++taken) {
      recording.Received(response);
      wire::SubscribeRequest confirm;
      confirm.set_confirmed(taken);
      if (draws_.Percent(confirms)) open = send(confirm);
    }
    wire::SubscribeRequest goodbye;
    goodbye.set_goodbye(true);
    if (draws_.Percent(30) && send(goodbye)) {
      while (stream->Read(&response)) recording.Received(response);
    }
    recording.Ended();
    context.TryCancel();
    return stream->Finish();
  }

  Draws draws_;
  RegistrationRecorder& recorder_;
};

}  // namespace

std::unique_ptr<RegistrationWorkload::Client> MakeWatcher(int number, uint64_t seed, RegistrationRecorder* recorder) {
  return std::make_unique<Watcher>(number, seed, recorder);
}
std::unique_ptr<RegistrationWorkload::Client> MakeSubscriber(int number, uint64_t seed, RegistrationRecorder* recorder) {
  return std::make_unique<Subscriber>(number, seed, recorder);
}

}  // namespace scoutlight::checker
