#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SESSION_MODEL_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SESSION_MODEL_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/names.h"
#include "discovery/system_records.h"
#include "server/discovery/session.h"
#include "server/discovery/session_host.h"

// A store, small enough to be looked through, whose operations take effect when a test lets them; and streams of sessions over it.
namespace scoutlight::server {

inline constexpr absl::Duration kModelTtl = absl::Seconds(30);
inline constexpr int kLetsMax = 100'000;  // Until all must be quiet.

// With Guards::kOff changes are not conditional on the session's record: what tests of the tests look for.
enum class Guards { kOn, kOff };

struct ModelStore {
  struct Record {
    Revision revision = 0;
    discovery::SessionRecord record;
  };
  struct Instance {
    std::string session;
    Revision epoch = 0;
    LeaseId lease_id = 0;
    discovery::Properties properties;
  };

  Guards guards = Guards::kOn;
  Revision revision = 1;
  LeaseId last_lease = 0;
  std::set<LeaseId> leases;
  std::map<std::string, Record> records;
  std::map<std::string, Revision> opened;  // At which each session was opened last.
  std::map<discovery::InstanceName, Instance> instances;
  std::map<discovery::InstanceName, Revision> epochs;  // The newest that each has had.
  std::set<std::string> refused;                       // Properties with this value of `port` are, as `refusal`.
  absl::Status refusal = InvalidField(Reason::kInvalidField, "instance.properties.port", "is refused");
  uint64_t schemas_version = 1;
  std::function<void(const discovery::InstanceName&)> changed = [](const discovery::InstanceName&) {};
  std::string violation;  // The first.

  void Violate(const std::string& what) {
    if (violation.empty()) violation = what;
  }
  void Wrote(const std::string& session, Revision incarnation, const discovery::InstanceName& name) {
    if (incarnation < opened[session]) {
      Violate(absl::StrCat("a stream of ", session, " at ", incarnation, " wrote after another was opened at ", opened[session]));
    }
    changed(name);
  }
  Revision RecordRevision(const std::string& session) const {
    const auto record = records.find(session);
    return record == records.end() ? 0 : record->second.revision;
  }
  void Expire(LeaseId id) {
    if (leases.erase(id) == 0) return;
    ++revision;
    std::erase_if(records, [id](const auto& one) { return one.second.record.lease_id == id; });
    std::vector<discovery::InstanceName> gone;
    for (const auto& [name, instance] : instances) {
      if (instance.lease_id == id) gone.push_back(name);
    }
    for (const discovery::InstanceName& name : gone) {
      instances.erase(name);
      changed(name);
    }
  }
  // As somebody does who knows of keys only. nullopt: deletes it.
  void ChangeByHand(const discovery::InstanceName& name, const std::string& property, const std::optional<std::string>& value) {
    discovery::Properties& properties = instances.at(name).properties;
    properties.erase(property);
    if (value.has_value()) properties[property] = *value;
    ++revision;
    changed(name);
  }
  void Delete(const discovery::InstanceName& name) {
    if (instances.erase(name) == 0) return;
    ++revision;
    changed(name);
  }
};

inline absl::Status ModelError(absl::StatusCode code, Reason reason) {
  ErrorDetails details;
  details.reason = reason;
  return MakeError(code, ReasonName(reason), details);
}

// One stream of a session, with what it has under way and what its client was sent.
class ModelStream final : public SessionHost {
 public:
  ModelStream(ModelStore* store, std::string id) : store_(*store), id_(std::move(id)), session_(this, kModelTtl) { session_.Open(); }

  const std::string& id() const { return id_; }
  Session& session() { return session_; }
  bool ended() const { return end_.has_value(); }
  const absl::Status& end() const { return *end_; }
  bool may_send() const { return may_send_ && !ended(); }
  // The client has gone, the stream with it; what is under way still takes effect.
  void Lose() { lost_ = true; }
  bool lost() const { return lost_; }
  size_t under_way() const { return under_way_.size(); }

