#include "tests/checker/registration_recorder.h"

#include <algorithm>
#include <utility>

#include "tests/checker/registration_conversion.h"
#include "tests/checker/store_log.h"
#include "tests/support/deadline.h"

namespace scoutlight::checker {
namespace {

// What a stream counts for.
size_t FactsOf(const SessionStream& stream) {
  size_t facts = 1 + stream.beats.size() + stream.told.size();
  for (const SessionStream::Declaration& declaration : stream.declarations) facts += 1 + declaration.set.size() + declaration.remove.size();
  return facts;
}

size_t FactsOf(const ObserverStream& stream) {
  size_t facts = 1 + stream.sent.size();
  for (const InstanceFrame& frame : stream.frames) facts += 1 + frame.changed.size() + frame.removed.size();
  return facts;
}

}  // namespace

bool RegistrationRecorder::HasRoom(size_t facts) {
  facts_ += facts;
  history_.overflowed = history_.overflowed || facts_ > facts_max_;
  changed_.NotifyAll();
  return !history_.overflowed;
}

void RegistrationRecorder::Spawned() {
  const MutexLock lock(&mu_);
  history_.lives.push_back({.spawned = MonotonicNow()});
}

void RegistrationRecorder::Serving() {
  const MutexLock lock(&mu_);
  history_.lives.back().serving = MonotonicNow();
}

void RegistrationRecorder::Stopping() {
  const MutexLock lock(&mu_);
  history_.lives.back().stopping = MonotonicNow();
}

void RegistrationRecorder::Ended() {
  const MutexLock lock(&mu_);
  history_.lives.back().ended = MonotonicNow();
}

void RegistrationRecorder::Pausing() {
  const MutexLock lock(&mu_);
  history_.lives.back().pauses.push_back({.stopped = MonotonicNow()});
}

void RegistrationRecorder::Paused() {
  const MutexLock lock(&mu_);
  history_.lives.back().pauses.back().halted = MonotonicNow();
}

void RegistrationRecorder::Resuming() {
  const MutexLock lock(&mu_);
  history_.lives.back().pauses.back().resumed = MonotonicNow();
}

void RegistrationRecorder::Resumed() {
  const MutexLock lock(&mu_);
  history_.lives.back().pauses.back().running = MonotonicNow();
}

void RegistrationRecorder::AddLogOfFolder(const StoreId& store, const std::string& data_dir) {
  History read;
  AppendLogOfFolder(data_dir, &read);
  const MutexLock lock(&mu_);
  history_.stores.push_back({.store = store, .log = std::move(read.log)});
}

void RegistrationRecorder::Add(RegistrationCall call) {
  const MutexLock lock(&mu_);
  if (!HasRoom(1)) return;
  if (call.complete) ++complete_drains_;
  history_.calls.push_back(std::move(call));
  changed_.NotifyAll();
}

void RegistrationRecorder::Add(DiscoveryRead read) {
  const MutexLock lock(&mu_);
  if (HasRoom(1 + read.shown.size())) history_.reads.push_back(std::move(read));
}

void RegistrationRecorder::Add(SessionStream stream) {
  const MutexLock lock(&mu_);
  if (HasRoom(FactsOf(stream))) history_.sessions.push_back(std::move(stream));
}

void RegistrationRecorder::Add(ObserverStream stream) {
  const MutexLock lock(&mu_);
  if (HasRoom(FactsOf(stream))) history_.observers.push_back(std::move(stream));
}

template <typename Request, typename Response>
void RegistrationRecorder::AddAnswered(int client, Nanos called, const Request& request, const grpc::Status& status,
                                       const Response& response) {
  auto fact = FactOf(request, status, response);
  fact.client = client;
  fact.called = called;
  fact.returned = MonotonicNow();
  Add(std::move(fact));
}

void RegistrationRecorder::Answered(int client, Nanos called, const discovery::v1::RegisterRequest& request, const grpc::Status& status,
                                    const discovery::v1::RegisterResponse& response) {
  AddAnswered(client, called, request, status, response);
}

void RegistrationRecorder::Answered(int client, Nanos called, const discovery::v1::UpdateRequest& request, const grpc::Status& status,
                                    const discovery::v1::UpdateResponse& response) {
  AddAnswered(client, called, request, status, response);
}

void RegistrationRecorder::Answered(int client, Nanos called, const discovery::v1::DeregisterRequest& request, const grpc::Status& status,
                                    const discovery::v1::DeregisterResponse& response) {
  AddAnswered(client, called, request, status, response);
}

void RegistrationRecorder::Answered(int client, Nanos called, const discovery::v1::DrainRequest& request, const grpc::Status& status,
                                    const discovery::v1::DrainResponse& response) {
  AddAnswered(client, called, request, status, response);
}

void RegistrationRecorder::Answered(int client, Nanos called, const discovery::v1::GetInstanceRequest& request, const grpc::Status& status,
                                    const discovery::v1::GetInstanceResponse& response) {
  AddAnswered(client, called, request, status, response);
}

void RegistrationRecorder::Answered(int client, Nanos called, const discovery::v1::ListInstancesRequest& request,
                                    const grpc::Status& status, const discovery::v1::ListInstancesResponse& response) {
  AddAnswered(client, called, request, status, response);
}

void RegistrationRecorder::Answered(int client, Nanos called, const discovery::v1::ResolveRequest& request, const grpc::Status& status,
                                    const discovery::v1::ResolveResponse& response) {
  AddAnswered(client, called, request, status, response);
}

size_t RegistrationRecorder::calls() const {
  const MutexLock lock(&mu_);
  return history_.calls.size() + history_.reads.size();
}

bool RegistrationRecorder::WaitForCalls(size_t count, absl::Duration bound) const {
  const testing::Deadline deadline(bound);
  const MutexLock lock(&mu_);
  while (history_.calls.size() + history_.reads.size() < count && !deadline.passed()) changed_.WaitFor(&mu_, deadline.left());
  return history_.calls.size() + history_.reads.size() >= count;
}

size_t RegistrationRecorder::complete_drains() const {
  const MutexLock lock(&mu_);
  return complete_drains_;
}

bool RegistrationRecorder::WaitForCompleteDrains(size_t count, absl::Duration bound) const {
  const testing::Deadline deadline(bound);
  const MutexLock lock(&mu_);
  while (complete_drains_ < count && !deadline.passed()) changed_.WaitFor(&mu_, deadline.left());
  return complete_drains_ >= count;
}

RegistrationHistory RegistrationRecorder::Take() {
  const MutexLock lock(&mu_);
  complete_drains_ = 0;
  std::stable_sort(history_.observers.begin(), history_.observers.end(),
                   [](const ObserverStream& a, const ObserverStream& b) { return a.called < b.called; });
  facts_ = 0;
  return std::exchange(history_, RegistrationHistory());
}

void SessionRecording::Sending(const discovery::v1::SessionRequest& request) {
  const Nanos now = MonotonicNow();
  if (request.has_open()) {
    stream_.session = request.open().session_id();
    stream_.ttl = testing::DurationOf(request.open().ttl());
    stream_.called = now;
  } else if (request.has_declare()) {
    SessionStream::Declaration declaration{.sent = now, .replace = request.declare().replace(), .take_over = request.declare().take_over()};
    for (const auto& one : request.declare().set()) declaration.set.push_back(NameOf(one));
    for (const auto& one : request.declare().remove()) declaration.remove.push_back(NameOf(one));
    stream_.declarations.push_back(std::move(declaration));
  } else if (request.has_heartbeat()) {
    stream_.beats.push_back({.sent = now});
  } else if (request.has_leave()) {
    stream_.left = now;
  }
}

void SessionRecording::Received(const discovery::v1::SessionResponse& response) {
  const Nanos now = MonotonicNow();
  if (response.has_opened()) {
    stream_.opened = now;
    stream_.store = response.store_id();
    stream_.lease_id = response.opened().lease_id();
    stream_.resumed = response.opened().resumed();
  } else if (response.has_alive() && answered_ < stream_.beats.size()) {
    SessionStream::Beat& beat = stream_.beats[answered_++];
    beat.answered = now;
    beat.lease_id = response.alive().lease_id();
  } else {
    for (const auto& state : response.instances().states()) {
      stream_.told.push_back(
          {now, NameOf(state.name()), static_cast<SessionStream::State>(state.state()), state.epoch(), response.revision()});
    }
  }
}

void SessionRecording::Ended() {
  if (std::exchange(ended_, true) || stream_.called == 0) return;
  stream_.ended = MonotonicNow();
  recorder_.Add(std::move(stream_));
}

ObserverRecording::ObserverRecording(RegistrationRecorder* recorder, std::string subscriber_id) : recorder_(*recorder) {
  stream_.observer = std::move(subscriber_id);
  stream_.subscriber = true;
  stream_.called = MonotonicNow();
}

ObserverRecording::ObserverRecording(RegistrationRecorder* recorder, std::string watcher, const discovery::v1::WatchRequest& request)
    : recorder_(*recorder) {
  stream_.observer = std::move(watcher);
  stream_.called = MonotonicNow();
  stream_.sent.push_back({.sent = stream_.called, .add = {ServiceOf(request)}});
}

void ObserverRecording::Sending(const discovery::v1::SubscribeRequest& request) {
  const Nanos now = MonotonicNow();
  ObserverStream::Sent sent{.sent = now, .confirmed = request.confirmed()};
  for (const auto& one : request.remove()) sent.remove.push_back(ServiceOf(one));
  for (const auto& one : request.add()) sent.add.push_back(ServiceOf(one));
  stream_.sent.push_back(std::move(sent));
  if (request.goodbye()) stream_.goodbye = now;
}

void ObserverRecording::Received(const discovery::v1::SubscribeResponse& response) {
  InstanceFrame frame;
  if (response.has_frame()) frame = FrameOf(response.frame());
  if (response.has_service()) frame.service = ServiceOf(response.service());
  frame.received = MonotonicNow();
  stream_.frames.push_back(std::move(frame));
}

void ObserverRecording::Received(const discovery::v1::WatchResponse& response) {
  InstanceFrame frame = FrameOf(response);
  frame.service = stream_.sent.front().add.front();
  frame.received = MonotonicNow();
  stream_.frames.push_back(std::move(frame));
}

void ObserverRecording::Ended() {
  if (std::exchange(ended_, true)) return;
  stream_.ended = MonotonicNow();
  recorder_.Add(std::move(stream_));
}

}  // namespace scoutlight::checker
