#include "server/discovery/instance_change.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "discovery/bindings.h"
#include "discovery/catalog.h"
#include "discovery/claims.h"
#include "discovery/key_pattern.h"
#include "discovery/shipped_schemas.h"
#include "server/discovery/instance_conversion.h"
#include "server/discovery/store_requests.h"
#include "storage/check_transaction.h"
#include "storage/store_errors.h"

namespace scoutlight::server {

using discovery::InstanceName;
using discovery::KeyValue;
using discovery::Properties;
using discovery::Schema;
using discovery::StoredInstance;
using discovery::StoredValue;
using storage::Condition;
using storage::DeleteOperation;
using storage::PutOperation;
using storage::Transaction;

absl::Status InstanceError(absl::StatusCode code, Reason reason, const InstanceName& name, absl::string_view message) {
  ErrorDetails details;
  details.reason = reason;
  details.resource = absl::StrCat(name.cluster, "/", name.service, "/", name.id);
  return MakeError(code, message, details);
}

absl::Status Contended(const InstanceName& name) {
  return InstanceError(absl::StatusCode::kAborted, Reason::kContended, name,
                       absl::StrCat("others kept changing the instance ", name.id, ", ", limits::kContendedTriesMax, " times in a row"));
}

absl::Status Fenced(const InstanceName& name, Revision epoch, Revision actual) {
  const std::string message =
      actual == 0 ? absl::StrCat("instance ", name.id, " is nobody's; epoch ", epoch, " was named")
                  : absl::StrCat("instance ", name.id, " has a new owner: its epoch is ", actual, ", ", epoch, " was named");
  return InstanceError(absl::StatusCode::kAborted, Reason::kFenced, name, message);
}

absl::Status CheckProperties(const Schema& schema, const InstanceName& name, const Properties& properties, absl::string_view prefix) {
  std::vector<FieldViolation> violations = discovery::CheckInstanceUnder(schema, name, properties);
  if (violations.empty()) return absl::OkStatus();
  return PrefixFields(InvalidFields(Reason::kInvalidField, std::move(violations)), prefix);
}

Key KeyOf(const Schema& schema, const InstanceName& name, const std::string& property) {
  const discovery::KeyPattern& pattern = schema.layout.pattern();
  return property.empty() ? pattern.InstanceKey(name) : pattern.PropertyKey(name, property);
}

namespace {

// The key was not put after `revision`.
Condition NotPutAfter(Key key, Revision revision) {
  return {
      .key = std::move(key), .target = Condition::Target::kModRevision, .comparison = Condition::Comparison::kLess, .number = revision + 1};
}

// The binding that decides is there and as it was, and none has come that would decide in its place. One that is deleted has no revision
// any more, so that it is there is asked apart.
void RequireSameBinding(const PresentInstance& present, const InstanceName& name, std::vector<Condition>* conditions) {
  const discovery::Bindings& bindings = present.catalog->claims()->bindings();
  const discovery::Binding& deciding = bindings.all()[bindings.Find(name.cluster, name.service)];
  const std::string any(discovery::kAny);
  const std::pair<std::string, std::string> most_specific_first[] = {
      {name.cluster, name.service}, {name.cluster, any}, {any, name.service}, {any, any}};
  for (const auto& [cluster, service] : most_specific_first) {
    const Key key = discovery::BindingKey(cluster, service);
    conditions->push_back(NotPutAfter(key, present.claims_revision));
    if (deciding.cluster != cluster || deciding.service != service) continue;
    // What holds by default need not be stored.
    const bool by_default = cluster == any && service == any && deciding.schema == discovery::kDefaultSchema;
    if (!by_default) conditions->push_back({.key = key, .target = Condition::Target::kExists, .exists = true});
    return;
  }
}

}  // namespace

void RequireSame(const PresentInstance& present, const InstanceName& name, Transaction* transaction) {
  const Key record = discovery::InstanceRecordKey(name);
  const discovery::Ownership& owner = present.ownership;
  transaction->conditions.push_back({.key = record, .target = Condition::Target::kModRevision, .number = owner.record_revision});
  RequireSameBinding(present, name, &transaction->conditions);
  transaction->conditions.push_back(NotPutAfter(discovery::SchemaKey(present.schema->name), present.claims_revision));
  // That of before, if it has come since, is not known yet: what is left under it would stay.
  if (discovery::SchemaNameFault(owner.schema).empty() && owner.schema != present.schema->name) {
    transaction->conditions.push_back(NotPutAfter(discovery::SchemaKey(owner.schema), present.claims_revision));
  }
  transaction->on_failure.push_back(storage::GetOperation{.key = record});
}

void RequireGuard(const std::optional<Guard>& guard, Transaction* transaction) {
  if (!guard.has_value()) return;
  transaction->conditions.push_back({.key = guard->key, .target = Condition::Target::kModRevision, .number = guard->revision});
  transaction->on_failure.push_back(storage::GetOperation{.key = guard->key});
}

std::optional<Revision> BrokenGuard(const std::optional<Guard>& guard, const storage::CommitResult& result) {
  // What RequireSame() reads stands before it.
  if (!guard.has_value() || !result.status.ok() || result.succeeded || result.results.size() < 2) return std::nullopt;
  const std::vector<Entry>& found = result.results[1].entries;
  const Revision revision = found.empty() ? 0 : found.front().mod_revision;
  return revision == guard->revision ? std::nullopt : std::optional<Revision>(revision);
}

absl::Status GuardBroken(const InstanceName& name) {
  return InstanceError(absl::StatusCode::kAborted, Reason::kFenced, name,
                       absl::StrCat("the session that asked to change instance ", name.id, " was opened on another stream, or has ended"));
}

void WhenCaughtUp(const Registrar::Parts& parts, const PresentInstance& present, const storage::CommitResult& result,
                  CatalogFeed::Waiter again) {
  // An operation's own condition is asked after those of the transaction, which have held.
  const bool conditions_failed = result.status.ok() && !result.succeeded && !result.results.empty();
  if (!conditions_failed) return parts.feed->WhenAt(result.revision, std::move(again));
  const std::vector<Entry>& record = result.results.front().entries;
  const Revision record_revision = record.empty() ? 0 : record.front().mod_revision;
  if (record_revision != present.ownership.record_revision) return parts.feed->WhenAt(result.revision, std::move(again));
  parts.feed->WhenApplied(result.revision, std::move(again));
}

EntriesByKey ByKey(const StoredInstance& stored, const Schema& schema, const InstanceName& name) {
  EntriesByKey entries;
  for (const auto& [property, entry] : stored.entries) entries[KeyOf(schema, name, property)] = &entry;
  return entries;
}

void PutEntries(const std::vector<KeyValue>& wanted, EntriesByKey stored, LeaseId lease_id, Leases leases,
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

void CommitChecked(storage::Store* store, Transaction transaction, storage::Done<storage::CommitResult> done) {
  const int operations_max = store->traits().operations_max;
  if (transaction.on_success.size() > static_cast<size_t>(operations_max)) {
    return std::move(done)({.status = storage::TransactionTooLarge(absl::StrCat(
                                "the change writes ", transaction.on_success.size(), " keys, of which the store takes at most ",
                                operations_max, " at once; a schema that keeps properties together needs fewer"))});
  }
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

bool IsConditionFailed(const absl::Status& status) { return ReasonOf(status) == Reason::kConditionFailed; }

Revision CatalogRevision(const Registrar::Parts& parts) {
  const std::shared_ptr<discovery::Catalog> catalog = parts.feed->catalog();
  return catalog == nullptr ? 0 : catalog->revision();
}

void AnswerAt(const Registrar::Parts& parts, Revision revision, InstanceName name, Revision epoch, Effect effect, Registrar::Done done) {
  parts.feed->WhenAt(revision, [&parts, revision, name = std::move(name), epoch, effect,
                                done = std::move(done)](absl::Status status) mutable {
    ChangedInstance changed{.status = std::move(status), .revision = revision, .instance = nullptr, .unchanged = effect == Effect::kNone};
    if (changed.status.ok()) {
      const Revision shown = CatalogRevision(parts);
      changed.instance = parts.feed->catalog()->FindInstance(name);
      // What is shown is the newest, but never another owner's: its epoch must not come into the hands of this one.
      if (changed.instance == nullptr) {
        changed.status = InstanceNotFound(name);
      } else if (changed.instance->epoch != epoch) {
        changed.status = Fenced(name, epoch, changed.instance->epoch);
      }
      if (!changed.status.ok()) changed.revision = shown;
    } else if (effect == Effect::kCommitted) {
      changed.status = NotShownYet(revision, changed.status);
    }
    std::move(done)(std::move(changed));
  });
}

void AnswerRepeated(const Registrar::Parts& parts, Revision revision, InstanceName name, Unowned unowned, Registrar::Done done) {
  parts.feed->WhenAt(
      revision, [&parts, revision, name = std::move(name), unowned, done = std::move(done)](const absl::Status& status) mutable {
        ChangedInstance changed{.status = status, .revision = revision, .instance = nullptr, .unchanged = true, .replayed = true};
        if (!status.ok()) {
          changed.status = NotShownYet(revision, status);
          return std::move(done)(std::move(changed));
        }
        const Revision shown = CatalogRevision(parts);
        discovery::InstancePtr instance = parts.feed->catalog()->FindInstance(name);
        const std::string carried_out = absl::StrCat("; this request was carried out at revision ", revision);
        // Who owned it then has it with an epoch of then.
        const bool same_owner = instance != nullptr && instance->epoch <= revision && (instance->epoch != 0 || unowned == Unowned::kShown);
        if (same_owner) {
          changed.instance = std::move(instance);
        } else if (instance == nullptr) {
          changed.status = InstanceError(absl::StatusCode::kNotFound, Reason::kInstanceNotFound, name,
                                         absl::StrCat("instance ", name.id, " is not there any more", carried_out));
        } else {
          changed.status = InstanceError(
              absl::StatusCode::kAborted, Reason::kFenced, name,
              absl::StrCat("instance ", name.id, " has another owner by now, or none: its epoch is ", instance->epoch, carried_out));
        }
        if (!changed.status.ok()) changed.revision = shown;
        std::move(done)(std::move(changed));
      });
}

}  // namespace scoutlight::server
