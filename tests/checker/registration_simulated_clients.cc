#include "tests/checker/registration_simulated_clients.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace scoutlight::checker {

using discovery::InstanceName;
using discovery::Properties;
using discovery::ServiceName;
using State = SessionStream::State;
using Kind = InstanceFrame::Kind;

namespace {

constexpr Nanos kTtl = 50'000'000;
constexpr char kCluster[] = "default";

const std::vector<ServiceName>& Services() {
  static const auto* const services = new std::vector<ServiceName>{{kCluster, "A"}, {kCluster, "B"}};
  return *services;
}

}  // namespace

InstanceName SimulatedWorld::AnyName() {
  const ServiceName& service = Services()[Between(0, 1)];
  return {service.cluster, service.service, absl::StrCat("i", Between(0, 4))};
}

std::string SimulatedWorld::Token() { return absl::StrCat("v", ++tokens_); }

Properties SimulatedWorld::Fresh() { return {{"write", Token()}, {"zone", "z"}}; }

void SimulatedSession::Step() {
  if (!open_) return Open();
  Look();
  const Nanos kind = world_.Between(0, 99);
  if (kind < 30 || !declared_) return Declare();
  if (kind < 90) return Beat();
  if (kind < 93) return Leave();
  if (kind < 98) return Break();
}

void SimulatedSession::Open() {
  stream_ = {.session = id_, .ttl = absl::Nanoseconds(kTtl), .called = world_.Before()};
  stream_.resumed = lease_ != 0 && world_.store.Renew(world_.now, lease_);
  if (!stream_.resumed) lease_ = world_.store.Grant(world_.now, kTtl);
  stream_.lease_id = lease_;
  stream_.opened = world_.After();
  stream_.store = world_.store.store();
  open_ = true;
  declared_ = false;
  wanted_.clear();
  epochs_.clear();
}

void SimulatedSession::Break() {
  if (!open_) return;
  open_ = false;
  stream_.ended = world_.now + 300'000;
  world_.history.sessions.push_back(std::move(stream_));
}

void SimulatedSession::Declare() {
  SessionStream::Declaration declaration{.sent = world_.Before()};
  declaration.replace = world_.Between(0, 3) == 0;
  declaration.take_over = world_.Between(0, 3) == 0;
  std::set<InstanceName> set;
  for (Nanos i = world_.Between(1, 3); i > 0; --i) set.insert(world_.AnyName());
  declaration.set.assign(set.begin(), set.end());
  if (!wanted_.empty() && world_.Between(0, 3) == 0 && !set.contains(wanted_.begin()->first)) {
    declaration.remove = {wanted_.begin()->first};
  }
  const bool replaces = declaration.replace || !declared_;
  declared_ = true;
  stream_.declarations.push_back(declaration);
  std::vector<InstanceName> gone = declaration.remove;
  for (const auto& [name, instance] : world_.store.instances()) {
    if (replaces && !instance.held && instance.session == id_ && !set.contains(name)) gone.push_back(name);
  }
  for (const InstanceName& name : gone) Remove(name, world_.After());
  if (!world_.store.IsAlive(lease_)) lease_ = world_.store.Grant(world_.now, kTtl);
  for (const InstanceName& name : set) {
    const SimulatedInstance* const instance = world_.store.Find(name);
    if (instance != nullptr && instance->session != id_ && !declaration.take_over) {
      Tell(name, State::kFenced, 0);
      wanted_.erase(name);
      continue;
    }
    wanted_[name] = world_.Fresh();
    Register(name);
  }
}

void SimulatedSession::Register(const InstanceName& name) {
  world_.store.Register(world_.now, name, wanted_[name], id_, lease_, true);
  epochs_[name] = world_.store.Find(name)->epoch;
  Tell(name, State::kRegistered, epochs_[name]);
}

void SimulatedSession::Remove(const InstanceName& name, Nanos) {
  wanted_.erase(name);
  epochs_.erase(name);
  const SimulatedInstance* const instance = world_.store.Find(name);
  if (instance != nullptr && instance->session == id_) world_.store.Remove(world_.now, name);
  Tell(name, State::kRemoved, 0);
}

void SimulatedSession::Beat() {
  SessionStream::Beat beat{.sent = world_.Before()};
  if (!world_.store.Renew(world_.now, lease_)) lease_ = world_.store.Grant(world_.now, kTtl);
  for (const auto& [name, properties] : wanted_) {
    if (!epochs_.contains(name)) Register(name);
  }
  beat.lease_id = lease_;
  if (world_.Between(0, 9) > 0) beat.answered = world_.After();
  stream_.beats.push_back(beat);
}

void SimulatedSession::Leave() {
  stream_.left = world_.Before();
  std::vector<InstanceName> own;
  for (const auto& [name, instance] : world_.store.instances()) {
    if (instance.session == id_ && !instance.held) own.push_back(name);
  }
  for (const InstanceName& name : own) Remove(name, world_.After());
  lease_ = 0;
  Break();
}

