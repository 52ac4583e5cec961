#include "server/discovery/registrar.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/stable_hash.h"
#include "discovery/catalog.h"
#include "discovery/stored_instance.h"
#include "discovery/system_records.h"
#include "server/discovery/instance_conversion.h"
#include "storage/check_transaction.h"

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

absl::Status DiscoveryOff(const InstanceName& name) {
  return Failed(absl::StatusCode::kFailedPrecondition, Reason::kDiscoveryOff, name,
                absl::StrCat("service ", name.service, " of cluster ", name.cluster, " is bound to no schema"));
}

absl::Status Fenced(const InstanceName& name, Revision epoch, Revision actual) {
  const std::string message =
      actual == 0 ? absl::StrCat("instance ", name.id, " is nobody's; epoch ", epoch, " was named")
                  : absl::StrCat("instance ", name.id, " has a new owner: its epoch is ", actual, ", ", epoch, " was named");
  return Failed(absl::StatusCode::kAborted, Reason::kFenced, name, message);
}

// What `schema` and the bounds for all instances have against `properties`. `prefix` goes before "properties".
absl::Status Check(const Schema& schema, const InstanceName& name, const Properties& properties, absl::string_view prefix) {
  std::vector<FieldViolation> violations;
  for (FieldViolation& violation : discovery::CheckInstance(name, properties)) {
    violations.push_back({absl::StrCat(prefix, violation.field), std::move(violation.description)});
  }
  for (discovery::Problem& problem : schema.properties.Validate(properties)) {
    violations.push_back({absl::StrCat(prefix, "properties.", problem.property), std::move(problem.message)});
  }
  return violations.empty() ? absl::OkStatus() : InvalidFields(Reason::kInvalidField, std::move(violations));
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

// Brings the entries of an instance from `stored` to `wanted`, on `lease_id`. With `guarded`, only if those that it touches are as they
// were.
void PutEntries(const std::vector<KeyValue>& wanted, absl::btree_map<Key, const StoredValue*> stored, LeaseId lease_id, bool guarded,
                std::vector<storage::Operation>* operations) {
  for (const KeyValue& entry : wanted) {
    const auto there = stored.find(entry.key);
    const StoredValue* const before = there == stored.end() ? nullptr : there->second;
    if (there != stored.end()) stored.erase(there);
    if (before != nullptr && before->value == entry.value && before->lease_id == lease_id) continue;
    PutOperation put{.key = entry.key, .value = entry.value, .lease_id = lease_id};
    if (guarded) put.expected_mod_revision = before == nullptr ? 0 : before->mod_revision;
    operations->push_back(std::move(put));
  }
  for (const auto& [key, before] : stored) {
    DeleteOperation erase{.range = {key, Scope::kKey}};
    if (guarded) erase.expected_mod_revision = before->mod_revision;
    operations->push_back(std::move(erase));
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
  store->Commit(std::move(transaction), std::move(done));
}

bool IsConditionFailed(const absl::Status& status) { return ReasonOf(status) == Reason::kConditionFailed; }

// What one try starts from.
struct Present {
  std::shared_ptr<Catalog> catalog;
  const Schema* schema = nullptr;  // Valid as long as the catalog.
  StoredInstance stored;
  Ownership ownership;
};

absl::StatusOr<Present> ReadPresent(const CatalogFeed& feed, const InstanceName& name) {
  Present present{.catalog = feed.catalog(), .schema = nullptr, .stored = {}, .ownership = {}};
  if (present.catalog == nullptr) return CatalogLoading();
  present.schema = present.catalog->claims()->SchemaOf(name.cluster, name.service);
  if (present.schema == nullptr) return DiscoveryOff(name);
  present.stored = present.catalog->FindStored(name).value_or(StoredInstance());
  present.ownership = discovery::ReadOwnership(present.stored);
  return present;
}

}  // namespace

void Registrar::AnswerAt(Revision revision, InstanceName name, bool unchanged, Done done) {
  parts_.feed->WhenAt(revision, [this, revision, name = std::move(name), unchanged, done = std::move(done)](absl::Status status) mutable {
    ChangedInstance changed{.status = std::move(status), .revision = revision, .instance = nullptr, .unchanged = unchanged};
    if (changed.status.ok()) {
      const discovery::SnapshotPtr snapshot = parts_.feed->catalog()->Find(name.cluster, name.service);
      if (snapshot != nullptr) changed.instance = snapshot->Find(name.id);
      // It was registered, and has gone since: by its lease, or by another's hand.
      if (changed.instance == nullptr) changed.status = InstanceNotFound(name);
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
    const InstanceName& name = registration_.name;
    absl::StatusOr<Present> present = ReadPresent(*parts_.feed, name);
    if (!present.ok()) return Fail(present.status());
    present_ = *std::move(present);
    if (absl::Status wrong = Check(*present_.schema, name, registration_.properties, "instance."); !wrong.ok()) return Fail(wrong);
    const Ownership& owner = present_.ownership;
    const std::string request = RequestTag();
    if (!request.empty() && owner.request == request) {
      return registrar_.AnswerAt(present_.catalog->revision(), name, true, std::move(done_));
    }
    same_owner_ = owner.epoch != 0 && owner.session == registration_.session;
    if (owner.epoch != 0 && !same_owner_ && !registration_.take_over) return Fail(Owned());
    if (!registration_.ttl.has_value()) return Commit(registration_.lease_id);
    if (granted_ != 0) return Commit(granted_);
    if (same_owner_ && owner.lease_id != 0) return RenewLease(owner.lease_id);
    GrantLease();
  }

 private:
  void DrawId() {
    std::string& id = registration_.name.id;
    if (!id.empty()) return;
    const storage::Origin& origin = registration_.origin;
    const uint64_t number = origin.request_id.empty() ? parts_.random() : StableHash().Add(origin.caller).Add(origin.request_id).value();
    id = absl::StrCat(absl::Hex(number, absl::kZeroPad16));
  }

  // Names this request in the record that it makes.
  std::string RequestTag() const {
    const storage::Origin& origin = registration_.origin;
    if (origin.request_id.empty()) return "";
    return absl::StrCat(
        absl::Hex(StableHash().Add(origin.caller).Add(origin.request_id).Add(origin.request_hash).value(), absl::kZeroPad16));
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
      if (!result.status.ok()) return self->Fail(PrefixFields(result.status, ""));
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
                                     .registered_at = same_owner_ ? owner.registered_at : parts_.clock->Now()};
    Transaction transaction;
    transaction.origin.connection = registration_.origin.connection;
    transaction.conditions.push_back(RecordIs(name, owner.record_revision));
    PutEntries(present_.schema->layout.Encode(name, registration_.properties), ByKey(present_.stored, *present_.schema, name), lease_id,
               false, &transaction.on_success);
    const bool same_record = same_owner_ && owner.lease_id == lease_id && owner.status == discovery::Status::kUp && record.request.empty();
    if (same_record && transaction.on_success.empty()) {
      return registrar_.AnswerAt(present_.catalog->revision(), name, true, std::move(done_));
    }
    transaction.on_success.push_back(PutRecord(name, record, lease_id));
    CommitChecked(parts_.store, std::move(transaction),
                  [self = shared_from_this()](const storage::CommitResult& result) { self->OnCommitted(result); });
  }

  void OnCommitted(const storage::CommitResult& result) {
    if (result.status.ok() && result.succeeded) {
      return registrar_.AnswerAt(result.revision, registration_.name, false, std::move(done_));
    }
    const bool lease_gone = ReasonOf(result.status) == Reason::kLeaseNotFound;
    if (lease_gone && !registration_.ttl.has_value()) return Fail(LeaseGone());
    if (!result.status.ok() && !lease_gone) return Fail(result.status);
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

  void Fail(const absl::Status& status) {
    if (granted_ != 0) {
      // Nobody will renew it: it would end by itself.
      storage::RevokeRequest revoke{.id = granted_, .origin = {}};
      revoke.origin.connection = registration_.origin.connection;
      parts_.store->RevokeLease(std::move(revoke), [](const storage::CommitResult&) {});
    }
    const std::shared_ptr<Catalog> catalog = parts_.feed->catalog();
    std::move(done_)({.status = status, .revision = catalog == nullptr ? 0 : catalog->revision(), .instance = nullptr});
  }

  Registrar& registrar_;
  const Parts& parts_;
  Registration registration_;
  Done done_;
  Present present_;
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
    const InstanceName& name = update_.name;
    const absl::StatusOr<Present> present = ReadPresent(*parts_.feed, name);
    if (!present.ok()) return Fail(present.status());
    const Ownership& owner = present->ownership;
    if (!present->stored.exists()) return Fail(InstanceNotFound(name));
    if (update_.epoch != 0 && update_.epoch != owner.epoch) return Fail(Fenced(name, update_.epoch, owner.epoch));
    Properties properties;
    if (!update_.replace) properties = discovery::StoredProperties(present->stored, *present->schema).properties;
    for (const std::string& removed : update_.remove) properties.erase(removed);
    for (const auto& [property, value] : update_.set) properties[property] = value;
    if (absl::Status wrong = Check(*present->schema, name, properties, "set_"); !wrong.ok()) return Fail(wrong);
    LeaseId lease_id = owner.lease_id;
    // What was written by hand stays on the lease that it was put on.
    if (owner.epoch == 0 && !present->stored.entries.empty()) lease_id = present->stored.entries.begin()->second.lease_id;
    Transaction transaction;
    transaction.origin.connection = update_.connection;
    transaction.conditions.push_back(RecordIs(name, owner.record_revision));
    PutEntries(present->schema->layout.Encode(name, properties), ByKey(present->stored, *present->schema, name), lease_id, true,
               &transaction.on_success);
    if (transaction.on_success.empty()) {
      return registrar_.AnswerAt(present->catalog->revision(), name, true, std::move(done_));
    }
    CommitChecked(parts_.store, std::move(transaction),
                  [self = shared_from_this()](const storage::CommitResult& result) { self->OnCommitted(result); });
  }

 private:
  void OnCommitted(const storage::CommitResult& result) {
    if (result.status.ok() && result.succeeded) return registrar_.AnswerAt(result.revision, update_.name, false, std::move(done_));
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
  int tries_ = 0;
};

class Registrar::Deregistering : public std::enable_shared_from_this<Deregistering> {
 public:
  Deregistering(Registrar* registrar, Deregistration deregistration, Done done)
      : parts_(registrar->parts_), deregistration_(std::move(deregistration)), done_(std::move(done)) {}

  void Try() {
    const InstanceName& name = deregistration_.name;
    const absl::StatusOr<Present> present = ReadPresent(*parts_.feed, name);
    if (!present.ok()) return Answer(present.status(), 0, false);
    const Ownership& owner = present->ownership;
    if (!present->stored.exists()) return Answer(absl::OkStatus(), present->catalog->revision(), true);
    if (deregistration_.epoch != 0 && deregistration_.epoch != owner.epoch) {
      return Answer(Fenced(name, deregistration_.epoch, owner.epoch), present->catalog->revision(), false);
    }
    Transaction transaction;
    transaction.origin.connection = deregistration_.connection;
    transaction.conditions.push_back(RecordIs(name, owner.record_revision));
    for (const auto& [key, entry] : ByKey(present->stored, *present->schema, name)) {
      transaction.on_success.push_back(DeleteOperation{.range = {key, Scope::kKey}});
    }
    if (owner.record_revision != 0) {
      transaction.on_success.push_back(DeleteOperation{.range = {discovery::InstanceRecordKey(name), Scope::kKey}});
    }
    CommitChecked(parts_.store, std::move(transaction),
                  [self = shared_from_this()](const storage::CommitResult& result) { self->OnCommitted(result); });
  }

 private:
  void OnCommitted(const storage::CommitResult& result) {
    if (!result.status.ok()) return Answer(result.status, result.revision, false);
    if (!result.succeeded && ++tries_ == kTriesMax) return Answer(Contended(deregistration_.name), result.revision, false);
    parts_.feed->WhenAt(result.revision, [self = shared_from_this(), result](const absl::Status& status) {
      if (!status.ok() || result.succeeded) return self->Answer(status, result.revision, !result.changed);
      self->Try();
    });
  }

  void Answer(const absl::Status& status, Revision revision, bool unchanged) {
    std::move(done_)({.status = status, .revision = revision, .instance = nullptr, .unchanged = unchanged});
  }

  const Parts& parts_;
  const Deregistration deregistration_;
  Done done_;
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
