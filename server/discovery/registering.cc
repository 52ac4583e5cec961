#include "server/discovery/registering.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/stable_hash.h"
#include "discovery/stored_instance.h"
#include "discovery/system_records.h"
#include "server/discovery/instance_change.h"
#include "server/discovery/store_requests.h"
#include "storage/store_errors.h"

namespace scoutlight::server {

using discovery::InstanceName;
using discovery::Ownership;
using storage::Transaction;

void Registering::Try() {
  DrawId();
  ReadPresentInstance(parts_.store, *parts_.feed, registration_.name,
                      [self = shared_from_this()](absl::StatusOr<PresentInstance> present) { self->Begin(std::move(present)); });
}

void Registering::Begin(absl::StatusOr<PresentInstance> present) {
  if (!present.ok()) return Fail(present.status());
  present_ = *std::move(present);
  const InstanceName& name = registration_.name;
  const Ownership& owner = present_.ownership;
  same_owner_ = owner.epoch != 0 && owner.session == registration_.session;
  properties_ = registration_.properties;
  if (registration_.keep_stored && same_owner_) {
    for (const auto& [property, value] : StoredProperties(present_.stored, *present_.schema).properties) properties_[property] = value;
    // What somebody has written against the schema does not stay.
    if (!CheckProperties(*present_.schema, name, properties_, "").ok()) properties_ = registration_.properties;
  }
  if (absl::Status wrong = CheckProperties(*present_.schema, name, properties_, "instance."); !wrong.ok())
    return Fail(wrong, present_.revision);
  if (owner.epoch != 0 && !same_owner_ && !registration_.take_over) return Fail(Owned(), present_.revision);
  if (!registration_.ttl.has_value()) return Commit(registration_.lease_id);
  if (granted_ != 0) return Commit(granted_);
  if (same_owner_ && owner.owns_lease) return RenewLease(owner.lease_id);
  GrantLease();
}

void Registering::DrawId() {
  std::string& id = registration_.name.id;
  if (!id.empty()) return;
  const storage::Origin& origin = registration_.origin;
  const uint64_t number = origin.request_id.empty() ? parts_.random() : StableHash().Add(origin.caller).Add(origin.request_id).value();
  id = absl::StrCat(absl::Hex(number, absl::kZeroPad16));
}

absl::Status Registering::Owned() const {
  const InstanceName& name = registration_.name;
  return InstanceError(absl::StatusCode::kAlreadyExists, Reason::kInstanceOwned, name,
                       absl::StrCat("another session owns instance ", name.id, " (epoch ", present_.ownership.epoch,
                                    "); it can be had when its lease ends, or with take_over"));
}

void Registering::RenewLease(LeaseId id) {
  parts_.store->RenewLeases({id}, registration_.origin.connection, [self = shared_from_this(), id](const storage::Renewals& renewals) {
    const storage::RenewResult& result = renewals.results.front();
    if (result.status.ok() && result.ttl == *self->registration_.ttl) return self->Commit(id);
    self->GrantLease();
  });
}

void Registering::GrantLease() {
  storage::GrantRequest grant{.id = 0, .ttl = *registration_.ttl, .origin = {}};
  grant.origin.connection = registration_.origin.connection;
  parts_.store->GrantLease(std::move(grant), [self = shared_from_this()](const storage::LeaseResult& result) {
    if (!result.status.ok()) return self->Fail(result.status, result.revision);
    self->granted_ = result.lease.id;
    self->Commit(result.lease.id);
  });
}

void Registering::Commit(LeaseId lease_id) {
  const InstanceName& name = registration_.name;
  const Ownership& owner = present_.ownership;
  lease_used_ = lease_id;
  discovery::InstanceRecord record{.status = same_owner_ && registration_.keep_status ? owner.status : discovery::Status::kUp,
                                   .epoch = same_owner_ ? owner.epoch : 0,
                                   .session = registration_.session,
                                   .schema = present_.schema->name,
                                   .owns_lease = registration_.ttl.has_value(),
                                   .registered_at = same_owner_ ? owner.registered_at : parts_.clock->Now()};
  Transaction transaction;
  transaction.origin = registration_.origin;
  RequireSame(present_, name, &transaction);
  RequireGuard(registration_.guard, &transaction);
  PutEntries(present_.schema->layout.Encode(name, properties_), ByKey(present_.stored, *present_.schema, name), lease_id, Leases::kMove,
             &transaction.on_success);
  DropLeft(present_, name, &transaction.on_success);
  const bool same_record = same_owner_ && owner.lease_id == lease_id && owner.owns_lease == record.owns_lease &&
                           owner.status == record.status && owner.schema == record.schema;
  if (same_record && transaction.on_success.empty()) {
    return AnswerUnchanged();
  }
  transaction.on_success.push_back(PutRecord(name, record, lease_id));
  CommitChecked(parts_.store, std::move(transaction),
                [self = shared_from_this()](const storage::CommitResult& result) { self->OnCommitted(result); });
}

void Registering::OnCommitted(const storage::CommitResult& result) {
  if (result.replayed) return AnswerRepetition(result.revision);
  const Ownership& owner = present_.ownership;
  if (result.status.ok() && result.succeeded) {
    if (granted_ == lease_used_) granted_ = 0;
    DropGranted();
    if (owner.owns_lease && owner.lease_id != lease_used_) {
      RevokeLease(parts_.store, owner.lease_id, registration_.origin.connection);
    }
    return AnswerAt(parts_, result.revision, registration_.name, same_owner_ ? owner.epoch : result.revision, Effect::kCommitted,
                    std::move(done_));
  }
  guard_found_ = BrokenGuard(registration_.guard, result);
  if (guard_found_.has_value()) return Fail(GuardBroken(registration_.name), result.revision);
  const bool lease_gone = ReasonOf(result.status) == Reason::kLeaseNotFound;
  if (lease_gone && !registration_.ttl.has_value()) return Fail(LeaseGone(), result.revision);
  if (!result.status.ok() && !lease_gone && !IsConditionFailed(result.status)) return Fail(result.status, result.revision);
  if (++tries_ == limits::kContendedTriesMax) return Fail(Contended(registration_.name), result.revision);
  // It ended while it was being used.
  if (lease_gone) granted_ = 0;
  // The catalog must have what came before.
  WhenCaughtUp(parts_, present_, result, [self = shared_from_this()](const absl::Status& status) {
    if (!status.ok()) return self->Fail(status);
    self->Try();
  });
}

absl::Status Registering::LeaseGone() const {
  ErrorDetails details;
  details.reason = Reason::kLeaseNotFound;
  details.resource = absl::StrCat(lease_used_);
  const std::string message = absl::StrCat("there is no lease ", lease_used_);
  details.violations = {{"lease_id", message}};
  return MakeError(absl::StatusCode::kFailedPrecondition, message, details);
}

void Registering::DropGranted() {
  if (granted_ != 0) RevokeLease(parts_.store, granted_, registration_.origin.connection);
  granted_ = 0;
}

void Registering::AnswerUnchanged() {
  AskCarriedOut(parts_.store, registration_.origin, [self = shared_from_this()](const storage::CommitResult& known) {
    if (!known.status.ok()) return self->AnswerError(known.status, known.revision);
    if (known.replayed) return self->AnswerRepetition(known.revision);
    self->DropGranted();
    AnswerAt(self->parts_, self->present_.revision, self->registration_.name, self->present_.ownership.epoch, Effect::kNone,
             std::move(self->done_));
  });
}

void Registering::AnswerRepetition(Revision revision) {
  DropGranted();
  AnswerRepeated(parts_, revision, registration_.name, Unowned::kRefused, std::move(done_));
}

void Registering::Fail(const absl::Status& status, Revision revision) {
  // If the outcome is unknown, the instance may be on the lease.
  if (absl::IsUnknown(status)) {
    granted_ = 0;
    return AnswerError(status, revision);
  }
  AskCarriedOut(parts_.store, registration_.origin, [self = shared_from_this(), status, revision](const storage::CommitResult& known) {
    if (!known.status.ok()) return self->AnswerError(known.status, known.revision);
    if (known.replayed) return self->AnswerRepetition(known.revision);
    self->AnswerError(status, revision);
  });
}

void Registering::AnswerError(const absl::Status& status, Revision revision) {
  DropGranted();
  if (revision == 0) revision = CatalogRevision(parts_);
  std::move(done_)({.status = status, .revision = revision, .instance = nullptr, .guard_found = guard_found_});
}

}  // namespace scoutlight::server
