#include "tests/checker/registration_simulation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/checker/registration_simulated_clients.h"
#include "tests/checker/registration_simulated_store.h"

namespace scoutlight::checker {
namespace {

using discovery::InstanceName;
using discovery::Properties;
using discovery::ServiceName;
using discovery::Status;

constexpr Nanos kGrace = 15'000'000;
constexpr Nanos kCallerTtl = 40'000'000;

// One run: what it draws is carried out at once, one thing after the other, at world_.now; calls begin before and are answered after.
class Run {
 public:
  Run(uint64_t seed, int steps) : world_(seed), steps_(steps) {
    for (const char* id : {"s1", "s2", "s3"}) sessions_.emplace_back(&world_, id);
    for (const char* id : {"w1", "w2"}) observers_.emplace_back(&world_, id, false);
    for (const char* id : {"u1", "u2", "u3"}) observers_.emplace_back(&world_, id, true);
  }

  RegistrationHistory Do() {
    world_.store.Wipe();
    Serve();
    for (int i = 0; i < steps_; ++i) Step();
    for (SimulatedSession& session : sessions_) session.Break();
    for (SimulatedObserver& observer : observers_) observer.Break();
    world_.history.stores.push_back(world_.store.log());
    return std::move(world_.history);
  }

 private:
  bool Chance(int percent) { return world_.Between(1, 100) <= percent; }

  void Step() {
    world_.now += world_.Between(10'000, 600'000);
    world_.store.Expire(world_.now, Chance(50));
    const int kind = static_cast<int>(world_.Between(0, 999));
    if (kind < 3) return Restart();
    if (kind < 6) return Pause();
    if (kind < 250) return sessions_[world_.Between(0, 2)].Step();
    if (kind < 450) return observers_[world_.Between(0, 4)].Step();
    if (kind < 600) return Register();
    if (kind < 680) return Update();
    if (kind < 730) return Deregister();
    if (kind < 780) return Drain();
    if (kind < 790) return Override();
    if (kind < 795) return HandDelete();
    Read();
  }