  // Lets what has been under way longest, or any other, take effect; its answer takes its place. Of an answer: lets the session hear it.
  void Let(size_t place = 0) {
    const std::function<std::function<void()>()> operation = std::move(under_way_[place]);
    under_way_.erase(under_way_.begin() + static_cast<ptrdiff_t>(place));
    std::function<void()> answer = operation();
    if (answer == nullptr || lost_ || ended()) return;
    under_way_.insert(under_way_.begin() + static_cast<ptrdiff_t>(place), [this, answer = std::move(answer)]() -> std::function<void()> {
      if (!lost_ && !ended()) answer();
      return nullptr;
    });
  }
  void LetAll() {
    for (int lets = 0; under_way() > 0; ++lets) {
      if (lets == kLetsMax) return store_.Violate("it never becomes quiet");
      Let();
    }
  }

  absl::Status Declare(Declaration declaration) {
    Take();
    declared_ = declared_ || !declaration.more;
    for (const auto& wanted : declaration.set) wanted_.insert(wanted.name);
    return session_.Declare(std::move(declaration));
  }
  void Heartbeat() {
    Take();
    session_.Heartbeat({});
  }
  void Leave() {
    Take();
    wanted_.clear();
    session_.Leave();
  }
  void Want(std::set<discovery::InstanceName> wanted) { wanted_ = std::move(wanted); }

  void ChangeCame(const discovery::InstanceName& name) {
    if (!followed_.contains(name) || !told_of_.insert(name).second) return;
    under_way_.push_back([this, name]() -> std::function<void()> {
      told_of_.erase(name);
      if (!lost_ && !ended()) session_.OnChanged(name);
      return nullptr;
    });
  }

  LeaseId lease_id() const { return lease_id_; }
  std::optional<bool> resumed() const { return resumed_; }
  bool declared() const { return declared_; }
  int alives() const { return alives_; }
  std::optional<int> left() const { return left_; }
  // What the client was told since the last call.
  std::vector<SessionInstance> TakeTold() { return std::exchange(told_, {}); }
  // What the client wants and has not been told to be another's.
  const std::set<discovery::InstanceName>& wanted() const { return wanted_; }
  int changes_max() const { return changes_max_; }
  size_t followed_max() const { return followed_max_; }
  // Begun, whatever came of them.
  int registrations() const { return registrations_; }

