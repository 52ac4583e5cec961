#include "client/backup_check.h"

#include <optional>
#include <variant>

namespace scoutlight {

absl::Status BackupCheck::Take(absl::string_view bytes) {
  summary_.bytes += static_cast<int64_t>(bytes.size());
  records_.Add(bytes);
  for (;;) {
    const absl::StatusOr<std::optional<BackupRecords::Part>> part = records_.Next();
    if (!part.ok()) return part.status();
    if (!part->has_value()) return absl::OkStatus();
    if (const auto* header = std::get_if<BackupHeader>(&**part)) summary_.header = *header;
    if (const auto* counts = std::get_if<BackupCounts>(&**part)) summary_.counts = *counts;
  }
}

absl::StatusOr<BackupSummary> BackupCheck::End() const {
  if (absl::Status incomplete = records_.CheckEnd(); !incomplete.ok()) return incomplete;
  return summary_;
}

}  // namespace scoutlight
