#ifndef SCOUTLIGHT_CLI_ENTRY_IMPORT_H_
#define SCOUTLIGHT_CLI_ENTRY_IMPORT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/entry.h"
#include "cli/entry_lines.h"
#include "cli/import_progress.h"
#include "client/registry.h"
#include "client/store_state.h"

namespace scoutlight::cli {

// Puts the lines of an export into the store, in order, in transactions that are all or nothing. Not thread-safe.
class EntryImport {
 public:
  // At most so many entries a transaction, and so many bytes of keys and values with another one: below what a request may have.
  static constexpr size_t kBatchEntriesMax = 500;
  static constexpr size_t kBatchBytesMax = 512 << 10;

  // Told after each transaction.
  using OnProgress = std::function<absl::Status(const ImportProgress&)>;

  // `file` is open at the place that `progress` is of.
  EntryImport(int file, ImportProgress progress, Registry registry, OnProgress on_progress);

  // Reads to the end. What was put before an error stays: progress() says which lines that is. kInvalidArgument: a line is no entry, or its
  // key is none. kDataLoss: the export was cut off. kFailedPrecondition: it is another store than that of `progress`. Blocks.
  absl::Status Run();

  const ImportProgress& progress() const { return progress_; }
  const StoreState& state() const { return state_; }

 private:
  struct Place {
    int64_t lines = 0;
    int64_t bytes = 0;
  };

  // The next line without its line feed; nullopt: that was all.
  absl::StatusOr<std::optional<std::string>> NextLine();
  absl::Status ReadOn();
  absl::Status Take(const std::string& text);
  absl::Status TakeEntry(ExportedEntry entry);
  // Puts what has been taken, which is all up to `until`.
  absl::Status Put(Place until);
  // `wrong` with the number of the line that was taken last.
  absl::Status AtLine(const absl::Status& wrong) const;

  const int file_;
  const Registry registry_;
  const OnProgress on_progress_;
  ImportProgress progress_;
  StoreState state_;
  std::string read_;  // Of which the first `read_begin_` bytes are taken.
  size_t read_begin_ = 0;
  bool is_read_ = false;                 // To the end.
  Place before_;                         // The line that was taken last, ...
  Place behind_;                         // ... and after it.
  int64_t taken_;                        // Entries, those not put yet too.
  std::optional<int64_t> entries_said_;  // By its last line.
  std::vector<std::pair<std::string, Value>> batch_;
  std::set<std::string> batch_keys_;
  size_t batch_bytes_ = 0;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_ENTRY_IMPORT_H_
