#ifndef SCOUTLIGHT_CLI_IMPORT_PROGRESS_H_
#define SCOUTLIGHT_CLI_IMPORT_PROGRESS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/entry.h"

namespace scoutlight::cli {

// How far the import of a file has come, kept beside it in FILE.imported as long as it has not come to its end: what was answered is in the
// store, whatever becomes of this process.
struct ImportProgress {
  int64_t lines = 0;    // That have been dealt with.
  int64_t bytes = 0;    // Where the next one begins.
  int64_t entries = 0;  // That are in the store.
  StoreId store_id;
  bool is_export = false;  // It began as one, and must end as one.

  int64_t file_bytes = 0;        // Of the file that they are of, ...
  int64_t file_modified_ns = 0;  // ... which must not have changed since.

  friend bool operator==(const ImportProgress&, const ImportProgress&) = default;
};

// That of the beginning. kInvalidArgument: the file cannot be looked at.
absl::StatusOr<ImportProgress> BeginImport(const std::string& file);

// As it was left. kNotFound: there is nothing to go on with. kFailedPrecondition: the file has changed since, or its progress cannot be
// read.
absl::StatusOr<ImportProgress> ResumeImport(const std::string& file);

// Replaces what was kept, at once or not at all. Error: it cannot be written.
absl::Status KeepProgress(const std::string& file, const ImportProgress& progress);

// The import has come to its end.
absl::Status ForgetProgress(const std::string& file);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_IMPORT_PROGRESS_H_
