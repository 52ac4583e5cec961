#include "storage/rocksdb/rocksdb_status.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/error.h"

namespace scoutlight::storage {
namespace {

absl::Status Error(absl::StatusCode code, Reason reason, absl::string_view message) {
  ErrorDetails details;
  details.reason = reason;
  return MakeError(code, message, details);
}

}  // namespace

absl::Status ToStatus(const rocksdb::Status& status, absl::string_view doing) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat(doing, ": ", status.ToString());
  if (status.IsCorruption()) return Error(absl::StatusCode::kDataLoss, Reason::kDataCorrupted, message);
  if (status.IsNoSpace()) return Error(absl::StatusCode::kResourceExhausted, Reason::kDiskFull, message);
  return Error(absl::StatusCode::kUnavailable, Reason::kBackendUnavailable, message);
}

absl::Status ToOpenStatus(const rocksdb::Status& status, absl::string_view db_dir, absl::string_view last_damage) {
  if (status.ok() || status.IsNoSpace()) return ToStatus(status, absl::StrCat("opening ", db_dir));
  std::string reported = status.ToString();
  if (!last_damage.empty()) absl::StrAppend(&reported, " (RocksDB logged: ", last_damage, ")");
  // The last place where RocksDB looks for a table file is under a name from before its time.
  reported = absl::StrReplaceAll(reported, {{".ldb", ".sst"}});
  // RocksDB calls a database without CURRENT, or without a table that we name, an invalid argument.
  if (status.IsCorruption() || status.IsPathNotFound() || status.IsInvalidArgument() || status.IsNotFound()) {
    return Error(absl::StatusCode::kDataLoss, Reason::kDataCorrupted,
                 absl::StrCat("the database in ", db_dir, " is damaged: ", reported,
                              ". Nothing was changed. Restore the data directory from a backup, or start with an empty one."));
  }
  return Error(absl::StatusCode::kUnavailable, Reason::kBackendUnavailable,
               absl::StrCat("cannot open the database in ", db_dir, ": ", reported));
}

}  // namespace scoutlight::storage
