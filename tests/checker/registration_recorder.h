#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_RECORDER_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_RECORDER_H_

#include <grpcpp/support/status.h>

#include <cstddef>
#include <string>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "scoutlight/discovery/v1/registration.pb.h"
#include "tests/checker/recorder.h"
#include "tests/checker/registration_history.h"

// How a test records a RegistrationHistory:
//
//   RegistrationRecorder recorder;
//   recorder.Spawned(); ... start the server ... recorder.Serving();
//   recorder.Stopping(); server.Kill(); recorder.Ended();                       // kill -9 or SIGTERM; then Spawned() again
//   recorder.Pausing(); kill(SIGSTOP), wait until it stands; recorder.Paused();
//   recorder.Resuming(); kill(SIGCONT); ... a call is answered ... recorder.Resumed();
//   recorder.AddLogOfFolder(store_id, data_dir);                                // no server running: before each wipe, and at the end
//   const Nanos called = MonotonicNow();
//   status = stub.Register(&context, request, &response); recorder.Answered(client, called, request, status, response);
//   SessionRecording session(&recorder);                                        // one for each stream
//   session.Sending(request); stream.Write(request); ... session.Received(response); ... session.Ended();
//   ObserverRecording subscriber(&recorder, subscriber_id); likewise, and ObserverRecording(&recorder, "name", watch_request) of a Watch
//   EXPECT_EQ(ReportRegistrations(CheckRegistrations(recorder.Take())), "");    // registration_check.h
namespace scoutlight::checker {

// Keeps what clients of discovery did and were shown, at most `facts_max` calls, messages, states and shown instances; what is beyond is
// not kept, and the check says so. Thread-safe.
class RegistrationRecorder {
 public:
  static constexpr size_t kFactsMax = 2'000'000;

  explicit RegistrationRecorder(size_t facts_max = kFactsMax) : facts_max_(facts_max) {}

  // The server's life: each where it stands above. Used by one thread.
  void Spawned();
  void Serving();
  void Stopping();
  void Ended();
  void Pausing();
  void Paused();
  void Resuming();
  void Resumed();

  // Keeps the log of a store whose server has ended. Fails the test when it cannot be read. Blocks.
  void AddLogOfFolder(const StoreId& store, const std::string& data_dir);

  // A unary call that was called at `called` and has just returned.
  void Answered(int client, Nanos called, const discovery::v1::RegisterRequest& request, const grpc::Status& status,
                const discovery::v1::RegisterResponse& response);
  void Answered(int client, Nanos called, const discovery::v1::UpdateRequest& request, const grpc::Status& status,
                const discovery::v1::UpdateResponse& response);
  void Answered(int client, Nanos called, const discovery::v1::DeregisterRequest& request, const grpc::Status& status,
                const discovery::v1::DeregisterResponse& response);
  void Answered(int client, Nanos called, const discovery::v1::DrainRequest& request, const grpc::Status& status,
                const discovery::v1::DrainResponse& response);
  void Answered(int client, Nanos called, const discovery::v1::GetInstanceRequest& request, const grpc::Status& status,
                const discovery::v1::GetInstanceResponse& response);
  void Answered(int client, Nanos called, const discovery::v1::ListInstancesRequest& request, const grpc::Status& status,
                const discovery::v1::ListInstancesResponse& response);
  void Answered(int client, Nanos called, const discovery::v1::ResolveRequest& request, const grpc::Status& status,
                const discovery::v1::ResolveResponse& response);

  // What has no overload above: overrides, ConfirmLoss, deletes by hand.
  void Add(RegistrationCall call);
  void Add(DiscoveryRead read);
  void Add(SessionStream stream);
  void Add(ObserverStream stream);

  // Calls and reads so far.
  size_t calls() const;

  // Drains among them that were complete.
  size_t complete_drains() const;

  // Waits until there are so many; whether there were within `bound`.
  bool WaitForCalls(size_t count, absl::Duration bound) const;
  bool WaitForCompleteDrains(size_t count, absl::Duration bound) const;

  // All that was kept, of streams those that have ended; what comes then is another history. Call it while no server runs.
  RegistrationHistory Take();

 private:
  template <typename Request, typename Response>
  void AddAnswered(int client, Nanos called, const Request& request, const grpc::Status& status, const Response& response);
  bool HasRoom(size_t facts) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const size_t facts_max_;
  mutable Mutex mu_;
  mutable CondVar changed_;
  size_t facts_ ABSL_GUARDED_BY(mu_) = 0;
  size_t complete_drains_ ABSL_GUARDED_BY(mu_) = 0;
  RegistrationHistory history_ ABSL_GUARDED_BY(mu_);
};

// What one stream of Session sends and gets. Used by one thread at a time; adds itself to the recorder when it has ended, or is destroyed.
class SessionRecording {
 public:
  explicit SessionRecording(RegistrationRecorder* recorder) : recorder_(*recorder) {}  // Outlives this.
  ~SessionRecording() { Ended(); }
  SessionRecording(const SessionRecording&) = delete;
  SessionRecording& operator=(const SessionRecording&) = delete;

  // Right before the message is written.
  void Sending(const discovery::v1::SessionRequest& request);
  void Received(const discovery::v1::SessionResponse& response);
  // The client has ended it (call it before cancelling), or has met its end. Only the first call counts.
  void Ended();

 private:
  RegistrationRecorder& recorder_;
  SessionStream stream_;
  size_t answered_ = 0;  // Beats.
  bool ended_ = false;
};

// Likewise of Subscribe, and of Watch without a filter.
class ObserverRecording {
 public:
  ObserverRecording(RegistrationRecorder* recorder, std::string subscriber_id);
  ObserverRecording(RegistrationRecorder* recorder, std::string watcher, const discovery::v1::WatchRequest& request);
  ~ObserverRecording() { Ended(); }
  ObserverRecording(const ObserverRecording&) = delete;
  ObserverRecording& operator=(const ObserverRecording&) = delete;

  void Sending(const discovery::v1::SubscribeRequest& request);
  void Received(const discovery::v1::SubscribeResponse& response);
  void Received(const discovery::v1::WatchResponse& response);
  void Ended();

 private:
  RegistrationRecorder& recorder_;
  ObserverStream stream_;
  bool ended_ = false;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_RECORDER_H_
