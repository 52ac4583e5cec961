#include "server/discovery/deregistering.h"

#include <utility>

#include "base/key.h"
#include "base/limits.h"
#include "discovery/catalog.h"
#include "discovery/key_pattern.h"
#include "discovery/stored_instance.h"
#include "discovery/system_records.h"
#include "server/discovery/instance_change.h"
#include "server/discovery/store_requests.h"

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
  if (!present.ok()) return End(present.status(), 0);
  present_ = *std::move(present);
  const InstanceName& name = deregistration_.name;
  const Ownership& owner = present_.ownership;
  if (!present_.stored.exists()) return End(absl::OkStatus(), present_.revision);
  if (deregistration_.epoch != 0 && deregistration_.epoch != owner.epoch) {
    return End(Fenced(name, deregistration_.epoch, owner.epoch), present_.revision);
  }
  Transaction transaction;
  transaction.origin = deregistration_.origin;
  RequireSame(present_, name, &transaction);
  RequireGuard(deregistration_.guard, &transaction);
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
  // What it has now is not what was removed then.
  if (result.replayed) return AnswerRemoved(result.revision, true, true);
  if (result.status.ok() && result.succeeded) {
    if (own_lease_ != 0) RevokeLease(parts_.store, own_lease_, deregistration_.origin.connection);
    return AnswerRemoved(result.revision, result.changed, false);
  }
  guard_found_ = BrokenGuard(deregistration_.guard, result);
  if (guard_found_.has_value()) return End(GuardBroken(deregistration_.name), result.revision);
  if (!result.status.ok() && !IsConditionFailed(result.status)) return End(result.status, result.revision);
  if (++tries_ == limits::kContendedTriesMax) return End(Contended(deregistration_.name), result.revision);
  WhenCaughtUp(parts_, present_, result, [self = shared_from_this(), revision = result.revision](const absl::Status& status) {
    if (!status.ok()) return self->End(status, revision);
    self->Try();
  });
}

void Deregistering::AnswerRemoved(Revision revision, bool found, bool replayed) {
  parts_.feed->WhenAt(revision, [self = shared_from_this(), revision, found, replayed](const absl::Status& status) {
    const absl::Status shown = status.ok() ? status : NotShownYet(revision, status);
    std::move(self->done_)({.status = shown, .revision = revision, .instance = nullptr, .unchanged = !found, .replayed = replayed});
  });
}

void Deregistering::End(const absl::Status& status, Revision revision) {
  if (absl::IsUnknown(status)) return Answer(status, revision);
  AskCarriedOut(parts_.store, deregistration_.origin, [self = shared_from_this(), status, revision](const storage::CommitResult& known) {
    if (!known.status.ok()) return self->Answer(known.status, known.revision);
    if (known.replayed) return self->AnswerRemoved(known.revision, true, true);
    self->Answer(status, revision);
  });
}

bool Deregistering::EndHold() {
  const InstanceName& name = deregistration_.name;
  const discovery::InstancePtr held = present_.catalog->FindInstance(name);
  if (held != nullptr && deregistration_.epoch != 0 && deregistration_.epoch != held->epoch) return false;
  // One that is not held is no loss either, if its owner says so.
  return parts_.feed->ConfirmLoss({name.cluster, name.service}, {name.id}) > 0;
}

void Deregistering::Answer(const absl::Status& status, Revision revision) {
  if (revision == 0) revision = CatalogRevision(parts_);
  const bool found = status.ok() && EndHold();
  std::move(done_)({.status = status, .revision = revision, .instance = nullptr, .unchanged = !found, .guard_found = guard_found_});
}

}  // namespace scoutlight::server
