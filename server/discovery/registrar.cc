#include "server/discovery/registrar.h"

#include <algorithm>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/stable_hash.h"
#include "discovery/catalog.h"
#include "discovery/stored_instance.h"
#include "discovery/system_records.h"
#include "server/discovery/instance_conversion.h"
#include "server/discovery/present_instance.h"
#include "storage/check_transaction.h"
#include "storage/store_errors.h"

namespace scoutlight::server {
namespace {

using discovery::Catalog;
using discovery::InstanceName;
using discovery::KeyValue;
using discovery::Ownership;
using discovery::Properties;
using discovery::Schema;
using discovery::StoredInstance;
using discovery::StoredValue;
using storage::Condition;
using storage::DeleteOperation;
using storage::PutOperation;
using storage::Transaction;

// So often a change is tried that others come before.
constexpr int kTriesMax = 8;

absl::Status Failed(absl::StatusCode code, Reason reason, const InstanceName& name, absl::string_view message) {
  ErrorDetails details;
  details.reason = reason;
  details.resource = absl::StrCat(name.cluster, "/", name.service, "/", name.id);
  return MakeError(code, message, details);
}

absl::Status Contended(const InstanceName& name) {
  return Failed(absl::StatusCode::kAborted, Reason::kContended, name,
                absl::StrCat("others kept changing the instance ", name.id, ", ", kTriesMax, " times in a row"));
}

absl::Status Fenced(const InstanceName& name, Revision epoch, Revision actual) {
  const std::string message =
      actual == 0 ? absl::StrCat("instance ", name.id, " is nobody's; epoch ", epoch, " was named")
                  : absl::StrCat("instance ", name.id, " has a new owner: its epoch is ", actual, ", ", epoch, " was named");
  return Failed(absl::StatusCode::kAborted, Reason::kFenced, name, message);
}

// What `schema` and the bounds for all instances have against `properties`. `prefix` goes before "properties".
absl::Status Check(const Schema& schema, const InstanceName& name, const Properties& properties, absl::string_view prefix) {
  std::vector<FieldViolation> violations = discovery::CheckInstanceUnder(schema, name, properties);
  if (violations.empty()) return absl::OkStatus();
  return PrefixFields(InvalidFields(Reason::kInvalidField, std::move(violations)), prefix);
}

// What an entry's key adds to the instance: the property's name; empty: the instance's own key.
Key KeyOf(const Schema& schema, const InstanceName& name, const std::string& property) {
  const discovery::KeyPattern& pattern = schema.layout.pattern();
  return property.empty() ? pattern.InstanceKey(name) : pattern.PropertyKey(name, property);
}

// The record has not changed since; 0: there is none.
Condition RecordIs(const InstanceName& name, Revision revision) {
  return {.key = discovery::InstanceRecordKey(name), .target = Condition::Target::kModRevision, .number = revision};
}

// The entries of `stored`, by key.
absl::btree_map<Key, const StoredValue*> ByKey(const StoredInstance& stored, const Schema& schema, const InstanceName& name) {
  absl::btree_map<Key, const StoredValue*> entries;
  for (const auto& [property, entry] : stored.entries) entries[KeyOf(schema, name, property)] = &entry;
  return entries;
}

// Brings the entries of an instance from `stored` to `wanted`, on `lease_id`, if those that it touches are as they were. With
// Leases::kKeep an entry that is there stays on the lease that it is on.
enum class Leases { kKeep, kMove };
void PutEntries(const std::vector<KeyValue>& wanted, absl::btree_map<Key, const StoredValue*> stored, LeaseId lease_id, Leases leases,
                std::vector<storage::Operation>* operations) {
  for (const KeyValue& entry : wanted) {
    const auto there = stored.find(entry.key);
    const StoredValue* const before = there == stored.end() ? nullptr : there->second;
    if (there != stored.end()) stored.erase(there);
    const LeaseId lease = leases == Leases::kKeep && before != nullptr ? before->lease_id : lease_id;
    if (before != nullptr && before->value == entry.value && before->lease_id == lease) continue;
    operations->push_back(PutOperation{
        .key = entry.key, .value = entry.value, .lease_id = lease, .expected_mod_revision = before == nullptr ? 0 : before->mod_revision});
  }
  for (const auto& [key, before] : stored) {
    operations->push_back(DeleteOperation{.range = {key, Scope::kKey}, .expected_mod_revision = before->mod_revision});
  }
}

// Takes away what is left of an instance under the schema of before, if that is as it was.
void DropLeft(const PresentInstance& present, const InstanceName& name, std::vector<storage::Operation>* operations) {
  for (const auto& [property, entry] : present.left.entries) {
    operations->push_back(
        DeleteOperation{.range = {KeyOf(*present.written, name, property), Scope::kKey}, .expected_mod_revision = entry.mod_revision});
  }
}

PutOperation PutRecord(const InstanceName& name, const discovery::InstanceRecord& record, LeaseId lease_id) {
  return {.key = discovery::InstanceRecordKey(name),
          .value = {Value::Form::kText, discovery::EncodeInstanceRecord(record)},
          .lease_id = lease_id};
}

// An instance written by hand may have more entries than a transaction takes.
void CommitChecked(storage::Store* store, Transaction transaction, storage::Done<storage::CommitResult> done) {
  if (absl::Status wrong = storage::CheckTransaction(transaction, store->traits()); !wrong.ok()) {
    return std::move(done)({.status = std::move(wrong)});
  }
  store->Commit(std::move(transaction), [done = std::move(done)](storage::CommitResult result) mutable {
    // Nobody asked for operations: of their fields only the last part may mean something to the caller.
    if (std::optional<ErrorDetails> details = DetailsOf(result.status); details.has_value() && !details->violations.empty()) {
      for (FieldViolation& violation : details->violations) violation.field.erase(0, violation.field.rfind('.') + 1);
      result.status = MakeError(result.status.code(), result.status.message(), *details);
    }
    std::move(done)(std::move(result));
  });
}

// A lease that the server made for one instance goes when that leaves it.
void RevokeLease(storage::Store* store, LeaseId id, uint64_t connection) {
  storage::RevokeRequest revoke{.id = id, .origin = {}};
  revoke.origin.connection = connection;
  store->RevokeLease(std::move(revoke), [](const storage::CommitResult&) {});
}

bool IsConditionFailed(const absl::Status& status) { return ReasonOf(status) == Reason::kConditionFailed; }

}  // namespace

void Registrar::AnswerAt(Revision revision, InstanceName name, Revision epoch, Effect effect, Done done) {
  parts_.feed->WhenAt(revision, [this, revision, name = std::move(name), epoch, effect,
                                 done = std::move(done)](absl::Status status) mutable {
    ChangedInstance changed{.status = std::move(status), .revision = revision, .instance = nullptr, .unchanged = effect == Effect::kNone};
    if (changed.status.ok()) {
      changed.instance = parts_.feed->catalog()->FindInstance(name);
      // What is shown is the newest, but never another owner's: its epoch must not come into the hands of this one.
      if (changed.instance == nullptr) {
        changed.status = InstanceNotFound(name);
      } else if (changed.instance->epoch != epoch) {
        changed.status = Fenced(name, epoch, changed.instance->epoch);
      }
    } else if (effect == Effect::kCommitted) {
      changed.status = storage::OutcomeUnknown(
          absl::StrCat("it was changed at revision ", revision, ", which this server does not show yet (", changed.status.message(), ")"));
    }
    std::move(done)(std::move(changed));
  });
}

// One registration, over its tries. Held by whoever it waits for.
class Registrar::Registering : public std::enable_shared_from_this<Registering> {
 public:
  Registering(Registrar* registrar, Registration registration, Done done)
      : registrar_(*registrar), parts_(registrar->parts_), registration_(std::move(registration)), done_(std::move(done)) {}

