#include "server/discovery/session.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"

namespace scoutlight::server {

absl::Status OpenedElsewhere() {
  ErrorDetails details;
  details.reason = Reason::kFenced;
  return MakeError(absl::StatusCode::kAborted, "the session was opened on another stream, which goes on in its place", details);
}

namespace {

absl::Status OpeningContended() {
  ErrorDetails details;
  details.reason = Reason::kContended;
  details.retry_after = absl::Seconds(1);
  return MakeError(absl::StatusCode::kAborted,
                   absl::StrCat("others kept opening the session at the same time, ", limits::kContendedTriesMax, " times in a row"),
                   details);
}

}  // namespace

void Session::Open() { ReadRecord(); }

void Session::ReadRecord() {
  host_.ReadRecord([this](const SessionHost::RecordRead& read) { OnRecordRead(read); });
}

void Session::OnRecordRead(const SessionHost::RecordRead& read) {
  if (!read.status.ok()) return End(read.status);
  expected_ = read.record_revision;
  resumed_ = false;
  lease_before_ = read.record.has_value() ? read.record->lease_id : 0;
  if (lease_before_ == 0 || read.record->ttl != ttl_) return TakeLease();
  host_.Renew(lease_before_, [this](const SessionHost::Lease& lease) {
    if (absl::IsNotFound(lease.status)) return TakeLease();
    if (!lease.status.ok()) return End(lease.status);
    resumed_ = true;
    lease_ = lease_before_;
    PutRecord();
  });
}

void Session::TakeLease() {
  if (granted_ != 0) {
    lease_ = granted_;
    return PutRecord();
  }
  host_.Grant(ttl_, [this](const SessionHost::Lease& lease) {
    if (!lease.status.ok()) return End(lease.status);
    granted_ = lease_ = lease.id;
    PutRecord();
  });
}

void Session::PutRecord() {
  host_.PutRecord({.lease_id = lease_, .ttl = ttl_}, expected_, [this](const SessionHost::RecordChange& put) { OnRecordPut(put); });
}

void Session::OnRecordPut(const SessionHost::RecordChange& put) {
  if (ReasonOf(put.status) == Reason::kLeaseNotFound) {
    if (lease_ == granted_) granted_ = 0;
    return PutAgain();
  }
  if (!put.status.ok()) {
    // If the outcome is unknown, the record may name it.
    if (absl::IsUnknown(put.status)) granted_ = 0;
    return End(put.status);
  }
  if (put.held) {
    incarnation_ = put.record_revision;
    if (granted_ != 0 && granted_ != lease_) host_.Revoke(granted_, [](const SessionHost::Lease&) {});
    granted_ = 0;
    return OnOpen(put.revision);
  }
  if (phase_ == Phase::kRenewing && put.record_revision != 0 && put.record_revision != incarnation_) return End(OpenedElsewhere());
  expected_ = put.record_revision;
  PutAgain();
}

void Session::PutAgain() {
  if (++tries_ == limits::kContendedTriesMax) return End(OpeningContended());
  if (phase_ == Phase::kOpening) return ReadRecord();
  TakeLease();
}

void Session::OnOpen(Revision revision) {
  const bool first = phase_ == Phase::kOpening;
  phase_ = Phase::kOpen;
  if (first) {
    host_.SendOpened(lease_, resumed_, revision);
    return host_.ReadNext();
  }
  if (leave_pending_) return BeginLeaving();
  if (heartbeat_pending_) FinishHeartbeat(revision);
  Pump();
}

void Session::OnLeaseEnded() {
  if (phase_ != Phase::kOpen) return;
  phase_ = Phase::kLapsed;
  for (auto member = members_.begin(); member != members_.end(); ++member) {
    if (member->second.wanted && member->second.epoch != 0) {
      Lose(member, 0);
    } else {
      MarkDue(member);
    }
  }
  // The client's message is here already, or waits for what only another lease can bring.
  if (heartbeat_pending_ || read_pending_) RenewSession();
}

void Session::RenewSession() {
  phase_ = Phase::kRenewing;
  tries_ = 0;
  expected_ = 0;  // The record has gone with the lease.
  TakeLease();
}

absl::Status Session::Declare(Declaration declaration) {
  absl::StatusOr<std::optional<Declaration>> whole = parts_.Add(std::move(declaration));
  if (!whole.ok()) return whole.status();
  if (whole->has_value()) {
    if (absl::Status wrong = CheckWanted(**whole); !wrong.ok()) return wrong;
    TakeDeclaration(**std::move(whole));
  }
  if (phase_ == Phase::kLapsed) RenewSession();
  read_pending_ = true;
  Pump();
  return absl::OkStatus();
}

void Session::Heartbeat(const std::vector<SoftUpdate>& updates) {
  for (const SoftUpdate& update : updates) {
    const auto member = members_.find(update.name);
    if (member == members_.end() || !member->second.wanted || member->second.epoch == 0) continue;
    host_.SetSoftValues(update.name, member->second.epoch, update.soft);
  }
  heartbeat_pending_ = true;
  if (phase_ == Phase::kLapsed) RenewSession();
  if (phase_ == Phase::kOpen) CheckRecord();
}

void Session::CheckRecord() {
  host_.ReadRecord([this, incarnation = incarnation_](const SessionHost::RecordRead& read) {
    // The lease has ended meanwhile, and another answers the heartbeat.
    if (phase_ != Phase::kOpen || incarnation_ != incarnation) return;
    if (!read.status.ok()) return End(read.status);
    if (read.record_revision == 0) return OnLeaseEnded();
    if (read.record_revision != incarnation_) return End(OpenedElsewhere());
    RenewLease();
  });
}

void Session::RenewLease() {
  host_.Renew(lease_, [this, incarnation = incarnation_](const SessionHost::Lease& lease) {
    if (phase_ != Phase::kOpen || incarnation_ != incarnation) return;
    if (absl::IsNotFound(lease.status)) return OnLeaseEnded();
    if (!lease.status.ok()) return End(lease.status);
    FinishHeartbeat(lease.revision);
    Pump();
  });
}

void Session::FinishHeartbeat(Revision revision) {
  heartbeat_pending_ = false;
  host_.SendAlive(lease_, revision);
  RetryRefused();
  host_.ReadNext();
}

void Session::Leave() {
  parts_.Drop();
  if (phase_ == Phase::kRenewing) {
    leave_pending_ = true;
    return;
  }
  BeginLeaving();
}

void Session::BeginLeaving() {
  phase_ = Phase::kLeaving;
  for (auto member = members_.begin(); member != members_.end(); ++member) {
    if (member->second.wanted) Unwant(member, false);
  }
  if (!std::exchange(declared_, true)) FindEarlier();
  Pump();
}

void Session::FinishLeaving() {
  if (phase_ != Phase::kLeaving || !members_.empty() || finding_earlier_ || !earlier_.empty() || std::exchange(deleting_record_, true))
    return;
  host_.DeleteRecord(incarnation_, [this](const SessionHost::RecordChange& deleted) {
    if (!deleted.status.ok()) return End(deleted.status);
    if (!deleted.held && deleted.record_revision != 0) return End(OpenedElsewhere());
    host_.Revoke(lease_, [this, revision = deleted.revision](const SessionHost::Lease& lease) {
      host_.SendLeft(fenced_, std::max(revision, lease.revision));
      End(absl::OkStatus());
    });
  });
}

void Session::End(const absl::Status& status) {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kEnded;
  if (granted_ != 0) host_.Revoke(granted_, [](const SessionHost::Lease&) {});
  host_.End(status);
}

}  // namespace scoutlight::server
