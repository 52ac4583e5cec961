#include "server/discovery/instance_change.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "discovery/catalog.h"
#include "discovery/key_pattern.h"
#include "server/discovery/instance_conversion.h"
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
                       absl::StrCat("others kept changing the instance ", name.id, ", ", kChangeTriesMax, " times in a row"));
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

Condition RecordIs(const InstanceName& name, Revision revision) {
  return {.key = discovery::InstanceRecordKey(name), .target = Condition::Target::kModRevision, .number = revision};
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

void RevokeLease(storage::Store* store, LeaseId id, uint64_t connection) {
  storage::RevokeRequest revoke{.id = id, .origin = {}};
  revoke.origin.connection = connection;
  store->RevokeLease(std::move(revoke), [](const storage::CommitResult&) {});
}

bool IsConditionFailed(const absl::Status& status) { return ReasonOf(status) == Reason::kConditionFailed; }

void AnswerAt(const Registrar::Parts& parts, Revision revision, InstanceName name, Revision epoch, Effect effect, Registrar::Done done) {
  parts.feed->WhenAt(revision, [&parts, revision, name = std::move(name), epoch, effect,
                                done = std::move(done)](absl::Status status) mutable {
    ChangedInstance changed{.status = std::move(status), .revision = revision, .instance = nullptr, .unchanged = effect == Effect::kNone};
    if (changed.status.ok()) {
      changed.instance = parts.feed->catalog()->FindInstance(name);
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

}  // namespace scoutlight::server
