#include "tests/checker/registration_simulated_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "discovery/system_records.h"

namespace scoutlight::checker {

using discovery::InstanceName;
using discovery::Properties;
using discovery::Status;

namespace {

Key PropertyKey(const InstanceName& name, const std::string& property) {
  return *Key::Parse(absl::StrCat("/", name.cluster, "/services/", name.service, "/", name.id, "/", property));
}

Event DeleteOf(const Key& key) { return {.key = key, .kind = EventKind::kDelete}; }

}  // namespace

void SimulatedRegistrations::Wipe() {
  log_ = {.store = absl::StrCat("store-", ++wipes_), .log = {}};
  revision_ = 1;
  instances_.clear();
  overrides_.clear();
  leases_.clear();
}

const SimulatedInstance* SimulatedRegistrations::Find(const InstanceName& name) const {
  const auto it = instances_.find(name);
  return it == instances_.end() || it->second.held ? nullptr : &it->second;
}

ShownInstance SimulatedRegistrations::Show(const InstanceName& name) const {
  const SimulatedInstance& instance = instances_.at(name);
  const auto override = overrides_.find(name);
  ShownInstance shown{.id = name.id,
                      .properties = PropertiesText(instance.properties),
                      .status = instance.held ? Status::kOwnerLost : instance.status,
                      .held = instance.held,
                      .overridden = override != overrides_.end(),
                      .resolvable = true,
                      .lease_id = instance.lease_id,
                      .epoch = instance.epoch,
                      .mod_revision = instance.mod_revision};
  if (shown.overridden) shown.mod_revision = std::max(shown.mod_revision, override->second);
  shown.resolvable = shown.status == Status::kUp && !shown.overridden;
  return shown;
}

bool SimulatedRegistrations::IsGuarded(const discovery::ServiceName& service) const {
  return std::any_of(instances_.begin(), instances_.end(), [&](const auto& one) {
    return one.first.cluster == service.cluster && one.first.service == service.service && one.second.held;
  });
}

void SimulatedRegistrations::Commit(Nanos now, EventCause cause, std::vector<Event> events) {
  ++revision_;
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.key < b.key; });
  for (Event& event : events) {
    event.cause = cause;
    event.entry.key = event.key;
    event.entry.mod_revision = revision_;
  }
  log_.log.push_back({{.revision = revision_, .committed = absl::UnixEpoch(), .events = std::move(events)}, now});
}

Event SimulatedRegistrations::Put(const Key& key, const std::string& text, LeaseId lease_id) const {
  Event event{.key = key};
  event.entry.value.bytes = text;
  event.entry.lease_id = lease_id;
  event.entry.has_value = true;
  return event;
}

Event SimulatedRegistrations::PutRecord(const InstanceName& name, const SimulatedInstance& instance) const {
  // A record that is written first cannot know its revision.
  const Revision epoch = instance.epoch == revision_ + 1 ? 0 : instance.epoch;
  discovery::InstanceRecord record{.status = instance.status, .epoch = epoch, .session = instance.session, .schema = "default"};
  record.registered_at = absl::UnixEpoch();
  return Put(discovery::InstanceRecordKey(name), discovery::EncodeInstanceRecord(record), instance.lease_id);
}

void SimulatedRegistrations::AddDeletes(const InstanceName& name, const SimulatedInstance& instance, std::vector<Event>* events) const {
  for (const auto& [property, value] : instance.properties) events->push_back(DeleteOf(PropertyKey(name, property)));
  events->push_back(DeleteOf(discovery::InstanceRecordKey(name)));
}

