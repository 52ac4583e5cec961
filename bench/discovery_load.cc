#include "bench/discovery_load.h"

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bench/connect.h"
#include "bench/process_cpu.h"
#include "bench/process_memory.h"
#include "bench/steady_now.h"
#include "bench/step_queue.h"
#include "bench/unary_call.h"
#include "bench/watch_streams.h"
#include "grpcpp/grpcpp.h"
#include "scoutlight/discovery/v1/discovery.grpc.pb.h"

namespace scoutlight::bench {
namespace {

namespace wire = discovery::v1;

constexpr absl::Duration kStartTimeout = absl::Seconds(30);
constexpr absl::Duration kRoundTimeout = absl::Seconds(10);
constexpr std::chrono::seconds kCallTimeout(10);
constexpr std::chrono::milliseconds kAskAgain(1);
// A prime: scatters the changes over the service.
constexpr int64_t kStride = 7919;
constexpr int kTurn = 50;  // So many changes with Resolve follow so many without.

// Changes, one after the other, and what the watcher sees of them.
class Rounds {
 public:
  Rounds(const ChangesOptions& options, const std::vector<std::shared_ptr<grpc::Channel>>& channels)
      : options_(options),
        update_(&queue_, channels[0], kUpdateMethod),
        resolve_(&queue_, channels[0], kResolveMethod),
        resolve_bytes_(ResolveBytes(ServiceOf(options.fleet, 0))),
        watches_(&queue_, Api::kRegistry, WatchForm::kInstances, [this](absl::Duration sent) { OnSeen(sent); }) {
    watches_.Open(channels[1], {WatchTarget{ServiceOf(options.fleet, 0)}});
  }
  // Calls have a deadline of their own, sooner than this.
  ~Rounds() {
    queue_.RunUntil([this] { return Idle(); }, absl::Seconds(30)).IgnoreError();
  }

  absl::Status AwaitStarted() {
    return watches_.RunUntil([this] { return watches_.watches_started() == 1; }, kStartTimeout);
  }

  // So long, and the last turn to its end.
  absl::StatusOr<ChangesResult> Run(absl::Duration duration, pid_t server) {
    result_ = ChangesResult();
    const absl::Duration end = SteadyNow() + duration;
    do {
      absl::Status status = RunTurn(Resolve::kNot, server, &result_.alone);
      if (status.ok()) status = RunTurn(Resolve::kAfterEach, server, &result_.with_resolve);
      if (!status.ok()) return status;
    } while (SteadyNow() < end);
    return result_;
  }

 private:
  enum class Resolve { kNot, kAfterEach };

  bool Idle() const { return !update_.under_way() && !resolve_.under_way(); }

  absl::Status RunTurn(Resolve resolves, pid_t server, ChangesResult::Cost* cost) {
    resolves_ = resolves;
    const absl::StatusOr<absl::Duration> before = ProcessCpu(server);
    if (!before.ok()) return before.status();
    for (int i = 0; i < kTurn; ++i) {
      if (const absl::Status status = RunOne(); !status.ok()) return status;
    }
    const absl::StatusOr<absl::Duration> after = ProcessCpu(server);
    if (!after.ok()) return after.status();
    cost->changes += kTurn;
    cost->server_cpu += *after - *before;
    return absl::OkStatus();
  }

  absl::Status RunOne() {
    const int64_t shown_after = watches_.puts_shown() + 1;
    sent_ = SteadyNow();
    update_.Start(StampedUpdateBytes(options_.fleet, static_cast<int>(number_++ * kStride % options_.fleet.instances_per_service), sent_),
                  [this] { OnAnswered(); });
    absl::Status status = watches_.RunUntil([&] { return Idle() && watches_.puts_shown() >= shown_after; }, kRoundTimeout);
    status.Update(update_.failure());
    status.Update(resolve_.failure());
    if (status.ok() && watches_.puts_shown() > shown_after) status = absl::InternalError("the watcher saw a change twice");
    if (status.ok() && seen_ != sent_) status = absl::InternalError("the watcher saw another change than was made");
    return status;
  }

