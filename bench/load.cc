#include "bench/load.h"

#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "bench/connect.h"
#include "bench/process_cpu.h"
#include "bench/steady_now.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"

namespace scoutlight::bench {
namespace {

constexpr absl::Duration kDrainTimeout = absl::Seconds(10);
constexpr int64_t kFailedCallsMax = 100;
// A prime: ticket * kStride modulo the number of keys visits every key once before it visits one again.
constexpr uint64_t kStride = 7919;

absl::Duration OwnCpu() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
}

// What all callers of a run share. Thread-safe.
class Run {
 public:
  explicit Run(std::optional<int64_t> calls) : calls_(calls), measuring_(calls.has_value()) {}

  // The number of the next call to make, or nothing when the run is over.
  std::optional<uint64_t> NextTicket() {
    if (stopped_.load(std::memory_order_relaxed)) return std::nullopt;
    const uint64_t ticket = tickets_.fetch_add(1, std::memory_order_relaxed);
    if (calls_ && ticket >= static_cast<uint64_t>(*calls_)) return std::nullopt;
    return ticket;
  }

  void Stop() { stopped_.store(true, std::memory_order_relaxed); }
  // A statistic: a call more or less at the edges of the measured time does not matter, so nothing is ordered by it.
  void Measure(bool measuring) { measuring_.store(measuring, std::memory_order_relaxed); }
  bool measuring() const { return measuring_.load(std::memory_order_relaxed); }

  void CallerStarts() {
    MutexLock lock(&mu_);
    ++callers_;
  }
  void CallerEnds() {
    MutexLock lock(&mu_);
    if (--callers_ == 0) idle_.NotifyAll();
  }
  // Whether all callers ended within `timeout`.
  bool AwaitIdle(absl::Duration timeout) {
    const absl::Duration deadline = SteadyNow() + timeout;
    MutexLock lock(&mu_);
    while (callers_ > 0) {
      const absl::Duration left = deadline - SteadyNow();
      if (left <= absl::ZeroDuration()) return false;
      idle_.WaitFor(&mu_, left);
    }
    return true;
  }

  void Fail(const std::string& reason) {
    MutexLock lock(&mu_);
    if (failed_calls_++ == 0) first_failure_ = reason;
    if (failed_calls_ >= kFailedCallsMax) Stop();
  }
  void ReportFailures(LoadResult* result) {
    MutexLock lock(&mu_);
    result->failed_calls = failed_calls_;
    result->first_failure = first_failure_;
  }

 private:
  const std::optional<int64_t> calls_;
  std::atomic<uint64_t> tickets_{0};
  std::atomic<bool> stopped_{false};
  std::atomic<bool> measuring_;

  Mutex mu_;
  CondVar idle_;
  int callers_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t failed_calls_ ABSL_GUARDED_BY(mu_) = 0;
  std::string first_failure_ ABSL_GUARDED_BY(mu_);
};

// Keeps one call in flight: makes the next one when the last one has ended. Used by the one thread that serves its completion queue, and
// by the starting thread before that one starts.
class Caller {
 public:
  Caller(Run* run, const Requests* requests, std::shared_ptr<grpc::Channel> channel, grpc::CompletionQueue* queue)
      : run_(*run), requests_(*requests), stub_(std::move(channel)), queue_(*queue) {
    run_.CallerStarts();
  }

  // Makes the next call, or ends when the run is over.
  void CallNext() {
    const std::optional<uint64_t> ticket = run_.NextTicket();
    if (!ticket) return run_.CallerEnds();
    const grpc::ByteBuffer& request = requests_.keys[*ticket * kStride % requests_.keys.size()];
    context_.emplace();
    started_ = SteadyNow();
    call_ = stub_.PrepareUnaryCall(&*context_, requests_.method, request, &queue_);
    call_->StartCall();
    call_->Finish(&response_, &status_, this);
  }

