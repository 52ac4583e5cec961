#include "server/discovery/deregistering.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/key.h"
#include "discovery/catalog.h"
#include "discovery/key_pattern.h"
#include "discovery/stored_instance.h"
#include "discovery/system_records.h"
#include "server/discovery/instance_change.h"
#include "storage/store_errors.h"

namespace scoutlight::server {

using discovery::InstanceName;
using discovery::Ownership;
using discovery::Schema;
using storage::DeleteOperation;
using storage::Transaction;

void Deregistering::Try() {
  ReadPresentInstance(parts_.store, *parts_.feed, deregistration_.name,
                      [self = shared_from_this()](const absl::StatusOr<PresentInstance>& present) { self->Begin(present); });
}

void Deregistering::Begin(const absl::StatusOr<PresentInstance>& present) {
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

void Deregistering::DeleteEntries(const Schema& schema, Transaction* transaction) const {
  const discovery::KeyPattern& pattern = schema.layout.pattern();
  const Key node = pattern.InstanceKey(deregistration_.name);
  if (pattern.has_property()) transaction->on_success.push_back(DeleteOperation{.range = {node, Scope::kChildren}});
  if (pattern.has_own_key()) transaction->on_success.push_back(DeleteOperation{.range = {node, Scope::kKey}});
}

void Deregistering::OnCommitted(const storage::CommitResult& result) {
  const bool again = IsConditionFailed(result.status) || (result.status.ok() && !result.succeeded);
  if (!result.status.ok() && !again) return Answer(result.status, result.revision, false);
  if (again && ++tries_ == kChangeTriesMax) return Answer(Contended(deregistration_.name), result.revision, false);
  if (!again && own_lease_ != 0) RevokeLease(parts_.store, own_lease_, deregistration_.connection);
  parts_.feed->WhenAt(result.revision, [self = shared_from_this(), result, again](const absl::Status& status) {
    if (again && status.ok()) return self->Try();
    if (again || status.ok()) return self->Answer(status, result.revision, !result.changed);
    self->Answer(storage::OutcomeUnknown(absl::StrCat("it was removed at revision ", result.revision,
                                                      ", which this server does not show yet (", status.message(), ")")),
                 result.revision, false);
  });
}

void Deregistering::Answer(const absl::Status& status, Revision revision, bool unchanged) {
  std::move(done_)({.status = status, .revision = revision, .instance = nullptr, .unchanged = unchanged});
}

}  // namespace scoutlight::server
