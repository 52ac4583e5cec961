#include "tests/checker/registration_callers.h"

#include <grpcpp/client_context.h>

#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "scoutlight/discovery/v1/registration.grpc.pb.h"
#include "tests/checker/registration_draws.h"
#include "tests/support/client.h"
#include "tests/support/deadline.h"

namespace scoutlight::checker {
namespace {

namespace wire = discovery::v1;

// One stream of a session, of which another thread reads the answers.
class SessionCall {
 public:
  SessionCall(wire::RegistrationService::Stub& stub, RegistrationRecorder* recorder) : recording_(recorder) {
    stream_ = stub.Session(&context_);
    reader_ = std::thread([this] { Read(); });
  }

  void Send(const wire::SessionRequest& request) {
    {
      const MutexLock lock(&mu_);
      recording_.Sending(request);
    }
    stream_->Write(request);
  }
  // Whether so many heartbeats were answered before the stream ended.
  bool AwaitAlive(int count) {
    const testing::Deadline deadline(testing::kCallTimeout);
    const MutexLock lock(&mu_);
    while (alive_ < count && !ended_ && !deadline.passed()) changed_.WaitFor(&mu_, deadline.left());
    return alive_ >= count;
  }
  void AwaitEnd() {
    const testing::Deadline deadline(testing::kCallTimeout);
    const MutexLock lock(&mu_);
    while (!ended_ && !deadline.passed()) changed_.WaitFor(&mu_, deadline.left());
  }
  grpc::Status End() {
    {
      const MutexLock lock(&mu_);
      recording_.Ended();
    }
    context_.TryCancel();
    reader_.join();
    return stream_->Finish();
  }

 private:
  void Read() {
    wire::SessionResponse response;
    while (stream_->Read(&response)) {
      const MutexLock lock(&mu_);
      recording_.Received(response);
      alive_ += response.has_alive() ? 1 : 0;
      changed_.NotifyAll();
    }
    const MutexLock lock(&mu_);
    ended_ = true;
    changed_.NotifyAll();
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<wire::SessionRequest, wire::SessionResponse>> stream_;
  Mutex mu_;
  CondVar changed_;
  SessionRecording recording_ ABSL_GUARDED_BY(mu_);
  int alive_ ABSL_GUARDED_BY(mu_) = 0;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  std::thread reader_;
};

class Session : public RegistrationWorkload::Client {
 public:
  Session(int number, uint64_t seed, RegistrationRecorder* recorder)
      : draws_(number, seed), first_(number - number % 4), recorder_(*recorder) {}

  void Run(const std::string& address) override {
    testing::Client client(address);
    const auto stub = wire::RegistrationService::NewStub(client.channel());
    while (!IsGone(Stream(*stub))) {
    }
  }

 private:
  grpc::Status Stream(wire::RegistrationService::Stub& stub) {
    SessionCall call(stub, &recorder_);
    wire::SessionRequest open;
    // Now and then what is another client's.
    open.mutable_open()->set_session_id(absl::StrCat("session", draws_.Percent(90) ? draws_.number() : first_ + draws_.Of(0, 3)));
    open.mutable_open()->mutable_ttl()->set_seconds(1);
    call.Send(open);
    bool goes_on = true;
    for (int step = 1, steps = draws_.Of(3, 60); goes_on && step <= steps; ++step) {
      if (step == 1 || draws_.Percent(40)) call.Send(Declaration());
      wire::SessionRequest beat;
      beat.mutable_heartbeat();
      call.Send(beat);
      goes_on = call.AwaitAlive(step);
    }
    if (goes_on && draws_.Percent(20)) {
      wire::SessionRequest leave;
      leave.mutable_leave();
      call.Send(leave);
      call.AwaitEnd();
    }
    return call.End();
  }

  wire::SessionRequest Declaration() {
    wire::SessionRequest request;
    wire::SessionRequest::Declare& declare = *request.mutable_declare();
    declare.set_replace(draws_.Percent(20));
    declare.set_take_over(draws_.Percent(30));
    const int first = draws_.Of(1, Draws::kIds);
    const int count = draws_.Of(1, 3);
    for (int i = 0; i < count; ++i) {
      wire::Registration& one = *declare.add_set();
      one.set_service(draws_.Contended());
      one.set_id(absl::StrCat("i", 1 + (first + i) % Draws::kIds));
      draws_.Fill(one.mutable_properties());
    }
    if (draws_.Percent(30)) {
      declare.add_remove()->set_service(draws_.Contended());
      declare.mutable_remove(0)->set_id(absl::StrCat("i", 1 + (first + count) % Draws::kIds));
    }
    return request;
  }

  Draws draws_;
  const int first_;  // Of four clients that open one another's sessions.
  RegistrationRecorder& recorder_;
};

}  // namespace

std::unique_ptr<RegistrationWorkload::Client> MakeSession(int number, uint64_t seed, RegistrationRecorder* recorder) {
  return std::make_unique<Session>(number, seed, recorder);
}

}  // namespace scoutlight::checker
