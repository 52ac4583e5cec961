#include "bench/watch_load.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/connect.h"
#include "bench/process_cpu.h"
#include "bench/process_memory.h"
#include "bench/steady_now.h"
#include "bench/step_queue.h"
#include "bench/unary_call.h"
#include "bench/watch_streams.h"

namespace scoutlight::bench {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(30);
constexpr absl::Duration kRoundTimeout = absl::Seconds(10);
constexpr absl::Duration kLastEventTimeout = absl::Seconds(10);
constexpr int kPutsUnansweredMax = 2'048;
constexpr int kPutConnections = 8;
constexpr int kDeliveryKeys = 1'000;
// A prime: scatters puts over a data set.
constexpr int64_t kStride = 7919;

using Channels = std::vector<std::shared_ptr<grpc::Channel>>;

// Sends stamped puts at an even pace from a thread of its own.
class Pacer {
 public:
  Pacer(const MeasuredServer& server, const DeliveryOptions& options, const Channels& channels) : api_(server.api), options_(options) {
    for (size_t i = 0; i < kPutsUnansweredMax; ++i) {
      calls_.push_back(std::make_unique<UnaryCall>(&queue_, channels[i % channels.size()], PutMethod(api_)));
    }
  }

  // Blocks until all are sent and answered. kResourceExhausted: too many are unanswered; kUnavailable: one failed. The puts still under way
  // have ended then too.
  absl::Status Send(int64_t puts) {
    const absl::Duration start = SteadyNow();
    const absl::Duration interval = absl::Seconds(1) / options_.puts_per_second;
    absl::Status status;
    for (int64_t i = 0; i < puts && status.ok(); ++i) {
      const absl::Duration due = start + i * interval;
      std::this_thread::sleep_until(std::chrono::steady_clock::time_point(absl::ToChronoNanoseconds(due)));
      TakeAnswers();
      late_max_ = std::max(late_max_, SteadyNow() - due);
      status = SendOne(i);
    }
    const auto idle = [this] { return std::none_of(calls_.begin(), calls_.end(), [](const auto& call) { return call->under_way(); }); };
    // Every call has a deadline of its own, sooner than this.
    status.Update(queue_.RunUntil(idle, absl::Seconds(30)));
    for (const auto& call : calls_) status.Update(call->failure());
    return status;
  }

  absl::Duration late_max() const { return late_max_; }

 private:
  // Those that have come, and no more than a turn's worth: the pace goes first.
  void TakeAnswers() {
    for (int i = 0; i < kPutsUnansweredMax && queue_.RunNext(absl::ZeroDuration()); ++i) {
    }
  }

  absl::Status SendOne(int64_t number) {
    UnaryCall& call = *calls_[static_cast<size_t>(number) % calls_.size()];
    if (call.under_way()) return absl::ResourceExhaustedError("the server does not keep pace: 2048 puts are not answered");
    if (!call.failure().ok()) return call.failure();
    const std::string key = absl::StrFormat("/bench/delivery/%06d", number % kDeliveryKeys);
    call.Start(StampedPutBytes(api_, key, options_.value_bytes, SteadyNow()));
    return absl::OkStatus();
  }

  const Api api_;
  const DeliveryOptions options_;
  StepQueue queue_;
  std::vector<std::unique_ptr<UnaryCall>> calls_;  // Used in turn.
  absl::Duration late_max_;
};

absl::Status AwaitStarted(WatchStreams* watches, int64_t count) {
  return watches->RunUntil([watches, count] { return watches->watches_started() == count; }, kStartTimeout);
}

}  // namespace

