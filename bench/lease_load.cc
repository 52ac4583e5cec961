#include "bench/lease_load.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "bench/calls_in_flight.h"
#include "bench/connect.h"
#include "bench/process_cpu.h"
#include "bench/renewals.h"
#include "bench/steady_now.h"
#include "bench/step_queue.h"
#include "bench/unary_call.h"
#include "bench/watch_wire.h"

namespace scoutlight::bench {
namespace {

constexpr int kConnections = 4;
constexpr int kCallsInFlight = 128;  // While leases are made.
constexpr int kStep = 5'000;         // So many are made before it is looked whether others want to be renewed.
constexpr absl::Duration kStepTimeout = absl::Seconds(60);
constexpr int kTicksPerSecond = 10;
constexpr int kPutsUnansweredMax = 1'024;
constexpr int kWritersKeys = 1'000;

std::string LeasedKey(int64_t lease_id) { return absl::StrFormat("/bench/leases/%07d", lease_id); }

// Grants the leases 1 to `leases`, keeps them alive until the last is there, and gives each a key of `value_bytes` if there are any.
absl::Status MakeLeases(const MeasuredServer& server, int leases, absl::Duration ttl, std::optional<size_t> value_bytes, StepQueue* queue,
                        const Channels& channels, Renewals* renewals) {
  const Calls grants = NewCalls(queue, channels, GrantMethod(server.api), kCallsInFlight);
  const Calls puts = NewCalls(queue, channels, PutMethod(server.api), kCallsInFlight);
  absl::Duration renewed = SteadyNow();
  for (int64_t made = 0; made < leases;) {
    const int64_t end = std::min<int64_t>(made + kStep, leases);
    absl::Status status = CallForEach(queue, grants, made + 1, end + 1, [&](int64_t id) { return GrantRequestBytes(server.api, id, ttl); });
    if (status.ok() && value_bytes.has_value()) {
      status = CallForEach(queue, puts, made + 1, end + 1,
                           [&](int64_t id) { return PutOnLeaseBytes(server.api, LeasedKey(id), *value_bytes, id); });
    }
    if (!status.ok()) return status;
    made = end;
    if (SteadyNow() - renewed < ttl / 5 && made < leases) continue;
    renewed = SteadyNow();
    renewals->Send(1, static_cast<int>(made), LeasesPerMessageMax(server.api));
    if (absl::Status late = renewals->RunUntilRenewed(kStepTimeout); !late.ok()) return late;
  }
  return absl::OkStatus();
}

// Runs steps until it is `time`.
void RunQueueUntil(StepQueue* queue, absl::Duration time) {
  for (absl::Duration now = SteadyNow(); now < time; now = SteadyNow()) queue->RunNext(time - now);
}

// Sends puts at an even pace and takes their times.
class Writers {
 public:
  Writers(const MeasuredServer& server, const EndingsOptions& options, StepQueue* queue, const Channels& channels)
      : api_(server.api), options_(options), queue_(*queue), calls_(NewCalls(queue, channels, PutMethod(api_), kPutsUnansweredMax)) {}
  // Lets what is under way end.
  ~Writers() { AwaitIdle(&queue_, calls_).IgnoreError(); }

  // For so long; the times of those sent meanwhile go to `latency` if there is one.
  absl::Status Write(absl::Duration duration, Histogram* latency) {
    const absl::Duration start = SteadyNow();
    const absl::Duration interval = absl::Seconds(1) / options_.puts_per_second;
    for (int64_t i = 0; i * interval < duration; ++i) {
      RunQueueUntil(&queue_, start + i * interval);
      if (absl::Status status = SendOne(latency); !status.ok()) return status;
    }
    return AwaitIdle(&queue_, calls_);
  }

  int64_t puts() const { return number_; }
  // The highest that a put was given.
  int64_t revision() const { return revision_; }

 private:
  absl::Status SendOne(Histogram* latency) {
    UnaryCall* const call = calls_[static_cast<size_t>(number_) % calls_.size()].get();
    if (call->under_way()) return absl::ResourceExhaustedError("the server does not keep pace: 1024 puts are not answered");
    if (!call->failure().ok()) return call->failure();
    if (!failure_.ok()) return failure_;
    const std::string key = absl::StrFormat("/bench/writers/%06d", number_++ % kWritersKeys);
    call->Start(PutOnLeaseBytes(api_, key, options_.value_bytes, 0), [this, call, latency, sent = SteadyNow()] {
      if (!call->failure().ok()) return;
      if (latency != nullptr) latency->Record(SteadyNow() - sent);
      const absl::StatusOr<int64_t> revision = ParsePutRevision(api_, call->response());
      failure_.Update(revision.status());
      revision_ = std::max(revision_, revision.value_or(0));
    });
    return absl::OkStatus();
  }