  void OnEnd() {
    const absl::Duration latency = SteadyNow() - started_;
    if (!status_.ok()) {
      run_.Fail(absl::StrCat(requests_.method, ": ", status_.error_message(), " (code ", status_.error_code(), ")"));
    } else if (response_.Length() < requests_.response_bytes_min) {
      run_.Fail(absl::StrCat(requests_.method, ": an answer of ", response_.Length(), " bytes cannot hold the value"));
    } else if (run_.measuring()) {
      latency_.Record(latency);
    }
    CallNext();
  }

  const Histogram& latency() const { return latency_; }

 private:
  Run& run_;
  const Requests& requests_;
  grpc::GenericStub stub_;
  grpc::CompletionQueue& queue_;

  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> call_;
  absl::Duration started_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
  Histogram latency_;
};

// Lets the callers work for the time or the calls asked for. On return the run is stopped, though calls may still be in flight.
absl::Status Measure(const LoadOptions& options, Run* run, LoadResult* result) {
  if (!options.calls) {
    if (run->AwaitIdle(options.warm_up)) return absl::OkStatus();
    run->Measure(true);
  }
  absl::Duration server_cpu;
  if (options.server_pid) {
    absl::StatusOr<absl::Duration> cpu = ProcessCpu(*options.server_pid);
    if (!cpu.ok()) return cpu.status();
    server_cpu = *cpu;
  }
  const absl::Duration client_cpu = OwnCpu();
  const absl::Duration started = SteadyNow();
  run->AwaitIdle(options.duration);
  run->Measure(false);
  result->measured = SteadyNow() - started;
  result->client_cpu = OwnCpu() - client_cpu;
  if (options.server_pid) {
    absl::StatusOr<absl::Duration> cpu = ProcessCpu(*options.server_pid);
    if (!cpu.ok()) return cpu.status();
    result->server_cpu = *cpu - server_cpu;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LoadResult> RunLoad(const LoadOptions& options) {
  absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> channels = Connect(options.server, options.channels);
  if (!channels.ok()) return channels.status();

  Run run(options.calls);
  std::vector<Requests> requests;
  for (const Part& part : options.parts) requests.push_back(MakeRequests(options.api, part.operation, options.data));
  std::vector<grpc::CompletionQueue> queues(static_cast<size_t>(options.threads));
  // callers[p] are those of part p.
  std::vector<std::vector<std::unique_ptr<Caller>>> callers(options.parts.size());
  size_t turn = 0;
  for (size_t p = 0; p < options.parts.size(); ++p) {
    for (int i = 0; i < options.parts[p].in_flight; ++i, ++turn) {
      callers[p].push_back(
          std::make_unique<Caller>(&run, &requests[p], (*channels)[turn % channels->size()], &queues[turn % queues.size()]));
    }
  }
  for (const auto& part : callers) {
    for (const auto& caller : part) caller->CallNext();
  }
  std::vector<std::thread> threads;
  for (grpc::CompletionQueue& queue : queues) {
    threads.emplace_back([&queue] {
      void* tag = nullptr;
      bool ok = false;
      while (queue.Next(&tag, &ok)) static_cast<Caller*>(tag)->OnEnd();
    });
  }

  LoadResult result;
  const absl::Status measured = Measure(options, &run, &result);
  run.Stop();
  if (!run.AwaitIdle(kDrainTimeout)) {
    // With calls in flight the queues never end, so neither would the threads.
    std::fputs("calls are still in flight 10 s after the end\n", stderr);
    std::_Exit(EXIT_FAILURE);
  }
  for (grpc::CompletionQueue& queue : queues) queue.Shutdown();
  for (std::thread& thread : threads) thread.join();
  if (!measured.ok()) return measured;

  for (size_t p = 0; p < options.parts.size(); ++p) {
    PartResult& part = result.parts.emplace_back(PartResult{options.parts[p].operation, options.parts[p].in_flight, {}});
    for (const auto& caller : callers[p]) part.latency.Merge(caller->latency());
  }
  run.ReportFailures(&result);
  return result;
}

}  // namespace scoutlight::bench
