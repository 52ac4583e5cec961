#ifndef SCOUTLIGHT_TESTS_E2E_SESSION_CLIENT_H_
#define SCOUTLIGHT_TESTS_E2E_SESSION_CLIENT_H_

#include <grpcpp/support/status.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "scoutlight/discovery/v1/registration.grpc.pb.h"
#include "tests/checker/registration_recorder.h"
#include "tests/support/stream_loop.h"

namespace scoutlight::testing {

// A client of RegistrationService/Session, as a library would be: opens the session again whenever its stream has ended, declares what is
// wanted, sends a heartbeat every third of the ttl, and lets go of what another session has taken over. On a StreamLoop; all is recorded.
class SessionClient {
 public:
  using Stub = discovery::v1::RegistrationService::Stub;
  using State = discovery::v1::SessionResponse::InstanceState;
  using Response = discovery::v1::SessionResponse;
  using Name = std::pair<std::string, std::string>;  // Service and id.

  struct Options {
    std::string session_id;
    absl::Duration ttl;
    checker::RegistrationRecorder* recorder = nullptr;
    // Each response of the present stream, after it has been taken in.
    std::function<void(const SessionClient&, const Response&)> on_response;
  };
  struct Member {
    int version = 0;                               // Its property `version`, as wanted.
    bool take_over = false;                        // Until it is registered.
    State::State told = State::STATE_UNSPECIFIED;  // On the present stream.
    int64_t epoch = 0;                             // As told last, on whichever stream.
  };

  // `loop` and the recorder outlive it.
  SessionClient(StreamLoop* loop, Options options) : loop_(*loop), options_(std::move(options)) {}
  ~SessionClient() { Die(); }
  SessionClient(const SessionClient&) = delete;
  SessionClient& operator=(const SessionClient&) = delete;

  // Streams are opened there from now on; null: nowhere. `stub` is valid until the next call.
  void Connect(Stub* stub) { stub_ = stub; }
  // To be called often: opens the session and sends heartbeats when they are due.
  void Tick();

  // These too are wanted from now on, in this version.
  enum class TakeOver { kNo, kYes };
  void Declare(const std::vector<Name>& names, int version, TakeOver take_over = TakeOver::kNo);
  // Declares one that is not wanted, as a process would that has not noticed that another session owns it, and tells its load.
  void DeclareStale(const Name& name, int version, double load);
  // Opens the session on another stream while the present one goes on, which then sends a heartbeat and a declaration of `version`.
  void OpenBeside(int version);
  void Leave();
  // Its stream ends without a word, and no other is opened.
  void Die();

  const std::string& session_id() const { return options_.session_id; }
  const std::map<Name, Member>& members() const { return members_; }
  bool alive() const { return !dead_; }
  bool has_stream() const { return call_ != nullptr; }
  // On the present stream.
  bool opened() const { return opened_; }
  bool resumed() const { return resumed_; }
  int64_t lease_id() const { return lease_id_; }
  const std::string& store_id() const { return store_id_; }
  // Everything wanted is registered, so far as it was told on the present stream, which has answered a heartbeat.
  bool IsWell() const;
  // What it waits for, for people.
  std::string Describe() const;

  // Over all streams: how often each was told, heartbeats answered, how the older streams of OpenBeside() have ended.
  int told(State::State state) const { return told_[state]; }
  int told_fenced(const Name& name) const;
  int heartbeats() const { return heartbeats_; }
  const std::vector<grpc::Status>& beside() const { return beside_; }
  bool left() const { return left_; }

 private:
  using Request = discovery::v1::SessionRequest;
  using Stream = LoopStream<grpc::ClientAsyncReaderWriter<Request, Response>, Response>;
  // A stream with its recording.
  struct Call {
    explicit Call(checker::RegistrationRecorder* recorder) : recording(recorder) {}
    void Send(const Request& request) {
      recording.Sending(request);
      stream->Send(request);
    }
    void Drop() {
      recording.Ended();
      stream->Drop();
    }

    std::shared_ptr<Stream> stream;
    checker::SessionRecording recording;
  };

  void Open();
  void OnResponse(const std::shared_ptr<Call>& call, const Response& response);
  void OnState(const State& state);
  void OnEnd(const std::shared_ptr<Call>& call, const grpc::Status& status);
  void Beat();
  Request Declared(const std::vector<Name>& names) const;

  StreamLoop& loop_;
  const Options options_;
  Stub* stub_ = nullptr;
  std::shared_ptr<Call> call_;  // Null: there is none.
  std::vector<std::shared_ptr<Call>> older_;
  bool dead_ = false;
  bool left_ = false;
  std::map<Name, Member> members_;

  bool opened_ = false;
  bool resumed_ = false;
  bool beating_ = false;  // A heartbeat is not answered yet.
  int alives_ = 0;
  int64_t lease_id_ = 0;
  std::string store_id_;
  absl::Duration beat_at_;  // Steady time of the next heartbeat.

  int told_[State::State_ARRAYSIZE] = {};
  std::map<Name, int> told_fenced_;
  int heartbeats_ = 0;
  std::vector<grpc::Status> beside_;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_E2E_SESSION_CLIENT_H_
