#include "client/wire/repetition.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "base/error.h"

namespace scoutlight::client {
namespace {

// With less than this left no try has a chance.
constexpr absl::Duration kTryMin = absl::Milliseconds(1);

absl::Duration RetryAfterOf(const absl::Status& status) {
  const std::optional<ErrorDetails> details = DetailsOf(status);
  return details.has_value() ? details->retry_after : absl::ZeroDuration();
}

}  // namespace

bool IsPassing(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      // An answer: the service has nobody who takes work.
      return ReasonOf(status) != Reason::kNoneResolvable;
    case absl::StatusCode::kDeadlineExceeded:
      return true;
    case absl::StatusCode::kUnknown:
      return ReasonOf(status) == Reason::kOutcomeUnknown;
    case absl::StatusCode::kResourceExhausted:
      return RetryAfterOf(status) > absl::ZeroDuration();
    default:
      return false;
  }
}

bool IsSilence(const absl::Status& status) {
  // "connection attempt timed out before receiving SETTINGS frame", "Handshake timed out", "connect() timed out": there is no code for it.
  return status.code() == absl::StatusCode::kUnavailable && ReasonOf(status) == Reason::kUnspecified &&
         absl::StrContains(status.message(), "timed out");
}

bool IsServerGone(const absl::Status& status) {
  return IsPassing(status) && (status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kDeadlineExceeded);
}

std::optional<absl::Duration> Repetition::After(const absl::Status& status, absl::Duration elapsed) {
  if (status.code() == absl::StatusCode::kUnavailable && !IsSilence(status)) away_ = status;
  if (repeatable_ == Repeatable::kNever || !IsPassing(status) || ++tries_ >= kTriesMax) return std::nullopt;
  const absl::Duration left = timeout_ - elapsed - kTryMin;
  const absl::Duration minimum = RetryAfterOf(status);
  if (left <= absl::ZeroDuration() || minimum > left) return std::nullopt;
  return std::min(backoff_.Next(minimum), left);
}

absl::Status Repetition::OutcomeOf(const absl::Status& last, absl::Duration try_timeout) const {
  const bool is_cut_off = last.code() == absl::StatusCode::kDeadlineExceeded && ReasonOf(last) == Reason::kUnspecified;
  if (is_cut_off && try_timeout < kTellingTryMin && !away_.ok()) return away_;
  return IsSilence(last) ? absl::DeadlineExceededError(last.message()) : last;
}

}  // namespace scoutlight::client