  // SessionHost.
  void ReadRecord(Done<RecordRead> done) override {
    Hold<RecordRead>(std::move(done), [this] {
      RecordRead read{.record_revision = store_.RecordRevision(id_)};
      if (read.record_revision != 0) read.record = store_.records[id_].record;
      return read;
    });
  }
  void PutRecord(const discovery::SessionRecord& record, Revision expected, Done<RecordChange> done) override {
    Hold<RecordChange>(std::move(done), [this, record, expected]() -> RecordChange {
      const Revision found = store_.RecordRevision(id_);
      if (found != expected) return {.record_revision = found, .revision = store_.revision};
      if (!store_.leases.contains(record.lease_id)) {
        return {.status = ModelError(absl::StatusCode::kFailedPrecondition, Reason::kLeaseNotFound), .record_revision = found};
      }
      store_.records[id_] = {.revision = ++store_.revision, .record = record};
      store_.opened[id_] = store_.revision;
      return {.held = true, .record_revision = store_.revision, .revision = store_.revision};
    });
  }
  void DeleteRecord(Revision expected, Done<RecordChange> done) override {
    Hold<RecordChange>(std::move(done), [this, expected]() -> RecordChange {
      const Revision found = store_.RecordRevision(id_);
      if (found != expected) return {.record_revision = found, .revision = store_.revision};
      store_.records.erase(id_);
      return {.held = true, .revision = ++store_.revision};
    });
  }
  void Grant(absl::Duration ttl, Done<Lease> done) override {
    Hold<Lease>(std::move(done), [this, ttl]() -> Lease {
      store_.leases.insert(++store_.last_lease);
      return {.id = store_.last_lease, .ttl = ttl, .revision = store_.revision};
    });
  }
  void Renew(LeaseId id, Done<Lease> done) override {
    Hold<Lease>(std::move(done), [this, id]() -> Lease {
      if (!store_.leases.contains(id)) return {.status = absl::NotFoundError("ended"), .id = id};
      return {.id = id, .ttl = kModelTtl, .revision = store_.revision};
    });
  }
  void Revoke(LeaseId id, Done<Lease> done) override {
    Hold<Lease>(std::move(done), [this, id]() -> Lease {
      store_.Expire(id);
      return {.id = id, .revision = store_.revision};
    });
  }
  void FindRegistered(LeaseId id, std::optional<discovery::InstanceName> after, Done<Registered> done) override {
    Hold<Registered>(std::move(done), [this, id, after = std::move(after)] {
      Registered registered;
      for (const auto& [name, instance] : store_.instances) {
        if (instance.lease_id != id || (after.has_value() && !(*after < name))) continue;
        registered.more = registered.names.size() == static_cast<size_t>(limits::kSessionInstancesMax);
        if (registered.more) break;
        registered.names.push_back(name);
      }
      return registered;
    });
  }
  void Register(Registering registering, Done<Change> done) override {
    CountChange();
    ++registrations_;
    Hold<Change>(std::move(done), [this, registering = std::move(registering)] {
      --changes_;
      return Carry(registering);
    });
  }
  void Deregister(const discovery::InstanceName& name, Revision epoch, Revision incarnation, Done<Change> done) override {
    CountChange();
    Hold<Change>(std::move(done), [this, name, epoch, incarnation]() -> Change {
      --changes_;
      const auto found = store_.instances.find(name);
      if (found == store_.instances.end()) return {.revision = store_.revision};
      if (found->second.epoch != epoch) return {.status = ModelError(absl::StatusCode::kAborted, Reason::kFenced)};
      if (Change broken; Broken(incarnation, &broken)) return broken;
      store_.instances.erase(found);
      ++store_.revision;
      store_.Wrote(id_, incarnation, name);
      return {.revision = store_.revision};
    });
  }
  std::optional<Owner> Look(const discovery::InstanceName& name) override {
    const auto found = store_.instances.find(name);
    if (found == store_.instances.end()) return Owner{.revision = store_.revision};
    return Owner{.whose = found->second.session == id_ ? Owner::Whose::kOurs : Owner::Whose::kAnother,
                 .epoch = found->second.epoch,
                 .revision = store_.revision};
  }
  bool Lacks(const discovery::InstanceName& name, const discovery::Properties& properties) override {
    const auto found = store_.instances.find(name);
    return found != store_.instances.end() && std::any_of(properties.begin(), properties.end(), [&found](const auto& property) {
             return discovery::FindProperty(found->second.properties, property.first) == nullptr;
           });
  }
  uint64_t SchemasVersion() override { return store_.schemas_version; }
  void SetSoftValues(const discovery::InstanceName& name, Revision, discovery::SoftValues) override { soft_.push_back(name); }
  void Follow(const discovery::InstanceName& name) override {
    followed_.insert(name);
    followed_max_ = std::max(followed_max_, followed_.size());
  }
  void Unfollow(const discovery::InstanceName& name) override { followed_.erase(name); }
  void SendOpened(LeaseId lease_id, bool resumed, Revision) override {
    lease_id_ = lease_id;
    resumed_ = resumed;
  }
  void SendAlive(LeaseId lease_id, Revision) override {
    lease_id_ = lease_id;
    ++alives_;
  }
  void SendInstance(SessionInstance instance) override {
    if (instance.state == SessionState::kFenced) wanted_.erase(instance.name);
    if (instance.state == SessionState::kRegistered) {
      Revision& last = epochs_[instance.name];
      if (instance.epoch < last) store_.Violate(absl::StrCat(id_, " was told epoch ", instance.epoch, " after ", last));
      last = instance.epoch;
    }
    told_.push_back(std::move(instance));
  }
  void SendLeft(int fenced, Revision) override { left_ = fenced; }
  void ReadNext() override { may_send_ = true; }
  void End(const absl::Status& status) override { end_ = status; }
  const std::vector<discovery::InstanceName>& soft() const { return soft_; }

