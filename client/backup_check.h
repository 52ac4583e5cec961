#ifndef SCOUTLIGHT_CLIENT_BACKUP_CHECK_H_
#define SCOUTLIGHT_CLIENT_BACKUP_CHECK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/backup_records.h"

namespace scoutlight {

// What a whole backup says of itself.
struct BackupSummary {
  BackupHeader header;
  BackupCounts counts;
  int64_t bytes = 0;
};

// Checks a backup while its bytes pass, as BackupRecords does: what its entries hold is checked when it is restored. Keeps one record.
// Errors as of BackupRecords; after one nothing more is to be taken. Not thread-safe.
class BackupCheck {
 public:
  absl::Status Take(absl::string_view bytes);

  // That was all.
  absl::StatusOr<BackupSummary> End() const;

 private:
  BackupRecords records_;
  BackupSummary summary_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_BACKUP_CHECK_H_
