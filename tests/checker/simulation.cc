#include "tests/checker/simulation.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <utility>
#include <vector>

#include "tests/checker/request_mix.h"
#include "tests/checker/simulated_store.h"
#include "tests/checker/simulated_watch.h"

namespace scoutlight::checker {
namespace {

constexpr Nanos kMicrosecond = 1'000;
constexpr Nanos kMillisecond = 1'000'000;
constexpr Nanos kSlowRead = 300 * kMillisecond;
constexpr int kRepetitionsMax = 4;
constexpr Revision kKeptRevisions = 150;  // By compaction.

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options) : options_(options), random_(options.seed) {
    const MixOptions mix{.ttl_min = absl::Milliseconds(5), .ttl_max = absl::Milliseconds(40)};
    for (int i = 0; i < options.clients; ++i) mixes_.emplace_back(i + 1, options.seed, mix);
    watches_.push_back(std::make_unique<SimulatedWatch>(SimulatedWatch::Collector(), options.seed));
    for (int i = 0; i < options.watches; ++i) watches_.push_back(std::make_unique<SimulatedWatch>(1'000 + i, options.seed + 1 + i));
  }

  History Run() {
    for (int client = 0; client < options_.clients; ++client) At(Below(kMillisecond), [this, client] { Issue(client); });
    // The collector is there from the start, the others come when there is something to see.
    for (auto& watch : watches_) {
      At(watch == watches_.front() ? 0 : Below(60 * kMillisecond), [this, &watch] { Pump(watch.get()); });
    }
    At(kMillisecond, [this] { ExpireLeases(); });
    if (options_.crashes) At(Below(40 * kMillisecond), [this] { Disturb(); });
    At(Below(20 * kMillisecond), [this] { Compact(); });
    while (!is_over() || in_flight_ > 0) {
      const Step step = steps_.top();
      steps_.pop();
      now_ = step.time;
      step.run();
    }
    Finish();
    return std::move(history_);
  }

 private:
  struct Step {
    Nanos time = 0;
    int64_t number = 0;
    std::function<void()> run;

    friend bool operator<(const Step& a, const Step& b) { return a.time != b.time ? a.time > b.time : a.number > b.number; }
  };
  // A call on its way.
  struct Flight {
    Call call;
    int client = 0;
    int repetitions = 0;
    bool over = false;  // The client has its answer, or has given up.
  };

  void At(Nanos after, std::function<void()> run) { steps_.push({now_ + after, ++steps_made_, std::move(run)}); }
  Nanos Below(Nanos bound) { return std::uniform_int_distribution<Nanos>(0, bound - 1)(random_); }
  bool Chance(int percent) { return Below(100) < percent; }
  bool is_down() const { return now_ < up_from_; }
  bool is_over() const { return issued_ >= options_.calls; }

  void Issue(int client) {
    if (is_over()) return;
    Send(client, mixes_[client].Next(), 0);
  }

  void Send(int client, Call call, int repetitions) {
    ++issued_;
    ++in_flight_;
    auto flight = std::make_shared<Flight>();
    flight->call = std::move(call);
    flight->call.called = now_;
    flight->client = client;
    flight->repetitions = repetitions;
    if (is_down()) return At(1 + Below(kMillisecond), [this, flight] { GiveUp(*flight); });
    const bool impatient = Chance(3);
    if (impatient) At(1 + Below(2 * kMillisecond), [this, flight] { GiveUp(*flight); });
    At(1 + Below(impatient ? 4 * kMillisecond : 400 * kMicrosecond), [this, flight, life = life_] { Arrive(flight, life); });
  }

  void Arrive(const std::shared_ptr<Flight>& flight, int life) {
    if (life != life_) return GiveUp(*flight);  // The store it was sent to is gone.
    if (now_ < paused_until_) return At(paused_until_ - now_ + Below(kMicrosecond), [this, flight, life] { Arrive(flight, life); });
    Call done = flight->call;
    store_.Execute(now_, &done);
    At(1 + Below(300 * kMicrosecond), [this, flight, life, done = std::move(done)]() mutable {
      if (life != life_) return GiveUp(*flight);
      if (!flight->over) Answer(*flight, std::move(done));
    });
  }

  void Answer(Flight& flight, Call done) {
    flight.over = true;
    --in_flight_;
    done.returned = now_;
    mixes_[flight.client].Learn(done);
    history_.calls.push_back(std::move(done));
    At(1 + Below(200 * kMicrosecond), [this, client = flight.client] { Issue(client); });
  }

  void GiveUp(Flight& flight) {
    if (flight.over) return;
    flight.over = true;
    --in_flight_;
    flight.call.returned = now_;
    flight.call.outcome = Outcome::kUnknown;
    flight.call.failure.code = absl::StatusCode::kUnavailable;
    mixes_[flight.client].Learn(flight.call);
    history_.calls.push_back(flight.call);
    Call again;
    again.client = flight.call.client;
    again.request = flight.call.request;
    const bool repeat = RequestId(again) && flight.repetitions < kRepetitionsMax && Chance(80);
    At(1 + Below(2 * kMillisecond), [this, client = flight.client, repeat, again, repetitions = flight.repetitions + 1] {
      if (repeat) {
        Send(client, again, repetitions);
      } else {
        Issue(client);
      }
    });
  }

  static bool RequestId(const Call& call) {
    if (const auto* write = std::get_if<Write>(&call.request)) return !write->request_id.empty();
    if (const auto* grant = std::get_if<Grant>(&call.request)) return !grant->request_id.empty();
    const auto* const revoke = std::get_if<Revoke>(&call.request);
    return revoke != nullptr && !revoke->request_id.empty();
  }

  void Pump(SimulatedWatch* watch) {
    if (is_down()) {
      watch->Break(now_);
    } else if (now_ >= paused_until_) {
      watch->Pump(now_, store_.model());
    }
    // Now and then a client does not read for so long that it is left behind compaction; the collector never does that.
    const Nanos pause = watch != watches_.front().get() && Chance(1) ? kSlowRead : 2 * kMillisecond;
    if (!is_over()) At(1 + Below(pause), [this, watch] { Pump(watch); });
  }

  void ExpireLeases() {
    if (!is_down() && now_ >= paused_until_) {
      while (Chance(70) && store_.ExpireOne(now_)) {
      }
    }
    if (!is_over()) At(1 + Below(kMillisecond), [this] { ExpireLeases(); });
  }

  void Disturb() {
    if (is_over() || is_down() || now_ < paused_until_) return;
    const Nanos halted = now_ + 1;
    const Nanos started = halted + Below(5 * kMillisecond);
    const Nanos serving = started + 1 + Below(kMillisecond);
    if (Chance(60)) {
      history_.outages.push_back({Outage::Kind::kRestart, now_, halted, started, serving});
      store_.Restart(now_, serving);
      ++life_;
      up_from_ = serving;
      for (auto& watch : watches_) watch->Break(now_);
    } else {
      history_.outages.push_back({Outage::Kind::kPause, now_, halted, started, serving});
      store_.Pause(serving - now_);
      paused_until_ = serving;
    }
    At(serving - now_ + Below(60 * kMillisecond), [this] { Disturb(); });
  }

  void Compact() {
    const Revision oldest = store_.model().latest() - kKeptRevisions + Below(100);
    if (!is_down() && oldest > store_.model().oldest()) {
      // The collector must not be left behind.
      watches_.front()->Pump(now_, store_.model());
      history_.compactions.push_back({oldest, now_});
      store_.Compact(std::min(oldest, watches_.front()->sent()));
    }
    if (!is_over()) At(1 + Below(20 * kMillisecond), [this] { Compact(); });
  }

  void Finish() {
    now_ = std::max(now_, std::max(up_from_, paused_until_)) + kMillisecond;
    while (store_.ExpireOne(now_)) {
    }
    for (auto& watch : watches_) {
      watch->Drain(now_, store_.model());
      if (watch == watches_.front()) {
        AddCollected(watch->Take(), &history_);
      } else {
        history_.watches.push_back(watch->Take());
      }
    }
  }

  const SimulationOptions options_;
  std::mt19937_64 random_;
  SimulatedStore store_;
  std::vector<RequestMix> mixes_;
  std::vector<std::unique_ptr<SimulatedWatch>> watches_;
  std::priority_queue<Step> steps_;
  int64_t steps_made_ = 0;
  Nanos now_ = 0;
  Nanos up_from_ = 0;
  Nanos paused_until_ = 0;
  int life_ = 1;
  int issued_ = 0;
  int in_flight_ = 0;
  History history_;
};

}  // namespace

History Simulate(const SimulationOptions& options) { return Simulation(options).Run(); }

}  // namespace scoutlight::checker