void SimulatedRegistrations::Register(Nanos now, const InstanceName& name, Properties properties, const std::string& session,
                                      LeaseId lease_id, bool keeps_status) {
  const SimulatedInstance* const before = Find(name);
  const bool same = before != nullptr && before->session == session;
  std::vector<Event> events;
  SimulatedInstance instance{.properties = std::move(properties), .session = session, .lease_id = lease_id, .mod_revision = revision_ + 1};
  instance.epoch = same ? before->epoch : revision_ + 1;
  if (same && keeps_status) instance.status = before->status;
  for (const auto& [property, value] : instance.properties) events.push_back(Put(PropertyKey(name, property), value, lease_id));
  events.push_back(PutRecord(name, instance));
  instances_[name] = std::move(instance);
  Commit(now, EventCause::kWrite, std::move(events));
}

void SimulatedRegistrations::Update(Nanos now, const InstanceName& name, const std::string& property, const std::string& value) {
  SimulatedInstance& instance = instances_.at(name);
  instance.properties[property] = value;
  instance.mod_revision = revision_ + 1;
  Commit(now, EventCause::kWrite, {Put(PropertyKey(name, property), value, instance.lease_id), PutRecord(name, instance)});
}

void SimulatedRegistrations::Drain(Nanos now, const InstanceName& name) {
  SimulatedInstance& instance = instances_.at(name);
  if (instance.status == Status::kDraining) return;
  instance.status = Status::kDraining;
  instance.mod_revision = revision_ + 1;
  Commit(now, EventCause::kWrite, {PutRecord(name, instance)});
}

void SimulatedRegistrations::Remove(Nanos now, const InstanceName& name) {
  std::vector<Event> events;
  AddDeletes(name, instances_.at(name), &events);
  instances_.erase(name);
  Commit(now, EventCause::kWrite, std::move(events));
}

void SimulatedRegistrations::Override(Nanos now, const InstanceName& name, bool on) {
  const Key key = discovery::OverrideKey(name);
  if (!on && overrides_.erase(name) > 0) Commit(now, EventCause::kWrite, {DeleteOf(key)});
  if (!on) return;
  overrides_[name] = revision_ + 1;
  Commit(now, EventCause::kWrite, {Put(key, "{}", 0)});
}

bool SimulatedRegistrations::EndHold(const InstanceName& name) {
  const auto it = instances_.find(name);
  if (it == instances_.end() || !it->second.held) return false;
  instances_.erase(it);
  return true;
}

LeaseId SimulatedRegistrations::Grant(Nanos now, Nanos ttl) {
  leases_[++last_lease_] = {.ttl = ttl, .deadline = now + ttl, .life = life_};
  return last_lease_;
}

bool SimulatedRegistrations::Renew(Nanos now, LeaseId id) {
  const auto it = leases_.find(id);
  if (it == leases_.end()) return false;
  it->second.deadline = now + it->second.ttl;
  it->second.life = life_;
  return true;
}

void SimulatedRegistrations::Expire(Nanos now, bool hold) {
  for (auto lease = leases_.begin(); lease != leases_.end();) {
    if (lease->second.deadline > now) {
      ++lease;
      continue;
    }
    std::vector<Event> events;
    for (auto it = instances_.begin(); it != instances_.end();) {
      const bool ends = it->second.lease_id == lease->first && !it->second.held;
      if (ends) AddDeletes(it->first, it->second, &events);
      // Who is draining is not lost.
      if (ends && hold && it->second.status == Status::kUp) it->second.held = true;
      it = ends && !it->second.held ? instances_.erase(it) : std::next(it);
    }
    lease = leases_.erase(lease);
    if (!events.empty()) Commit(now, EventCause::kLeaseExpired, std::move(events));
  }
}

void SimulatedRegistrations::Pause(Nanos pause) {
  for (auto& [id, lease] : leases_) lease.deadline += pause;
}

void SimulatedRegistrations::Restart(Nanos stopped, Nanos serving) {
  for (auto& [id, lease] : leases_) lease.deadline = lease.life == life_ ? serving + lease.ttl : lease.deadline + (serving - stopped);
  ++life_;
  for (auto it = instances_.begin(); it != instances_.end();) it = it->second.held ? instances_.erase(it) : std::next(it);
}

}  // namespace scoutlight::checker
