#include "server/discovery/changing.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/names.h"
#include "discovery/stored_instance.h"
#include "server/discovery/instance_conversion.h"
#include "server/discovery/store_requests.h"
#include "storage/store_errors.h"

namespace scoutlight::server {

using discovery::InstanceName;
using discovery::KeyValue;
using discovery::Ownership;
using discovery::Properties;
using discovery::Schema;
using storage::Transaction;

namespace {

absl::Status Unreadable(const discovery::Problem& problem) {
  return InvalidField(Reason::kInvalidField, "replace",
                      absl::StrCat("is false, but what is stored cannot be read as a whole (", problem.property, " ", problem.message,
                                   "): set all properties with `replace`"));
}

absl::Status NothingLeft() {
  return InvalidField(Reason::kInvalidField, "remove_properties", "would leave nothing of an instance that has no record; deregister it");
}

}  // namespace

void Changing::Try() {
  ReadPresentInstance(parts_.store, *parts_.feed, update_.name,
                      [self = shared_from_this()](absl::StatusOr<PresentInstance> present) { self->Begin(std::move(present)); });
}

void Changing::Begin(absl::StatusOr<PresentInstance> present) {
  if (!present.ok()) return Fail(present.status());
  present_ = *std::move(present);
  const InstanceName& name = update_.name;
  const Ownership& owner = present_.ownership;
  if (!present_.stored.exists()) return Fail(InstanceNotFound(name), present_.revision);
  if (update_.epoch != 0 && update_.epoch != owner.epoch) return Fail(Fenced(name, update_.epoch, owner.epoch), present_.revision);
  const Schema& schema = *present_.schema;
  Properties properties;
  std::vector<std::string> moved;
  if (absl::Status unreadable = ReadProperties(&properties, &moved); !unreadable.ok()) return Fail(unreadable, present_.revision);
  for (const std::string& removed : update_.remove) properties.erase(removed);
  for (const auto& [property, value] : update_.set) properties[property] = value;
  if (absl::Status wrong = CheckProperties(schema, name, properties, "set_"); !wrong.ok()) {
    return Fail(WithStoredOnes(wrong, properties), present_.revision);
  }
  std::vector<KeyValue> wanted = schema.layout.Encode(name, properties);
  if (owner.epoch == 0 && wanted.empty()) return Fail(NothingLeft(), present_.revision);
  EntriesByKey stored = ByKey(present_.stored, schema, name);
  // Of several keys only those that are named, or come from before: others may hold what cannot be read.
  if (schema.layout.serializer().key_per_property() && !update_.replace) LeaveOthers(schema, moved, &wanted, &stored);
  Commit(wanted, std::move(stored));
}

absl::Status Changing::WithStoredOnes(const absl::Status& wrong, const Properties& properties) const {
  std::vector<FieldViolation> violations = DetailsOf(wrong).value_or(ErrorDetails()).violations;
  for (const auto& [property, value] : properties) {
    if (update_.set.contains(property)) continue;
    const std::string field = absl::StrCat("set_properties.", property);
    for (FieldViolation& violation : violations) {
      if (violation.field == field) violation.description = absl::StrCat("is not set here, and what is stored ", violation.description);
    }
  }
  return InvalidFields(Reason::kInvalidField, std::move(violations));
}

absl::Status Changing::ReadProperties(Properties* properties, std::vector<std::string>* moved) const {
  if (update_.replace) return absl::OkStatus();
  discovery::DecodedProperties decoded = discovery::StoredProperties(present_.stored, *present_.schema);
  if (!present_.schema->layout.serializer().key_per_property() && !decoded.problems.empty()) return Unreadable(decoded.problems.front());
  *properties = std::move(decoded.properties);
  if (present_.left.entries.empty()) return absl::OkStatus();
  decoded = discovery::StoredProperties(present_.left, *present_.written);
  // Their keys go, so what cannot be read would be lost.
  if (!decoded.problems.empty()) return Unreadable(decoded.problems.front());
  for (auto& [property, value] : decoded.properties) {
    if (properties->try_emplace(property, std::move(value)).second) moved->push_back(property);
  }
  return absl::OkStatus();
}

void Changing::Commit(const std::vector<KeyValue>& wanted, EntriesByKey stored) {
  const InstanceName& name = update_.name;
  const Ownership& owner = present_.ownership;
  Transaction transaction;
  transaction.origin = update_.origin;
  RequireSame(present_, name, &transaction);
  // What was written by hand stays on the leases that it was put on.
  const LeaseId lease_id = owner.epoch != 0 ? owner.lease_id : discovery::ReadInstance(name, present_.stored, *present_.schema).lease_id;
  PutEntries(wanted, std::move(stored), lease_id, owner.epoch == 0 ? Leases::kKeep : Leases::kMove, &transaction.on_success);
  DropLeft(present_, name, &transaction.on_success);
  // A record that names another schema keeps the instance out of work, whatever its entries say.
  const bool moves = owner.epoch != 0 && !owner.schema.empty() && owner.schema != present_.schema->name;
  if (transaction.on_success.empty() && !moves) {
    return AnswerUnchanged();
  }
  // The record too, so that whoever changes the registration at the same time sees that somebody else does.
  if (owner.epoch != 0) {
    transaction.on_success.push_back(PutRecord(name,
                                               {.status = owner.status,
                                                .epoch = owner.epoch,
                                                .session = owner.session,
                                                .schema = present_.schema->name,
                                                .owns_lease = owner.owns_lease,
                                                .registered_at = owner.registered_at},
                                               owner.lease_id));
  }
  CommitChecked(parts_.store, std::move(transaction),
                [self = shared_from_this()](const storage::CommitResult& result) { self->OnCommitted(result); });
}

void Changing::LeaveOthers(const Schema& schema, const std::vector<std::string>& moved, std::vector<KeyValue>* wanted,
                           EntriesByKey* stored) const {
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

void Changing::OnCommitted(const storage::CommitResult& result) {
  if (result.replayed) return AnswerRepetition(result.revision);
  if (result.status.ok() && result.succeeded) {
    return AnswerAt(parts_, result.revision, update_.name, present_.ownership.epoch, Effect::kCommitted, std::move(done_));
  }
  // A lease that has just ended takes the instance with it.
  const bool again = IsConditionFailed(result.status) || result.status.ok() || ReasonOf(result.status) == Reason::kLeaseNotFound;
  if (!again) return Fail(result.status, result.revision);
  if (++tries_ == limits::kContendedTriesMax) return Fail(Contended(update_.name), result.revision);
  WhenCaughtUp(parts_, present_, result, [self = shared_from_this()](const absl::Status& status) {
    if (!status.ok()) return self->Fail(status);
    self->Try();
  });
}

void Changing::AnswerUnchanged() {
  AskCarriedOut(parts_.store, update_.origin, [self = shared_from_this()](const storage::CommitResult& known) {
    if (!known.status.ok()) return self->AnswerError(known.status, known.revision);
    if (known.replayed) return self->AnswerRepetition(known.revision);
    AnswerAt(self->parts_, self->present_.revision, self->update_.name, self->present_.ownership.epoch, Effect::kNone,
             std::move(self->done_));
  });
}

void Changing::AnswerRepetition(Revision revision) {
  AnswerRepeated(parts_, revision, update_.name, update_.epoch == 0 ? Unowned::kShown : Unowned::kRefused, std::move(done_));
}

void Changing::Fail(const absl::Status& status, Revision revision) {
  if (absl::IsUnknown(status)) return AnswerError(status, revision);
  AskCarriedOut(parts_.store, update_.origin, [self = shared_from_this(), status, revision](const storage::CommitResult& known) {
    if (!known.status.ok()) return self->AnswerError(known.status, known.revision);
    if (known.replayed) return self->AnswerRepetition(known.revision);
    self->AnswerError(status, revision);
  });
}

void Changing::AnswerError(const absl::Status& status, Revision revision) {
  std::move(done_)({.status = status, .revision = revision == 0 ? CatalogRevision(parts_) : revision, .instance = nullptr});
}

}  // namespace scoutlight::server
