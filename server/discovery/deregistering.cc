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
                      [self = shared_from_this()](absl::StatusOr<PresentInstance> present) { self->Begin(std::move(present)); });
}

void Deregistering::Begin(absl::StatusOr<PresentInstance> present) {
  if (!present.ok()) return Answer(present.status(), 0, false);
  present_ = *std::move(present);
  const InstanceName& name = deregistration_.name;
  const Ownership& owner = present_.ownership;
  if (!present_.stored.exists()) return Answer(absl::OkStatus(), present_.revision, true);
  if (deregistration_.epoch != 0 && deregistration_.epoch != owner.epoch) {
    return Answer(Fenced(name, deregistration_.epoch, owner.epoch), present_.revision, false);
  }
  Transaction transaction;
  transaction.origin.connection = deregistration_.connection;
  RequireSame(present_, name, &transaction);
  DropLeft(present_, name, &transaction.on_success);
  DeleteEntries(*present_.schema, &transaction);
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
  if (result.status.ok() && result.succeeded) return OnRemoved(result);
  if (!result.status.ok() && !IsConditionFailed(result.status)) return Answer(result.status, result.revision, false);
  if (++tries_ == kChangeTriesMax) return Answer(Contended(deregistration_.name), result.revision, false);
  WhenCaughtUp(parts_, present_, result, [self = shared_from_this(), revision = result.revision](const absl::Status& status) {
    if (!status.ok()) return self->Answer(status, revision, false);
    self->Try();
  });
}

void Deregistering::OnRemoved(const storage::CommitResult& result) {
  if (own_lease_ != 0) RevokeLease(parts_.store, own_lease_, deregistration_.connection);
  parts_.feed->WhenAt(result.revision, [self = shared_from_this(), result](const absl::Status& status) {
    if (status.ok()) return self->Answer(status, result.revision, !result.changed);
    self->Answer(storage::OutcomeUnknown(absl::StrCat("it was removed at revision ", result.revision,
                                                      ", which this server does not show yet (", status.message(), ")")),
                 result.revision, false);
  });
}

void Deregistering::Answer(const absl::Status& status, Revision revision, bool unchanged) {
  if (revision == 0) revision = CatalogRevision(parts_);
  std::move(done_)({.status = status, .revision = revision, .instance = nullptr, .unchanged = unchanged});
}

}  // namespace scoutlight::server