// Tells what has become of the instances without the session's doing; those whose lease lives are registered anew at once.
void SimulatedSession::Look() {
  const std::map<InstanceName, Revision> before = epochs_;
  for (const auto& [name, epoch] : before) {
    const SimulatedInstance* const instance = world_.store.Find(name);
    if (instance != nullptr && instance->session == id_) continue;
    epochs_.erase(name);
    if (instance != nullptr) {
      wanted_.erase(name);
      Tell(name, State::kFenced, 0);
    } else {
      Tell(name, State::kLost, 0);
      if (world_.store.IsAlive(lease_)) Register(name);
    }
  }
}

void SimulatedSession::Tell(const InstanceName& name, State state, Revision epoch) {
  stream_.told.push_back({world_.After(), name, state, epoch, world_.store.revision()});
}

void SimulatedObserver::Step() {
  if (!open_) return Open();
  const Nanos kind = world_.Between(0, 99);
  if (kind < 4) return Break();
  if (subscriber_ && kind < 40) return Confirm();
  if (subscriber_ && kind < 45) {
    AddFrame({.kind = Kind::kProgress});
    return;
  }
  const size_t count = subscriber_ ? Services().size() : 1;
  Take(Services()[world_.Between(0, static_cast<Nanos>(count) - 1)]);
}

void SimulatedObserver::Open() {
  stream_ = {.observer = id_, .subscriber = subscriber_, .called = world_.Before()};
  views_.clear();
  open_ = true;
  const std::vector<ServiceName> services = subscriber_ ? Services() : std::vector<ServiceName>{Services()[0]};
  stream_.sent.push_back({.sent = stream_.called, .add = services});
  if (subscriber_) stream_.frames.push_back({.kind = Kind::kStarted, .received = world_.After()});
  for (const ServiceName& service : services) {
    InstanceFrame snapshot{.kind = Kind::kSnapshot, .service = service};
    views_[service] = Shown(service);
    for (const auto& [id, shown] : views_[service]) snapshot.changed.push_back(shown);
    if (!snapshot.changed.empty()) {
      AddFrame(std::move(snapshot));
      // Inside a snapshot no revision is told.
      stream_.frames.back().revision = 0;
    }
    AddFrame({.kind = Kind::kSnapshotEnd, .service = service});
  }
}

void SimulatedObserver::Break() {
  if (!open_) return;
  open_ = false;
  const bool goodbye = subscriber_ && world_.Between(0, 3) == 0;
  if (goodbye) stream_.goodbye = world_.now;
  stream_.ended = world_.now;
  if (!goodbye) gone_ = world_.now;
  if (goodbye) gone_.reset();
  world_.history.observers.push_back(std::move(stream_));
}

bool SimulatedObserver::TakeAndConfirm(Nanos grace) {
  if (!open_) return !gone_.has_value() || *gone_ + grace <= world_.now;
  for (const ServiceName& service : Services()) Take(service);
  world_.now += 1'000'000;
  Confirm();
  return true;
}

void SimulatedObserver::Take(const ServiceName& service) {
  const View now = Shown(service);
  View& before = views_[service];
  InstanceFrame frame{.kind = Kind::kChanges, .service = service};
  for (const auto& [id, shown] : now) {
    const auto it = before.find(id);
    if (it == before.end() || !(it->second == shown)) frame.changed.push_back(shown);
  }
  for (const auto& [id, shown] : before) {
    if (!now.contains(id)) frame.removed.push_back(id);
  }
  before = now;
  if (frame.changed.empty() && frame.removed.empty()) {
    frame.kind = Kind::kProgress;
    // Of a subscriber it would speak of all.
    if (subscriber_) return;
  }
  AddFrame(std::move(frame));
}

void SimulatedObserver::Confirm() {
  const auto taken =
      std::count_if(stream_.frames.begin(), stream_.frames.end(), [&](const InstanceFrame& frame) { return frame.received <= world_.now; });
  stream_.sent.push_back({.sent = world_.now, .confirmed = taken});
  const bool all = taken == static_cast<int64_t>(stream_.frames.size());
  if (all) gone_.reset();
}

void SimulatedObserver::AddFrame(InstanceFrame frame) {
  // Progress of all services says that nothing is missing.
  if (frame.kind == Kind::kProgress && frame.service.service.empty()) {
    for (const ServiceName& service : Services()) Take(service);
  }
  frame.received = world_.After();
  if (!stream_.frames.empty()) frame.received = std::max(frame.received, stream_.frames.back().received + 1);
  frame.revision = world_.store.revision();
  frame.store = world_.store.store();
  stream_.frames.push_back(std::move(frame));
}

SimulatedObserver::View SimulatedObserver::Shown(const ServiceName& service) const {
  View view;
  for (const auto& [name, instance] : world_.store.instances()) {
    if (name.service == service.service) view[name.id] = world_.store.Show(name);
  }
  return view;
}

}  // namespace scoutlight::checker