  void Try() {
    DrawId();
    ReadPresentInstance(parts_.store, *parts_.feed, registration_.name,
                        [self = shared_from_this()](absl::StatusOr<PresentInstance> present) { self->Begin(std::move(present)); });
  }

 private:
  void Begin(absl::StatusOr<PresentInstance> present) {
    if (!present.ok()) return Fail(present.status());
    present_ = *std::move(present);
    const InstanceName& name = registration_.name;
    if (absl::Status wrong = Check(*present_.schema, name, registration_.properties, "instance."); !wrong.ok()) return Fail(wrong);
    const Ownership& owner = present_.ownership;
    const std::string request = RequestTag();
    if (!request.empty() && owner.request == request) {
      DropGranted();
      return registrar_.AnswerAt(present_.catalog->revision(), name, owner.epoch, Effect::kNone, std::move(done_));
    }
    if (!request.empty() && absl::StartsWith(owner.request, request.substr(0, request.find(':') + 1))) {
      return Fail(storage::RequestIdReused(registration_.origin.request_id));
    }
    same_owner_ = owner.epoch != 0 && owner.session == registration_.session;
    if (owner.epoch != 0 && !same_owner_ && !registration_.take_over) return Fail(Owned());
    if (!registration_.ttl.has_value()) return Commit(registration_.lease_id);
    if (granted_ != 0) return Commit(granted_);
    if (same_owner_ && owner.owns_lease) return RenewLease(owner.lease_id);
    GrantLease();
  }