 private:
  template <typename T>
  void Hold(Done<T> done, std::function<T()> operation) {
    const auto shared = std::make_shared<Done<T>>(std::move(done));
    under_way_.push_back(
        [shared, operation = std::move(operation)] { return [shared, answer = operation()] { std::move (*shared)(answer); }; });
  }
  void Take() { may_send_ = false; }
  void CountChange() { changes_max_ = std::max(changes_max_, ++changes_); }
  bool Broken(Revision incarnation, Change* change) const {
    const Revision found = store_.RecordRevision(id_);
    if (store_.guards == Guards::kOff || found == incarnation) return false;
    *change = {.status = ModelError(absl::StatusCode::kAborted, Reason::kFenced), .record_found = found};
    return true;
  }
  Change Carry(const Registering& registering) {
    const auto found = store_.instances.find(registering.name);
    const bool there = found != store_.instances.end();
    const bool ours = there && found->second.session == id_;
    if (const std::string* port = discovery::FindProperty(registering.properties, "port");
        port != nullptr && store_.refused.contains(*port))
      return {.status = store_.refusal, .revision = store_.revision};
    if (there && !ours && !registering.take_over) return {.status = ModelError(absl::StatusCode::kAlreadyExists, Reason::kInstanceOwned)};
    discovery::Properties properties = registering.properties;
    if (ours && registering.keep_stored) {
      for (const auto& [property, value] : found->second.properties) properties[property] = value;
    }
    if (ours && found->second.lease_id == registering.lease_id && found->second.properties == properties) {
      return {.revision = store_.revision, .epoch = found->second.epoch};
    }
    if (Change broken; Broken(registering.incarnation, &broken)) return broken;
    if (!store_.leases.contains(registering.lease_id)) {
      return {.status = ModelError(absl::StatusCode::kFailedPrecondition, Reason::kLeaseNotFound)};
    }
    ++store_.revision;
    const Revision epoch = ours ? found->second.epoch : store_.revision;
    Revision& newest = store_.epochs[registering.name];
    if (epoch < newest) store_.Violate(absl::StrCat("epoch ", epoch, " came after ", newest));
    newest = epoch;
    store_.instances[registering.name] = {
        .session = id_, .epoch = epoch, .lease_id = registering.lease_id, .properties = std::move(properties)};
    store_.Wrote(id_, registering.incarnation, registering.name);
    return {.revision = store_.revision, .epoch = epoch};
  }

  ModelStore& store_;
  const std::string id_;
  std::deque<std::function<std::function<void()>()>> under_way_;
  std::set<discovery::InstanceName> followed_;
  std::set<discovery::InstanceName> told_of_;  // Changes that it will look at.
  std::set<discovery::InstanceName> wanted_;
  std::map<discovery::InstanceName, Revision> epochs_;  // Told last.
  std::vector<SessionInstance> told_;
  std::vector<discovery::InstanceName> soft_;
  LeaseId lease_id_ = 0;
  std::optional<bool> resumed_;
  std::optional<int> left_;
  std::optional<absl::Status> end_;
  int alives_ = 0;
  int changes_ = 0;
  int changes_max_ = 0;
  int registrations_ = 0;
  size_t followed_max_ = 0;
  bool may_send_ = false;
  bool lost_ = false;
  bool declared_ = false;
  Session session_;  // Last: it asks at once.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SESSION_MODEL_H_