  const Api api_;
  const EndingsOptions options_;
  StepQueue& queue_;
  const Calls calls_;  // Used in turn.
  int64_t number_ = 0;
  int64_t revision_ = 0;
  absl::Status failure_;
};

}  // namespace

absl::StatusOr<KeepAliveResult> MeasureKeepAlives(const MeasuredServer& server, const KeepAliveOptions& options) {
  absl::StatusOr<Channels> channels = Connect(server.address, kConnections);
  if (!channels.ok()) return channels.status();
  StepQueue queue;
  Renewals renewals(&queue, server.api, options.form, *channels);
  absl::Status status = MakeLeases(server, options.leases, options.ttl, std::nullopt, &queue, *channels, &renewals);
  if (!status.ok()) return status;

  KeepAliveResult result;
  const auto ticks_of = [](absl::Duration time) { return static_cast<int64_t>(absl::ToDoubleSeconds(time) * kTicksPerSecond); };
  const int64_t ticks = ticks_of(options.warm_up + options.duration), first_measured = ticks_of(options.warm_up);
  const int64_t ticks_of_period = ticks_of(options.period);
  const absl::Duration start = SteadyNow();
  absl::Duration measured_from;
  int64_t renewed_before = 0;
  absl::StatusOr<absl::Duration> cpu_before;
  for (int64_t tick = 0; tick < ticks; ++tick) {
    RunQueueUntil(&queue, start + absl::Seconds(tick) / kTicksPerSecond);
    if (tick == first_measured) {
      cpu_before = ProcessCpu(server.pid);
      measured_from = SteadyNow();
      renewed_before = renewals.renewed();
    }
    // In turn, and each once a period.
    const int64_t in_period = tick % ticks_of_period;
    const int64_t first = options.leases * in_period / ticks_of_period, last = options.leases * (in_period + 1) / ticks_of_period;
    const absl::Duration sent = SteadyNow();
    renewals.Send(1 + first, static_cast<int>(last - first), options.leases_per_message);
    status = renewals.RunUntilRenewed(kStepTimeout);
    if (!status.ok()) return status;
    if (tick >= first_measured) result.latency.Record(SteadyNow() - sent);
  }
  RunQueueUntil(&queue, start + absl::Seconds(ticks) / kTicksPerSecond);
  result.measured = SteadyNow() - measured_from;
  result.renewals = renewals.renewed() - renewed_before;
  absl::StatusOr<absl::Duration> cpu_after = ProcessCpu(server.pid);
  if (!cpu_before.ok()) return cpu_before.status();
  if (!cpu_after.ok()) return cpu_after.status();
  result.server_cpu = *cpu_after - *cpu_before;
  return result;
}

absl::StatusOr<EndingsResult> MeasureEndings(const MeasuredServer& server, const EndingsOptions& options) {
  absl::StatusOr<Channels> channels = Connect(server.address, kConnections);
  if (!channels.ok()) return channels.status();
  StepQueue queue;
  absl::Duration last_renewed;
  {
    Renewals renewals(&queue, server.api, RenewForm::kStream, *channels);
    absl::Status status = MakeLeases(server, options.leases, options.ttl, options.value_bytes, &queue, *channels, &renewals);
    if (!status.ok()) return status;
    renewals.Send(1, options.leases, LeasesPerMessageMax(server.api));
    status = renewals.RunUntilRenewed(kStepTimeout);
    if (!status.ok()) return status;
    last_renewed = SteadyNow();
  }

  EndingsResult result;
  Writers writers(server, options, &queue, *channels);
  absl::Status status = writers.Write(options.idle, &result.idle);
  // Until the last one's time is over, and all that ended are waiting for their turn.
  const absl::Duration all_due = last_renewed + options.ttl + absl::Seconds(1);
  if (status.ok() && SteadyNow() < all_due) status = writers.Write(all_due - SteadyNow(), nullptr);
  if (!status.ok()) return status;
  const int64_t revision_before = writers.revision(), puts_before = writers.puts();
  const absl::Duration busy_from = SteadyNow();
  status = writers.Write(options.busy, &result.busy);
  if (!status.ok()) return status;
  const int64_t ends = writers.revision() - revision_before - (writers.puts() - puts_before);
  if (ends <= 0) return absl::InternalError("no lease ended while it was measured");
  result.ends_per_second = static_cast<double>(ends) / absl::ToDoubleSeconds(SteadyNow() - busy_from);
  return result;
}

}  // namespace scoutlight::bench