  void DrawId() {
    std::string& id = registration_.name.id;
    if (!id.empty()) return;
    const storage::Origin& origin = registration_.origin;
    const uint64_t number = origin.request_id.empty() ? parts_.random() : StableHash().Add(origin.caller).Add(origin.request_id).value();
    id = absl::StrCat(absl::Hex(number, absl::kZeroPad16));
  }

  // Names this request in the record that it makes: "id:hash", the hash telling whether another request has the same id.
  std::string RequestTag() const {
    const storage::Origin& origin = registration_.origin;
    if (origin.request_id.empty()) return "";
    return absl::StrCat(absl::Hex(StableHash().Add(origin.caller).Add(origin.request_id).value(), absl::kZeroPad16), ":",
                        absl::Hex(origin.request_hash, absl::kZeroPad16));
  }

  absl::Status Owned() const {
    const InstanceName& name = registration_.name;
    return Failed(absl::StatusCode::kAlreadyExists, Reason::kInstanceOwned, name,
                  absl::StrCat("another session owns instance ", name.id, " (epoch ", present_.ownership.epoch,
                               "); it can be had when its lease ends, or with take_over"));
  }

  void RenewLease(LeaseId id) {
    parts_.store->RenewLeases({id}, registration_.origin.connection, [self = shared_from_this(), id](const storage::Renewals& renewals) {
      const storage::RenewResult& result = renewals.results.front();
      if (result.status.ok() && result.ttl == *self->registration_.ttl) return self->Commit(id);
      self->GrantLease();
    });
  }

  void GrantLease() {
    storage::GrantRequest grant{.id = 0, .ttl = *registration_.ttl, .origin = {}};
    grant.origin.connection = registration_.origin.connection;
    parts_.store->GrantLease(std::move(grant), [self = shared_from_this()](const storage::LeaseResult& result) {
      if (!result.status.ok()) return self->Fail(result.status);
      self->granted_ = result.lease.id;
      self->Commit(result.lease.id);
    });
  }

  void Commit(LeaseId lease_id) {
    const InstanceName& name = registration_.name;
    const Ownership& owner = present_.ownership;
    lease_used_ = lease_id;
    discovery::InstanceRecord record{.status = discovery::Status::kUp,
                                     .epoch = same_owner_ ? owner.epoch : 0,
                                     .session = registration_.session,
                                     .request = RequestTag(),
                                     .schema = present_.schema->name,
                                     .owns_lease = registration_.ttl.has_value(),
                                     .registered_at = same_owner_ ? owner.registered_at : parts_.clock->Now()};
    Transaction transaction;
    transaction.origin.connection = registration_.origin.connection;
    transaction.conditions.push_back(RecordIs(name, owner.record_revision));
    PutEntries(present_.schema->layout.Encode(name, registration_.properties), ByKey(present_.stored, *present_.schema, name), lease_id,
               Leases::kMove, &transaction.on_success);
    DropLeft(present_, name, &transaction.on_success);
    const bool same_record = same_owner_ && owner.lease_id == lease_id && owner.owns_lease == record.owns_lease &&
                             owner.status == discovery::Status::kUp && owner.schema == record.schema && record.request.empty();
    if (same_record && transaction.on_success.empty()) {
      return registrar_.AnswerAt(present_.catalog->revision(), name, owner.epoch, Effect::kNone, std::move(done_));
    }
    transaction.on_success.push_back(PutRecord(name, record, lease_id));
    CommitChecked(parts_.store, std::move(transaction),
                  [self = shared_from_this()](const storage::CommitResult& result) { self->OnCommitted(result); });
  }

