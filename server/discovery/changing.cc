#include "server/discovery/changing.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "discovery/catalog.h"
#include "discovery/names.h"
#include "discovery/stored_instance.h"
#include "server/discovery/instance_conversion.h"
#include "storage/store_errors.h"

namespace scoutlight::server {

using discovery::Catalog;
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
                      [self = shared_from_this()](const absl::StatusOr<PresentInstance>& present) { self->Begin(present); });
}

void Changing::Begin(const absl::StatusOr<PresentInstance>& present) {
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
  if (absl::Status wrong = CheckProperties(schema, name, properties, "set_"); !wrong.ok()) return Fail(wrong);
  std::vector<KeyValue> wanted = schema.layout.Encode(name, properties);
  if (owner.epoch == 0 && wanted.empty()) return Fail(NothingLeft());
  EntriesByKey stored = ByKey(present->stored, schema, name);
  // Of several keys only those that are named, or come from before: others may hold what cannot be read.
  if (schema.layout.serializer().key_per_property() && !update_.replace) LeaveOthers(schema, moved, &wanted, &stored);
  Commit(*present, wanted, std::move(stored));
}

absl::Status Changing::ReadProperties(const PresentInstance& present, Properties* properties, std::vector<std::string>* moved) const {
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

void Changing::Commit(const PresentInstance& present, const std::vector<KeyValue>& wanted, EntriesByKey stored) {
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
    return AnswerAt(parts_, present.catalog->revision(), name, owner.epoch, Effect::kNone, std::move(done_));
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
  if (result.status.ok() && result.succeeded) {
    return AnswerAt(parts_, result.revision, update_.name, epoch_, Effect::kCommitted, std::move(done_));
  }
  // A lease that has just ended takes the instance with it.
  const bool again = IsConditionFailed(result.status) || result.status.ok() || ReasonOf(result.status) == Reason::kLeaseNotFound;
  if (!again) return Fail(result.status);
  if (++tries_ == kChangeTriesMax) return Fail(Contended(update_.name));
  parts_.feed->WhenAt(result.revision, [self = shared_from_this()](const absl::Status& status) {
    if (!status.ok()) return self->Fail(status);
    self->Try();
  });
}

void Changing::Fail(const absl::Status& status) {
  const std::shared_ptr<Catalog> catalog = parts_.feed->catalog();
  std::move(done_)({.status = status, .revision = catalog == nullptr ? 0 : catalog->revision(), .instance = nullptr});
}

}  // namespace scoutlight::server