absl::StatusOr<FanOutResult> MeasureFanOut(const MeasuredServer& server, const FanOutOptions& options) {
  absl::StatusOr<Channels> channels = Connect(server.address, options.connections + 1);
  if (!channels.ok()) return channels.status();
  const WatchTarget target = options.keys == 0 ? WatchTarget{"/bench/fan-out"} : WatchTarget{kKeysParent, WatchTarget::Extent::kSubtree};
  StepQueue queue;
  UnaryCall put(&queue, channels->back(), PutMethod(server.api));
  absl::Duration last_event_at;
  WatchStreams watches(&queue, server.api, WatchForm::kStreamEach, [&last_event_at](absl::Duration) { last_event_at = SteadyNow(); });
  for (int i = 0; i < options.watchers; ++i) {
    watches.Open((*channels)[static_cast<size_t>(i % options.connections)], {target});
  }
  absl::Status status = AwaitStarted(&watches, options.watchers);

  FanOutResult result;
  absl::StatusOr<absl::Duration> cpu_before = ProcessCpu(server.pid);
  for (int round = 0; round < options.warm_up_rounds + options.rounds && status.ok(); ++round) {
    if (round == options.warm_up_rounds) cpu_before = ProcessCpu(server.pid);
    const int64_t shown_after = watches.puts_shown() + options.watchers;
    const absl::Duration sent = SteadyNow();
    const std::string key = options.keys == 0 ? target.key : KeyOf(static_cast<int>(round * kStride % options.keys));
    put.Start(StampedPutBytes(server.api, key, options.value_bytes, sent));
    // The put has a deadline of its own, so this ends with no call under way.
    status = watches.RunUntil([&] { return watches.puts_shown() >= shown_after && !put.under_way(); }, kRoundTimeout);
    status.Update(queue.RunUntil([&] { return !put.under_way(); }, absl::Seconds(30)));
    status.Update(put.failure());
    if (status.ok() && watches.puts_shown() > shown_after) status = absl::InternalError("a watcher saw a put twice");
    if (round >= options.warm_up_rounds) result.last_event.Record(last_event_at - sent);
  }
  if (!status.ok()) return status;
  absl::StatusOr<absl::Duration> cpu_after = ProcessCpu(server.pid);
  if (!cpu_before.ok()) return cpu_before.status();
  if (!cpu_after.ok()) return cpu_after.status();
  result.events = static_cast<int64_t>(options.watchers) * options.rounds;
  result.server_cpu = *cpu_after - *cpu_before;
  return result;
}

absl::StatusOr<DeliveryResult> MeasureDelivery(const MeasuredServer& server, const DeliveryOptions& options) {
  absl::StatusOr<Channels> channels = Connect(server.address, kPutConnections + 1);
  if (!channels.ok()) return channels.status();
  const std::shared_ptr<grpc::Channel> watched = channels->back();
  channels->pop_back();

  DeliveryResult result;
  StepQueue queue;
  absl::Duration measured_from = absl::InfiniteDuration();
  WatchStreams watches(&queue, server.api, WatchForm::kStreamEach, [&](absl::Duration sent) {
    if (sent >= measured_from) result.latency.Record(SteadyNow() - sent);
  });
  watches.Open(watched, {WatchTarget{"/bench/delivery", WatchTarget::Extent::kSubtree}});
  if (const absl::Status status = AwaitStarted(&watches, 1); !status.ok()) return status;

  const auto puts = static_cast<int64_t>(absl::ToDoubleSeconds(options.warm_up + options.duration) * options.puts_per_second);
  measured_from = SteadyNow() + options.warm_up;
  Pacer pacer(server, options, *channels);
  absl::Status sent_all;
  std::thread sender([&] { sent_all = pacer.Send(puts); });
  const absl::Status seen_all =
      watches.RunUntil([&] { return watches.puts_shown() >= puts; }, options.warm_up + options.duration + kLastEventTimeout);
  sender.join();
  if (!sent_all.ok()) return sent_all;
  if (!seen_all.ok()) return seen_all;
  if (watches.puts_shown() > puts) return absl::InternalError("the watcher saw a put twice");
  result.late_max = pacer.late_max();
  return result;
}

absl::StatusOr<IdleResult> MeasureIdle(const MeasuredServer& server, const IdleOptions& options) {
  const bool multiplexed = options.form == WatchForm::kMultiplexed;
  absl::StatusOr<Channels> channels = Connect(server.address, multiplexed ? 1 : options.connections);
  if (!channels.ok()) return channels.status();
  absl::StatusOr<int64_t> before = ResidentBytes(server.pid);
  if (!before.ok()) return before.status();

  StepQueue queue;
  WatchStreams watches(&queue, server.api, options.form, [](absl::Duration) {});
  std::vector<WatchTarget> targets;
  for (int i = 0; i < options.watches; ++i) {
    targets.push_back({absl::StrFormat("/bench/idle/%06d", i)});
    if (multiplexed) continue;
    watches.Open((*channels)[static_cast<size_t>(i) % channels->size()], std::exchange(targets, {}));
  }
  if (multiplexed) watches.Open(channels->front(), std::move(targets));
  if (const absl::Status status = AwaitStarted(&watches, options.watches); !status.ok()) return status;

  // The server may still be working off what the starts left; a watch that ends meanwhile is a failure.
  const absl::Duration settled = SteadyNow() + options.settle;
  while (SteadyNow() < settled) queue.RunNext(settled - SteadyNow());
  if (const absl::Status status = watches.RunUntil([] { return true; }, absl::Seconds(1)); !status.ok()) return status;
  absl::StatusOr<int64_t> after = ResidentBytes(server.pid);
  if (!after.ok()) return after.status();
  return IdleResult{*before, *after};
}

}  // namespace scoutlight::bench