  void OnCommitted(const storage::CommitResult& result) {
    const Ownership& owner = present_.ownership;
    if (result.status.ok() && result.succeeded) {
      if (granted_ == lease_used_) granted_ = 0;
      DropGranted();
      if (owner.owns_lease && owner.lease_id != lease_used_) {
        RevokeLease(parts_.store, owner.lease_id, registration_.origin.connection);
      }
      return registrar_.AnswerAt(result.revision, registration_.name, same_owner_ ? owner.epoch : result.revision, Effect::kCommitted,
                                 std::move(done_));
    }
    const bool lease_gone = ReasonOf(result.status) == Reason::kLeaseNotFound;
    if (lease_gone && !registration_.ttl.has_value()) return Fail(LeaseGone());
    if (!result.status.ok() && !lease_gone && !IsConditionFailed(result.status)) return Fail(result.status);
    if (++tries_ == kTriesMax) return Fail(Contended(registration_.name));
    // It ended while it was being used.
    if (lease_gone) granted_ = 0;
    // The catalog must have what came before.
    parts_.feed->WhenAt(result.revision, [self = shared_from_this()](const absl::Status& status) {
      if (!status.ok()) return self->Fail(status);
      self->Try();
    });
  }

  absl::Status LeaseGone() const {
    ErrorDetails details;
    details.reason = Reason::kLeaseNotFound;
    details.resource = absl::StrCat(lease_used_);
    const std::string message = absl::StrCat("there is no lease ", lease_used_);
    details.violations = {{"lease_id", message}};
    return MakeError(absl::StatusCode::kFailedPrecondition, message, details);
  }

  // A lease that came to no use.
  void DropGranted() {
    if (granted_ != 0) RevokeLease(parts_.store, granted_, registration_.origin.connection);
    granted_ = 0;
  }

  void Fail(const absl::Status& status) {
    // If the outcome is unknown, the instance may be on it.
    if (!absl::IsUnknown(status)) DropGranted();
    const std::shared_ptr<Catalog> catalog = parts_.feed->catalog();
    std::move(done_)({.status = status, .revision = catalog == nullptr ? 0 : catalog->revision(), .instance = nullptr});
  }

  Registrar& registrar_;
  const Parts& parts_;
  Registration registration_;
  Done done_;
  PresentInstance present_;
  bool same_owner_ = false;
  LeaseId granted_ = 0;
  LeaseId lease_used_ = 0;
  int tries_ = 0;
};

// A change of properties.
class Registrar::Changing : public std::enable_shared_from_this<Changing> {
 public:
  Changing(Registrar* registrar, Update update, Done done)
      : registrar_(*registrar), parts_(registrar->parts_), update_(std::move(update)), done_(std::move(done)) {}

  void Try() {
    ReadPresentInstance(parts_.store, *parts_.feed, update_.name,
                        [self = shared_from_this()](const absl::StatusOr<PresentInstance>& present) { self->Begin(present); });
  }

 private:
  void Begin(const absl::StatusOr<PresentInstance>& present) {
    if (!present.ok()) return Fail(present.status());
    const InstanceName& name = update_.name;
    const Ownership& owner = present->ownership;
    if (!present->stored.exists()) return Fail(InstanceNotFound(name));
    if (update_.epoch != 0 && update_.epoch != owner.epoch) return Fail(Fenced(name, update_.epoch, owner.epoch));
    const Schema& schema = *present->schema;
    Properties properties;
    std::vector<std::string> moved;
    if (absl::Status unreadable = ReadProperties(*present, &properties, &moved); !unreadable.ok()) return Fail(unreadable);
    for (const std::string& removed : update_.remove) properties.erase(removed);
    for (const auto& [property, value] : update_.set) properties[property] = value;
    if (absl::Status wrong = Check(schema, name, properties, "set_"); !wrong.ok()) return Fail(wrong);
    std::vector<KeyValue> wanted = schema.layout.Encode(name, properties);
    if (owner.epoch == 0 && wanted.empty()) return Fail(NothingLeft());
    absl::btree_map<Key, const StoredValue*> stored = ByKey(present->stored, schema, name);
    // Of several keys only those that are named, or come from before: others may hold what cannot be read.
    if (schema.layout.serializer().key_per_property() && !update_.replace) LeaveOthers(schema, moved, &wanted, &stored);
    Commit(*present, wanted, std::move(stored));
  }

  // Those that the change begins with: none with `replace`. `moved`: those that are left under the schema of before, and come over.
  absl::Status ReadProperties(const PresentInstance& present, Properties* properties, std::vector<std::string>* moved) const {
    if (update_.replace) return absl::OkStatus();
    discovery::DecodedProperties decoded = discovery::StoredProperties(present.stored, *present.schema);
    if (!present.schema->layout.serializer().key_per_property() && !decoded.problems.empty()) return Unreadable(decoded.problems.front());
    *properties = std::move(decoded.properties);
    if (present.left.entries.empty()) return absl::OkStatus();
    decoded = discovery::StoredProperties(present.left, *present.written);
    // Their keys go, so what cannot be read would be lost.
    if (!decoded.problems.empty()) return Unreadable(decoded.problems.front());
    for (auto& [property, value] : decoded.properties) {
      if (properties->try_emplace(property, std::move(value)).second) moved->push_back(property);
    }
    return absl::OkStatus();
  }

