#include "server/discovery/draining.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/instance.h"
#include "discovery/system_records.h"
#include "server/discovery/instance_change.h"
#include "server/discovery/instance_conversion.h"
#include "server/discovery/store_requests.h"

namespace scoutlight::server {

using discovery::InstanceName;
using discovery::Ownership;
using storage::Transaction;

namespace {

absl::Status NotRegistered(const InstanceName& name) {
  return InstanceError(absl::StatusCode::kFailedPrecondition, Reason::kNotRegistered, name,
                       absl::StrCat("instance ", name.id, " was written by hand and has no status; an override takes it out of work"));
}

}  // namespace

void Draining::Try() {
  ReadPresentInstance(parts_.store, *parts_.feed, change_.name,
                      [self = shared_from_this()](absl::StatusOr<PresentInstance> present) { self->Begin(std::move(present)); });
}

void Draining::Begin(absl::StatusOr<PresentInstance> present) {
  if (!present.ok()) return Fail(present.status());
  present_ = *std::move(present);
  const Ownership& owner = present_.ownership;
  if (!present_.stored.exists()) return Fail(InstanceNotFound(change_.name), present_.revision);
  if (owner.epoch == 0) return Fail(NotRegistered(change_.name), present_.revision);
  if (change_.epoch != 0 && change_.epoch != owner.epoch) {
    return Fail(Fenced(change_.name, change_.epoch, owner.epoch), present_.revision);
  }
  if (owner.status == discovery::Status::kDraining) return AnswerUnchanged();
  Commit();
}

void Draining::Commit() {
  const Ownership& owner = present_.ownership;
  Transaction transaction;
  transaction.origin = change_.origin;
  RequireSame(present_, change_.name, &transaction);
  // It stays where it was written.
  transaction.on_success.push_back(PutRecord(change_.name,
                                             {.status = discovery::Status::kDraining,
                                              .epoch = owner.epoch,
                                              .session = owner.session,
                                              .schema = owner.schema,
                                              .owns_lease = owner.owns_lease,
                                              .registered_at = owner.registered_at},
                                             owner.lease_id));
  CommitChecked(parts_.store, std::move(transaction),
                [self = shared_from_this()](const storage::CommitResult& result) { self->OnCommitted(result); });
}

void Draining::OnCommitted(const storage::CommitResult& result) {
  if (result.replayed) return AnswerRepetition(result.revision);
  if (result.status.ok() && result.succeeded) {
    return AnswerAt(parts_, result.revision, change_.name, present_.ownership.epoch, Effect::kCommitted, std::move(done_));
  }
  // A lease that has just ended takes the instance with it.
  const bool again = IsConditionFailed(result.status) || result.status.ok() || ReasonOf(result.status) == Reason::kLeaseNotFound;
  if (!again) return Fail(result.status, result.revision);
  if (++tries_ == limits::kContendedTriesMax) return Fail(Contended(change_.name), result.revision);
  WhenCaughtUp(parts_, present_, result, [self = shared_from_this()](const absl::Status& status) {
    if (!status.ok()) return self->Fail(status);
    self->Try();
  });
}

void Draining::AnswerUnchanged() {
  AskCarriedOut(parts_.store, change_.origin, [self = shared_from_this()](const storage::CommitResult& known) {
    if (!known.status.ok()) return self->AnswerError(known.status, known.revision);
    if (known.replayed) return self->AnswerRepetition(known.revision);
    // Not the state that was looked at, but since when it has been so.
    const Revision revision = self->present_.ownership.record_revision;
    AnswerAt(self->parts_, revision, self->change_.name, self->present_.ownership.epoch, Effect::kNone, std::move(self->done_));
  });
}

void Draining::AnswerRepetition(Revision revision) {
  AnswerRepeated(parts_, revision, change_.name, Unowned::kRefused,
                 [self = shared_from_this()](ChangedInstance changed) { self->AnswerIfDraining(std::move(changed)); });
}

void Draining::AnswerIfDraining(ChangedInstance changed) {
  if (!changed.status.ok()) return std::move(done_)(std::move(changed));
  const discovery::Instance& instance = *changed.instance;
  if (instance.status != discovery::Status::kDraining) {
    const absl::Status status =
        InstanceError(absl::StatusCode::kAborted, Reason::kFenced, change_.name,
                      absl::StrCat("the status of instance ", change_.name.id, " is ", discovery::StatusText(instance.status),
                                   " by now; this request made it ", discovery::StatusText(discovery::Status::kDraining), " at revision ",
                                   changed.revision));
    return std::move(done_)({.status = status, .revision = CatalogRevision(parts_), .instance = nullptr, .replayed = true});
  }
  // It may have been at work in between.
  changed.revision = std::max(changed.revision, instance.mod_revision);
  std::move(done_)(std::move(changed));
}

void Draining::Fail(const absl::Status& status, Revision revision) {
  if (absl::IsUnknown(status)) return AnswerError(status, revision);
  AskCarriedOut(parts_.store, change_.origin, [self = shared_from_this(), status, revision](const storage::CommitResult& known) {
    if (!known.status.ok()) return self->AnswerError(known.status, known.revision);
    if (known.replayed) return self->AnswerRepetition(known.revision);
    self->AnswerError(status, revision);
  });
}

void Draining::AnswerError(const absl::Status& status, Revision revision) {
  std::move(done_)({.status = status, .revision = revision == 0 ? CatalogRevision(parts_) : revision, .instance = nullptr});
}

}  // namespace scoutlight::server