  void OnAnswered() {
    const absl::Duration now = SteadyNow();
    if (resolves_ == Resolve::kNot) {
      result_.answered.Record(now - sent_);
    } else if (update_.failure().ok()) {
      resolve_.Start(resolve_bytes_, [this, now] { result_.resolved.Record(SteadyNow() - now); });
    }
  }
  void OnSeen(absl::Duration sent) {
    seen_ = sent;
    if (resolves_ == Resolve::kNot) result_.seen.Record(SteadyNow() - sent);
  }

  const ChangesOptions& options_;
  StepQueue queue_;
  UnaryCall update_;
  UnaryCall resolve_;
  const grpc::ByteBuffer resolve_bytes_;
  int64_t number_ = 0;
  absl::Duration sent_;  // The last change.
  absl::Duration seen_;  // What the watcher saw last.
  Resolve resolves_ = Resolve::kNot;
  ChangesResult result_;
  WatchStreams watches_;  // Last: its end still shows what comes.
};

// Makes a blocking call until it does not end with UNAVAILABLE, and every failure until the `deadline`.
template <typename Request, typename Response>
absl::Status CallUntilServed(wire::DiscoveryService::Stub* stub, const char* name,
                             grpc::Status (wire::DiscoveryService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                             const Request& request, absl::Duration deadline, Response* response) {
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
    const grpc::Status status = (stub->*method)(&context, request, response);
    if (status.ok()) return absl::OkStatus();
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE) {
      return absl::UnavailableError(absl::StrCat(name, ": ", status.error_message()));
    }
    if (SteadyNow() >= deadline) return absl::DeadlineExceededError(absl::StrCat(name, ": ", status.error_message()));
    std::this_thread::sleep_for(kAskAgain);
  }
}

absl::StatusOr<int64_t> CountInstances(wire::DiscoveryService::Stub* stub, absl::Duration deadline) {
  int64_t instances = 0;
  wire::ListServicesRequest request;
  wire::ListServicesResponse page;
  do {
    const absl::Status status =
        CallUntilServed(stub, "ListServices", &wire::DiscoveryService::Stub::ListServices, request, deadline, &page);
    if (!status.ok()) return status;
    for (const wire::ListServicesResponse::Service& service : page.services()) instances += service.resolvable();
    request.set_page_token(page.next_page_token());
  } while (!page.next_page_token().empty());
  return instances;
}

}  // namespace

absl::StatusOr<ChangesResult> MeasureChanges(const MeasuredServer& server, const ChangesOptions& options) {
  absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> channels = Connect(server.address, 2);
  if (!channels.ok()) return channels.status();
  Rounds rounds(options, *channels);
  absl::Status status = rounds.AwaitStarted();
  if (status.ok()) status = rounds.Run(options.warm_up, server.pid).status();
  if (!status.ok()) return status;
  return rounds.Run(options.duration, server.pid);
}

absl::StatusOr<AwaitResult> AwaitInstances(const MeasuredServer& server, const AwaitOptions& options) {
  absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> channels = Connect(server.address, 1);
  if (!channels.ok()) return channels.status();
  const std::unique_ptr<wire::DiscoveryService::Stub> stub = wire::DiscoveryService::NewStub(channels->front());
  const absl::Duration deadline = SteadyNow() + options.timeout;
  AwaitResult result;
  if (!options.service.empty()) {
    wire::ResolveRequest request;
    wire::ResolveResponse response;
    request.set_service(options.service);
    const absl::Status status =
        CallUntilServed(stub.get(), "Resolve", &wire::DiscoveryService::Stub::Resolve, request, deadline, &response);
    if (!status.ok()) return status;
  }
  result.resolved_at = SteadyNow();
  absl::StatusOr<int64_t> resident = ResidentBytes(server.pid);
  if (!resident.ok()) return resident.status();
  result.resident_bytes = *resident;
  const absl::StatusOr<int64_t> instances = CountInstances(stub.get(), deadline);
  if (!instances.ok()) return instances.status();
  if (*instances != options.instances) {
    return absl::InternalError(absl::StrCat(*instances, " instances can be resolved, not ", options.instances));
  }
  return result;
}

}  // namespace scoutlight::bench