  void Commit(const PresentInstance& present, const std::vector<KeyValue>& wanted, absl::btree_map<Key, const StoredValue*> stored) {
    const InstanceName& name = update_.name;
    const Ownership& owner = present.ownership;
    Transaction transaction;
    transaction.origin.connection = update_.connection;
    transaction.conditions.push_back(RecordIs(name, owner.record_revision));
    // What was written by hand stays on the leases that it was put on.
    const LeaseId lease_id = owner.epoch != 0 ? owner.lease_id : discovery::ReadInstance(name, present.stored, *present.schema).lease_id;
    PutEntries(wanted, std::move(stored), lease_id, owner.epoch == 0 ? Leases::kKeep : Leases::kMove, &transaction.on_success);
    DropLeft(present, name, &transaction.on_success);
    // A record that names another schema keeps the instance out of work, whatever its entries say.
    const bool moves = owner.epoch != 0 && !owner.schema.empty() && owner.schema != present.schema->name;
    if (transaction.on_success.empty() && !moves) {
      return registrar_.AnswerAt(present.catalog->revision(), name, owner.epoch, Effect::kNone, std::move(done_));
    }
    epoch_ = owner.epoch;
    // The record too, so that whoever changes the registration at the same time sees that somebody else does.
    if (owner.epoch != 0) {
      transaction.on_success.push_back(PutRecord(name,
                                                 {.status = owner.status,
                                                  .epoch = owner.epoch,
                                                  .session = owner.session,
                                                  .request = owner.request,
                                                  .schema = present.schema->name,
                                                  .owns_lease = owner.owns_lease,
                                                  .registered_at = owner.registered_at},
                                                 owner.lease_id));
    }
    CommitChecked(parts_.store, std::move(transaction),
                  [self = shared_from_this()](const storage::CommitResult& result) { self->OnCommitted(result); });
  }

  void LeaveOthers(const Schema& schema, const std::vector<std::string>& moved, std::vector<KeyValue>* wanted,
                   absl::btree_map<Key, const StoredValue*>* stored) const {
    absl::btree_set<Key> named;
    for (const std::string& property : moved) named.insert(KeyOf(schema, update_.name, property));
    for (const std::string& removed : update_.remove) {
      // A name that is none has no key.
      if (discovery::PropertyNameFault(removed).empty()) named.insert(KeyOf(schema, update_.name, removed));
    }
    for (const auto& [property, value] : update_.set) named.insert(KeyOf(schema, update_.name, property));
    wanted->erase(std::remove_if(wanted->begin(), wanted->end(), [&](const KeyValue& entry) { return !named.contains(entry.key); }),
                  wanted->end());
    for (auto it = stored->begin(); it != stored->end();) {
      if (named.contains(it->first)) {
        ++it;
      } else {
        it = stored->erase(it);
      }
    }
  }

  static absl::Status Unreadable(const discovery::Problem& problem) {
    return InvalidField(Reason::kInvalidField, "replace",
                        absl::StrCat("is false, but what is stored cannot be read as a whole (", problem.property, " ", problem.message,
                                     "): set all properties with `replace`"));
  }
  static absl::Status NothingLeft() {
    return InvalidField(Reason::kInvalidField, "remove_properties", "would leave nothing of an instance that has no record; deregister it");
  }

  void OnCommitted(const storage::CommitResult& result) {
    if (result.status.ok() && result.succeeded) {
      return registrar_.AnswerAt(result.revision, update_.name, epoch_, Effect::kCommitted, std::move(done_));
    }
    // A lease that has just ended takes the instance with it.
    const bool again = IsConditionFailed(result.status) || result.status.ok() || ReasonOf(result.status) == Reason::kLeaseNotFound;
    if (!again) return Fail(result.status);
    if (++tries_ == kTriesMax) return Fail(Contended(update_.name));
    parts_.feed->WhenAt(result.revision, [self = shared_from_this()](const absl::Status& status) {
      if (!status.ok()) return self->Fail(status);
      self->Try();
    });
  }

