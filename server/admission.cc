#include "server/admission.h"

#include "absl/time/time.h"
#include "base/error.h"

namespace scoutlight::server {
namespace {

// About how long a restart takes.
constexpr absl::Duration kRetryAfterDrain = absl::Seconds(1);

}  // namespace

absl::Status Admission::CheckOpen() const {
  if (!closed_.load(std::memory_order_relaxed)) return absl::OkStatus();
  ErrorDetails details;
  details.reason = Reason::kDraining;
  details.retry_after = kRetryAfterDrain;
  return MakeError(absl::StatusCode::kUnavailable, "the server is stopping", details);
}

absl::Status Admission::CheckAllowed(const Identity& identity, absl::string_view method, const std::vector<KeyRange>& ranges) const {
  if (!authorize_) return absl::OkStatus();
  // Whoever touches no key still learns the revision.
  if (ranges.empty()) return authorize_(identity, method, KeyRange{Key(), Scope::kKey});
  for (const KeyRange& range : ranges) {
    if (absl::Status denied = authorize_(identity, method, range); !denied.ok()) return denied;
  }
  return absl::OkStatus();
}

}  // namespace scoutlight::server
