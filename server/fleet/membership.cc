#include "server/fleet/membership.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/fleet/fleet_parts.h"

namespace scoutlight::server {
namespace {

const absl::Duration kRenewEvery = kServerTtl / 3;

}  // namespace

void Membership::Join(ServerRecord record) {
  record_ = std::move(record);
  DrawId();
  due_ = parts_.clock->SinceBoot();
}

void Membership::DrawId() { id_ = absl::StrCat(absl::Hex(parts_.random(), absl::kZeroPad16)); }

void Membership::Leave() {
  record_ = std::nullopt;
  due_ = absl::InfiniteDuration();
  // Of one that is being put the answer sees to it.
  if (identity_.has_value()) Revoke(identity_->lease_id);
  identity_ = std::nullopt;
}

void Membership::OnGone(const std::string& id) {
  if (!identity_.has_value() || identity_->id != id) return;
  const LeaseId lease_id = identity_->lease_id;
  Lose();
  Revoke(lease_id);
}

void Membership::Serve(absl::Duration now) {
  if (now < due_ || asking_) return;
  due_ = absl::InfiniteDuration();
  asking_ = true;
  if (identity_.has_value()) return Renew();
  Grant();
}

void Membership::Grant() {
  parts_.store->GrantLease({.ttl = kServerTtl}, [this, post = parts_.post](storage::LeaseResult result) {
    post([this, result = std::move(result)] { OnGranted(result); });
  });
}

void Membership::OnGranted(const storage::LeaseResult& result) {
  asking_ = false;
  if (!record_.has_value()) {
    if (result.status.ok()) Revoke(result.lease.id);
    return;
  }
  if (!result.status.ok()) return TryAgain(result.status);
  asking_ = true;
  Put(result.lease.id);
}

void Membership::Put(LeaseId lease_id) {
  storage::Transaction transaction;
  transaction.on_success.push_back(
      storage::PutOperation{.key = ServerKey(id_), .value = {Value::Form::kText, EncodeServerRecord(*record_)}, .lease_id = lease_id});
  parts_.store->Commit(std::move(transaction), [this, post = parts_.post, lease_id](storage::CommitResult result) {
    post([this, lease_id, result = std::move(result)] { OnPut(lease_id, result); });
  });
}

void Membership::OnPut(LeaseId lease_id, const storage::CommitResult& result) {
  asking_ = false;
  if (!record_.has_value() || !result.status.ok()) Revoke(lease_id);
  if (!record_.has_value()) return;
  if (!result.status.ok()) {
    // It may have been there, and others may have seen it come and go.
    DrawId();
    return TryAgain(result.status);
  }
  identity_ = ServerIdentity{.id = id_, .lease_id = lease_id, .revision = result.revision};
  trouble_ = absl::OkStatus();
  due_ = parts_.clock->SinceBoot() + kRenewEvery;
  parts_.on_changed(identity_);
}

void Membership::Renew() {
  const LeaseId lease_id = identity_->lease_id;
  parts_.store->RenewLeases({lease_id}, 0, [this, post = parts_.post, lease_id](storage::Renewals renewals) {
    post([this, lease_id, renewals = std::move(renewals)] { OnRenewed(lease_id, renewals); });
  });
}

void Membership::OnRenewed(LeaseId lease_id, const storage::Renewals& renewals) {
  asking_ = false;
  if (!identity_.has_value() || identity_->lease_id != lease_id) return;
  const absl::Status status = renewals.results.empty() ? absl::UnavailableError("no answer") : renewals.results[0].status;
  if (absl::IsNotFound(status)) return Lose();
  due_ = parts_.clock->SinceBoot() + (status.ok() ? kRenewEvery : kFleetRetry);
}

void Membership::Lose() {
  identity_ = std::nullopt;
  DrawId();
  due_ = parts_.clock->SinceBoot();
  parts_.on_changed(identity_);
}

void Membership::TryAgain(const absl::Status& why) {
  due_ = parts_.clock->SinceBoot() + kFleetRetry;
  trouble_ = why;
}

void Membership::Revoke(LeaseId lease_id) {
  // If this fails, it ends by itself.
  parts_.store->RevokeLease({.id = lease_id}, [](const storage::CommitResult&) {});
}

}  // namespace scoutlight::server
