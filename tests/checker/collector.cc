#include "tests/checker/collector.h"

#include <utility>

#include "tests/checker/recorder.h"
#include "tests/checker/wire_conversion.h"
#include "tests/support/client.h"
#include "tests/support/deadline.h"

namespace scoutlight::checker {
namespace {

// So long at most a watch in whose range nothing happens does not say how far it is.
constexpr int kHeartbeatMillis = 200;

}  // namespace

Collector::Collector(WatchChain chain, Revision start_revision, bool include_snapshot)
    : include_snapshot_(include_snapshot), chain_(std::move(chain)), next_(start_revision) {}

Collector::~Collector() { End(); }

void Collector::Connect(const std::string& address) {
  End();
  wire::WatchRequest request;
  {
    const MutexLock lock(&mu_);
    request = WatchRequestOf(chain_.range);
    request.set_include_previous(chain_.include_previous);
    request.set_include_snapshot(include_snapshot_);
    request.set_start_revision(next_);
    request.mutable_heartbeat()->set_nanos(kHeartbeatMillis * 1'000'000);
    WatchStream stream;
    stream.called = MonotonicNow();
    stream.start_revision = next_;
    stream.include_snapshot = include_snapshot_;
    chain_.streams.push_back(std::move(stream));
  }
  context_ = std::make_unique<grpc::ClientContext>();
  thread_ = std::thread([this, address, request] { Run(address, request); });
}

void Collector::Run(const std::string& address, const wire::WatchRequest& request) {
  testing::Client client(address);
  const auto stub = wire::RegistryService::NewStub(client.channel());
  const auto reader = stub->Watch(context_.get(), request);
  for (wire::WatchResponse response; reader->Read(&response);) Add(response);
  Call ended;
  const grpc::Status status = reader->Finish();
  if (!status.ok() && status.error_code() != grpc::StatusCode::CANCELLED) SetFailure(status, &ended);
  const MutexLock lock(&mu_);
  chain_.streams.back().ended = MonotonicNow();
  chain_.streams.back().end = ended.failure;
  changed_.NotifyAll();
}

void Collector::Add(const wire::WatchResponse& response) {
  Frame frame = FrameOf(response);
  frame.received = MonotonicNow();
  const MutexLock lock(&mu_);
  // Inside a snapshot nothing is complete, nor when it is still to come.
  if (frame.kind != Frame::Kind::kSnapshot && frame.revision != 0) {
    sent_ = frame.revision;
    next_ = frame.revision + 1;
  }
  chain_.streams.back().frames.push_back(std::move(frame));
  changed_.NotifyAll();
}

bool Collector::WaitFor(Revision revision, absl::Duration bound) {
  const testing::Deadline deadline(bound);
  const MutexLock lock(&mu_);
  chain_.reached = revision;
  while (sent_ < revision && !deadline.passed()) changed_.WaitFor(&mu_, deadline.left());
  return sent_ >= revision;
}

bool Collector::WaitForOrEnd(Revision revision, absl::Duration bound) {
  const testing::Deadline deadline(bound);
  const MutexLock lock(&mu_);
  while (sent_ < revision && chain_.streams.back().ended == 0 && !deadline.passed()) changed_.WaitFor(&mu_, deadline.left());
  return sent_ >= revision;
}

std::optional<Failure> Collector::end() const {
  const MutexLock lock(&mu_);
  if (chain_.streams.back().ended == 0) return std::nullopt;
  return chain_.streams.back().end;
}

Revision Collector::sent() const {
  const MutexLock lock(&mu_);
  return sent_;
}

WatchChain Collector::Take() {
  End();
  const MutexLock lock(&mu_);
  return std::move(chain_);
}

void Collector::End() {
  if (!thread_.joinable()) return;
  context_->TryCancel();
  thread_.join();
}

}  // namespace scoutlight::checker