  void Serve() { world_.history.lives.push_back({.spawned = world_.now - 2'000, .serving = world_.now}); }

  void Restart() {
    ServerLife& life = world_.history.lives.back();
    life.stopping = world_.now;
    life.ended = world_.now + 1'000;
    for (SimulatedSession& session : sessions_) session.Break();
    for (SimulatedObserver& observer : observers_) observer.Break();
    world_.now += world_.Between(1'000'000, 20'000'000);
    if (Chance(30)) {
      world_.history.stores.push_back(world_.store.log());
      world_.store.Wipe();
      for (SimulatedSession& session : sessions_) session.Forget();
      epochs_.clear();
    } else {
      world_.store.Restart(life.stopping, world_.now);
    }
    Serve();
  }

  void Pause() {
    ServerPause pause{.stopped = world_.now};
    pause.halted = pause.stopped + 10'000;
    pause.resumed = pause.halted + world_.Between(1'000'000, 60'000'000);
    pause.running = world_.now = pause.resumed + 10'000;
    world_.history.lives.back().pauses.push_back(pause);
    world_.store.Pause(pause.running - pause.stopped);
  }

  RegistrationCall CallOf(CallKind kind) {
    RegistrationCall call{.kind = kind, .client = static_cast<int>(world_.Between(1, 9)), .called = world_.Before()};
    call.name = world_.AnyName();
    return call;
  }

  // Half of the callers name the epoch, some of these an old one.
  void NameEpoch(RegistrationCall* call) {
    const SimulatedInstance* const instance = world_.store.Find(call->name);
    if (instance == nullptr || Chance(50)) return;
    const std::vector<Revision>& old = epochs_[call->name];
    call->epoch = Chance(30) && !old.empty() ? old[world_.Between(0, static_cast<Nanos>(old.size()) - 1)] : instance->epoch;
  }

  // It is answered, or not.
  void Answer(RegistrationCall call) {
    call.returned = std::max(world_.After(), world_.now);
    call.store = world_.store.store();
    if (Chance(6)) {
      call = {.kind = call.kind,
              .client = call.client,
              .called = call.called,
              .returned = call.returned,
              .name = call.name,
              .session = call.session,
              .take_over = call.take_over,
              .ttl = call.ttl,
              .epoch = call.epoch};
    }
    world_.history.calls.push_back(std::move(call));
  }
  void Refuse(RegistrationCall call, absl::StatusCode code, const std::string& reason) {
    call.outcome = Outcome::kFailed;
    call.code = code;
    call.reason = reason;
    call.revision = world_.store.revision();
    Answer(std::move(call));
  }
  void Accept(RegistrationCall call) {
    call.outcome = Outcome::kOk;
    call.revision = call.revision == 0 ? world_.store.revision() : call.revision;
    if (call.kind == CallKind::kRegister || call.kind == CallKind::kUpdate) call.instance = world_.store.Show(call.name);
    Answer(std::move(call));
  }
  // False: it is refused.
  bool MayChange(const RegistrationCall& call) {
    const SimulatedInstance* const instance = world_.store.Find(call.name);
    if (instance == nullptr) return Refuse(call, absl::StatusCode::kNotFound, "INSTANCE_NOT_FOUND"), false;
    if (call.epoch != 0 && call.epoch != instance->epoch) return Refuse(call, absl::StatusCode::kAborted, "FENCED"), false;
    return true;
  }

  void Register() {
    RegistrationCall call = CallOf(CallKind::kRegister);
    call.session = std::vector<std::string>{"", "p1", "p2"}[world_.Between(0, 2)];
    call.take_over = Chance(30);
    if (call.session != "") call.ttl = absl::Nanoseconds(kCallerTtl);
    const SimulatedInstance* const before = world_.store.Find(call.name);
    const bool same = before != nullptr && before->session == call.session;
    if (before != nullptr && !same && !call.take_over) return Refuse(call, absl::StatusCode::kAlreadyExists, "INSTANCE_OWNED");
    if (before != nullptr && !same) epochs_[call.name].push_back(before->epoch);
    LeaseId lease = 0;
    if (call.ttl != absl::ZeroDuration()) {
      lease = same ? before->lease_id : 0;
      if (lease == 0 || !world_.store.Renew(world_.now, lease)) lease = world_.store.Grant(world_.now, kCallerTtl);
    }
    world_.store.Register(world_.now, call.name, world_.Fresh(), call.session, lease, false);
    Accept(std::move(call));
  }

  void Update() {
    RegistrationCall call = CallOf(CallKind::kUpdate);
    NameEpoch(&call);
    if (!MayChange(call)) return;
    world_.store.Update(world_.now, call.name, Chance(50) ? "write" : "zone", world_.Token());
    Accept(std::move(call));
  }

  void Deregister() {
    RegistrationCall call = CallOf(CallKind::kDeregister);
    NameEpoch(&call);
    const SimulatedInstance* const instance = world_.store.Find(call.name);
    if (instance == nullptr) {
      call.found = call.epoch == 0 && world_.store.EndHold(call.name);
      return Accept(std::move(call));
    }
    if (!MayChange(call)) return;
    epochs_[call.name].push_back(instance->epoch);
    call.found = true;
    world_.store.Remove(world_.now, call.name);
    Accept(std::move(call));
  }

  void Drain() {
    RegistrationCall call = CallOf(CallKind::kDrain);
    NameEpoch(&call);
    if (!MayChange(call) || world_.store.Find(call.name)->status == Status::kDraining) return;
    world_.store.Drain(world_.now, call.name);
    call.revision = world_.store.revision();
    bool all = true;
    for (SimulatedObserver& observer : observers_) {
      if (observer.is_subscriber()) all = (Chance(92) && observer.TakeAndConfirm(kGrace)) && all;
    }
    call.complete = all && world_.now >= world_.history.lives.back().spawned + kGrace;
    Accept(std::move(call));
  }

  void Override() {
    RegistrationCall call = CallOf(Chance(40) ? CallKind::kPutOverride : CallKind::kDeleteOverride);
    world_.store.Override(world_.now, call.name, call.kind == CallKind::kPutOverride);
    Accept(std::move(call));
  }

  void HandDelete() {
    RegistrationCall call = CallOf(CallKind::kHandDelete);
    if (world_.store.Find(call.name) == nullptr) return;
    world_.store.Remove(world_.now, call.name);
    Accept(std::move(call));
  }

  void Read() {
    const InstanceName name = world_.AnyName();
    DiscoveryRead read{.client = static_cast<int>(world_.Between(1, 9)), .called = world_.Before(), .outcome = Outcome::kOk};
    read.kind = static_cast<DiscoveryRead::Kind>(world_.Between(0, 2));
    read.service = {name.cluster, name.service};
    read.store = world_.store.store();
    read.revision = world_.store.revision();
    read.guarded = world_.store.IsGuarded(read.service);
    std::vector<ShownInstance> all;
    for (const auto& [one, instance] : world_.store.instances()) {
      if (one.service == name.service) all.push_back(world_.store.Show(one));
    }
    switch (read.kind) {
      case DiscoveryRead::Kind::kGet:
        read.id = name.id;
        if (world_.store.instances().contains(name)) read.shown = {world_.store.Show(name)};
        break;
      case DiscoveryRead::Kind::kList:
        read.whole = true;
        read.shown = std::move(all);
        break;
      case DiscoveryRead::Kind::kResolve:
        read.whole = true;
        if (const auto pick = Pick(all); pick.has_value()) read.shown = {*pick};
        break;
    }
    read.returned = world_.After();
    world_.history.reads.push_back(std::move(read));
  }

  std::optional<ShownInstance> Pick(const std::vector<ShownInstance>& all) {
    std::vector<ShownInstance> fit;
    std::copy_if(all.begin(), all.end(), std::back_inserter(fit), [](const ShownInstance& one) { return one.resolvable; });
    if (fit.empty()) std::copy_if(all.begin(), all.end(), std::back_inserter(fit), [](const ShownInstance& one) { return one.held; });
    if (fit.empty()) return std::nullopt;
    return fit[world_.Between(0, static_cast<Nanos>(fit.size()) - 1)];
  }

  SimulatedWorld world_;
  const int steps_;
  std::vector<SimulatedSession> sessions_;
  std::vector<SimulatedObserver> observers_;
  std::map<InstanceName, std::vector<Revision>> epochs_;  // That are over.
};

}  // namespace

RegistrationHistory SimulateRegistrations(uint64_t seed, int steps) { return Run(seed, steps).Do(); }

}  // namespace scoutlight::checker