  void Fail(const absl::Status& status) {
    const std::shared_ptr<Catalog> catalog = parts_.feed->catalog();
    std::move(done_)({.status = status, .revision = catalog == nullptr ? 0 : catalog->revision(), .instance = nullptr});
  }

  Registrar& registrar_;
  const Parts& parts_;
  const Update update_;
  Done done_;
  Revision epoch_ = 0;  // Whose instance it changes.
  int tries_ = 0;
};

class Registrar::Deregistering : public std::enable_shared_from_this<Deregistering> {
 public:
  Deregistering(Registrar* registrar, Deregistration deregistration, Done done)
      : parts_(registrar->parts_), deregistration_(std::move(deregistration)), done_(std::move(done)) {}

  void Try() {
    ReadPresentInstance(parts_.store, *parts_.feed, deregistration_.name,
                        [self = shared_from_this()](const absl::StatusOr<PresentInstance>& present) { self->Begin(present); });
  }

 private:
  void Begin(const absl::StatusOr<PresentInstance>& present) {
    if (!present.ok()) return Answer(present.status(), 0, false);
    const InstanceName& name = deregistration_.name;
    const Ownership& owner = present->ownership;
    if (!present->stored.exists()) return Answer(absl::OkStatus(), present->catalog->revision(), true);
    if (deregistration_.epoch != 0 && deregistration_.epoch != owner.epoch) {
      return Answer(Fenced(name, deregistration_.epoch, owner.epoch), present->catalog->revision(), false);
    }
    Transaction transaction;
    transaction.origin.connection = deregistration_.connection;
    transaction.conditions.push_back(RecordIs(name, owner.record_revision));
    DropLeft(*present, name, &transaction.on_success);
    DeleteEntries(*present->schema, &transaction);
    own_lease_ = owner.owns_lease ? owner.lease_id : 0;
    if (owner.record_revision != 0) {
      transaction.on_success.push_back(DeleteOperation{.range = {discovery::InstanceRecordKey(name), Scope::kKey}});
    }
    CommitChecked(parts_.store, std::move(transaction),
                  [self = shared_from_this()](const storage::CommitResult& result) { self->OnCommitted(result); });
  }

  // Whatever the instance has in this layout, however much.
  void DeleteEntries(const Schema& schema, Transaction* transaction) const {
    const discovery::KeyPattern& pattern = schema.layout.pattern();
    const Key node = pattern.InstanceKey(deregistration_.name);
    if (pattern.has_property()) transaction->on_success.push_back(DeleteOperation{.range = {node, Scope::kChildren}});
    if (pattern.has_own_key()) transaction->on_success.push_back(DeleteOperation{.range = {node, Scope::kKey}});
  }

  void OnCommitted(const storage::CommitResult& result) {
    const bool again = IsConditionFailed(result.status) || (result.status.ok() && !result.succeeded);
    if (!result.status.ok() && !again) return Answer(result.status, result.revision, false);
    if (again && ++tries_ == kTriesMax) return Answer(Contended(deregistration_.name), result.revision, false);
    if (!again && own_lease_ != 0) RevokeLease(parts_.store, own_lease_, deregistration_.connection);
    parts_.feed->WhenAt(result.revision, [self = shared_from_this(), result, again](const absl::Status& status) {
      if (again && status.ok()) return self->Try();
      if (again || status.ok()) return self->Answer(status, result.revision, !result.changed);
      self->Answer(storage::OutcomeUnknown(absl::StrCat("it was removed at revision ", result.revision,
                                                        ", which this server does not show yet (", status.message(), ")")),
                   result.revision, false);
    });
  }

  void Answer(const absl::Status& status, Revision revision, bool unchanged) {
    std::move(done_)({.status = status, .revision = revision, .instance = nullptr, .unchanged = unchanged});
  }

  const Parts& parts_;
  const Deregistration deregistration_;
  Done done_;
  LeaseId own_lease_ = 0;  // Made for the instance alone.
  int tries_ = 0;
};

void Registrar::Register(Registration registration, Done done) {
  std::make_shared<Registering>(this, std::move(registration), std::move(done))->Try();
}

void Registrar::Change(Update update, Done done) { std::make_shared<Changing>(this, std::move(update), std::move(done))->Try(); }

void Registrar::Deregister(Deregistration deregistration, Done done) {
  std::make_shared<Deregistering>(this, std::move(deregistration), std::move(done))->Try();
}

}  // namespace scoutlight::server
