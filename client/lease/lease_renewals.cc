#include "client/lease/lease_renewals.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"

namespace scoutlight::client {
namespace {

namespace wire = ::scoutlight::registry::v1;

// A renewal that the server could not keep is tried again after this.
constexpr absl::Duration kFailedPause = absl::Milliseconds(500);

// When a lease of `ttl` is renewed, and how much earlier it goes along with others.
absl::Duration RenewalInterval(absl::Duration ttl) { return ttl / 3; }
absl::Duration EarlyBy(absl::Duration ttl) { return ttl / 12; }

}  // namespace

LeaseRenewals::LeaseRenewals(Options options)
    : options_(std::move(options)),
      backoff_(options_.unit_random),
      next_(options_.loop),
      answer_(options_.loop),
      reopening_(options_.loop) {}

LeaseRenewals::Handle LeaseRenewals::Add(LeaseId lease, absl::Duration ttl, OnChange on_change) {
  const Handle handle = ++last_;
  leases_.emplace(handle, Renewed{.lease = lease, .ttl = ttl, .on_change = std::move(on_change), .due_at = options_.loop->Now()});
  if (stream_ != nullptr) {
    next_.Set(absl::ZeroDuration(), [this] { Ask(); });
  } else if (!reopening_.is_set()) {
    Open();
  }
  return handle;
}

void LeaseRenewals::Remove(Handle handle) {
  leases_.erase(handle);
  CloseIfEmpty();
}

void LeaseRenewals::CloseIfEmpty() {
  if (!leases_.empty()) return;
  stream_.reset();
  next_.Clear();
  answer_.Clear();
  reopening_.Clear();
}

void LeaseRenewals::Open() {
  opened_at_ = options_.loop->Now();
  stream_ = options_.open({.on_message = [this](wire::KeepAliveResponse answer) { OnAnswer(std::move(answer)); },
                           .on_end = [this](const absl::Status& status) { OnEnd(status); }});
  SetNext();
}

void LeaseRenewals::SetNext() {
  if (stream_ == nullptr) return next_.Clear();
  SetAnswerDue();
  absl::Duration due_at = absl::InfiniteDuration();
  for (const auto& [handle, renewed] : leases_) {
    if (!renewed.is_asked) due_at = std::min(due_at, renewed.due_at);
  }
  if (due_at == absl::InfiniteDuration()) return next_.Clear();
  next_.Set(due_at - options_.loop->Now(), [this] { Ask(); });
}

void LeaseRenewals::SetAnswerDue() {
  answer_.Set(AnswerDue() - options_.loop->Now(), [this] { OnAnswerDue(); });
}

absl::Duration LeaseRenewals::AnswerDue() const {
  absl::Duration due_at = absl::InfiniteDuration();
  for (const auto& [handle, renewed] : leases_) {
    // Time enough is left for another try.
    const absl::Duration held_back_until = std::max(renewed.due_at, opened_at_) + RenewalInterval(renewed.ttl);
    due_at = std::min(due_at, renewed.is_asked ? renewed.due_at : held_back_until);
  }
  return due_at;
}

void LeaseRenewals::OnAnswerDue() {
  // Of a lease that was removed since.
  if (AnswerDue() > options_.loop->Now()) return SetAnswerDue();
  stream_->GiveUp();
  OnEnd(absl::UnavailableError("the server does not answer"));
}

void LeaseRenewals::Ask() {
  if (stream_->unsent() >= kUnsentMax) {
    SetAnswerDue();
    return next_.Set(kUnsentPause, [this] { Ask(); });
  }
  const absl::Duration now = options_.loop->Now();
  wire::KeepAliveRequest request;
  for (auto& [handle, renewed] : leases_) {
    if (renewed.is_asked || renewed.due_at - EarlyBy(renewed.ttl) > now) continue;
    if (request.lease_ids_size() == limits::kLeasesPerRenewalMax) break;
    renewed.is_asked = true;
    // Counted from the sending, not from the answer.
    renewed.due_at = now + RenewalInterval(renewed.ttl);
    request.add_lease_ids(renewed.lease);
  }
  if (request.lease_ids_size() > 0) stream_->Send(std::move(request));
  SetNext();
}

void LeaseRenewals::OnAnswer(wire::KeepAliveResponse answer) {
  options_.saw(answer.revision(), answer.store_id());
  absl::flat_hash_map<LeaseId, const wire::RenewResult*> results;
  for (const wire::RenewResult& result : answer.results()) results.emplace(result.lease_id(), &result);
  // What is told may add and remove some.
  std::vector<std::pair<Handle, const wire::RenewResult*>> answered;
  for (const auto& [handle, renewed] : leases_) {
    const auto result = results.find(renewed.lease);
    if (renewed.is_asked && result != results.end()) answered.emplace_back(handle, result->second);
  }
  for (const auto& [handle, result] : answered) OnResult(handle, *result);
  CloseIfEmpty();
  SetNext();
}

void LeaseRenewals::OnResult(Handle handle, const wire::RenewResult& result) {
  const auto renewed = leases_.find(handle);
  if (renewed == leases_.end()) return;
  renewed->second.is_asked = false;
  // A copy: it may remove itself.
  const OnChange on_change = renewed->second.on_change;
  if (result.outcome() == wire::RenewResult::OUTCOME_RENEWED) return on_change(absl::OkStatus());
  if (result.outcome() == wire::RenewResult::OUTCOME_NOT_FOUND) {
    leases_.erase(renewed);
    return on_change(MakeError(absl::StatusCode::kNotFound, absl::StrCat("lease ", result.lease_id(), " is gone"),
                               {.reason = Reason::kLeaseNotFound, .resource = absl::StrCat(result.lease_id())}));
  }
  renewed->second.due_at = options_.loop->Now() + std::min(kFailedPause, RenewalInterval(renewed->second.ttl));
  on_change(MakeError(absl::StatusCode::kUnavailable, "the server could not keep the renewal", {.reason = Reason::kOutcomeUnknown}));
}

void LeaseRenewals::OnEnd(const absl::Status& status) {
  stream_.reset();
  next_.Clear();
  answer_.Clear();
  backoff_.NoteLived(options_.loop->Now() - opened_at_);
  absl::Status why = status.ok() ? absl::UnavailableError("the server ended the stream") : status;
  // Says nothing of the leases.
  if (absl::IsNotFound(why)) why = absl::UnavailableError(why.message());
  absl::Duration pause_max = absl::InfiniteDuration();
  std::vector<Handle> all;
  for (auto& [handle, renewed] : leases_) {
    // Not known to be kept: due again with the next stream.
    if (std::exchange(renewed.is_asked, false)) renewed.due_at = options_.loop->Now();
    pause_max = std::min(pause_max, Backoff::WithinTtl(renewed.ttl));
    all.push_back(handle);
  }
  absl::Duration pause = backoff_.NextAfter(why);
  // Whatever the server asks for: a second, when it stops. Others are bounded likewise, and need not all come at once.
  if (pause > pause_max) pause = pause_max * (0.5 + options_.unit_random() / 2);
  reopening_.Set(pause, [this] { Open(); });
  for (const Handle handle : all) {
    const auto renewed = leases_.find(handle);
    if (renewed == leases_.end()) continue;
    const OnChange on_change = renewed->second.on_change;
    on_change(why);
  }
  CloseIfEmpty();
}

}  // namespace scoutlight::client
