#include "cli/backing_up.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "cli/clean_up_on_stop.h"
#include "cli/flags.h"
#include "cli/new_file.h"
#include "cli/progress.h"
#include "cli/until_stopped.h"
#include "client/admin.h"
#include "client/backup_check.h"

namespace scoutlight::cli {
namespace {

using Where = Field::Where;

constexpr size_t kPieceBytes = 64 << 10;

std::string CountText(uint64_t count, absl::string_view one, absl::string_view several) {
  return absl::StrCat(count, " ", count == 1 ? one : several);
}

Record BackupRecord(const std::string& file, const BackupSummary& backup) {
  return {.name = file,
          .fields = {{"file", file},
                     {"revision", backup.header.revision},
                     {"store_id", backup.header.store_id},
                     {"taken_at", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", backup.header.taken, absl::UTCTimeZone())},
                     {"entries", backup.counts.entries},
                     {"leases", backup.counts.leases},
                     {"bytes", backup.bytes}}};
}

absl::Status ToStandardOutput(const Call& call) {
  if (isatty(STDOUT_FILENO) == 1) {
    return InvalidField(Reason::kInvalidField, "FILE", "is -, and standard output is a terminal, which a backup would garble");
  }
  const absl::StatusOr<BackupSummary> backup = TakeBackup(call, [&](absl::string_view piece) {
    call.printer.Raw(piece);
    // Whoever reads a backup wants all of it.
    return call.printer.status().ok() ? absl::OkStatus() : absl::DataLossError(call.printer.status().message());
  });
  if (!backup.ok()) return backup.status();
  call.printer.Note(absl::StrCat("backed up ", ContentText(*backup)));
  return absl::OkStatus();
}

absl::Status CannotRead(const std::string& file, int error) {
  return InvalidField(Reason::kInvalidField, "FILE", absl::StrCat("cannot be read: ", file, ": ", strerror(error)));
}

// Of what is open as `input`, to its end; `bytes_max` is how much that is, 0: not known.
absl::StatusOr<BackupSummary> CheckAll(const std::string& file, int input, int64_t bytes_max, OutputForm form) {
  BackupCheck check;
  Progress progress("checking", Progress::Unit::kBytes, form);
  std::array<char, kPieceBytes> piece;
  int64_t bytes = 0;
  for (;;) {
    const ssize_t count = read(input, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return CannotRead(file, errno);
    if (count == 0) return check.End();
    if (absl::Status damaged = check.Take({piece.data(), static_cast<size_t>(count)}); !damaged.ok()) return damaged;
    bytes += count;
    progress.Show(bytes, bytes_max == 0 ? std::nullopt : std::optional(static_cast<double>(bytes) / static_cast<double>(bytes_max)));
  }
}

}  // namespace

std::string ContentText(const BackupSummary& backup) {
  return absl::StrCat(CountText(backup.counts.entries, "entry", "entries"), " and ", CountText(backup.counts.leases, "lease", "leases"),
                      " at revision ", backup.header.revision);
}

absl::StatusOr<BackupSummary> TakeBackup(const Call& call, absl::FunctionRef<absl::Status(absl::string_view)> sink) {
  Progress progress("backing up", Progress::Unit::kBytes, call.settings.form);
  int64_t bytes = 0;
  return Admin(call.connection).Backup([&](absl::string_view piece) -> absl::Status {
    bytes += static_cast<int64_t>(piece.size());
    progress.Show(bytes);
    return sink(piece);
  });
}

BackingUp::BackingUp(CLI::App* app, Verb* chosen) {
  CLI::App* const backup = app->add_subcommand("backup", "write one state of the whole registry into a file");
  // Missing, it may be that of `check`.
  backup->add_option("FILE", file_, "replaced once all is there; -: standard output; ./check if it is called so")->type_name("");
  SetExample(backup, "scoutctl backup monday.backup; scoutlightd --restore monday.backup makes a server of it");
  CLI::App* const check = backup->add_subcommand("check", "whether a backup is whole, asking no server");
  check->add_option("FILE", checked_file_, "the backup; -: what comes from standard input")->required()->type_name("");
  SetExample(check, "scoutctl backup check monday.backup");
  check->callback([this] { checks_ = true; });
  // It comes here too: a connection asks no server before it is used.
  ChooseOnServer(backup, this, &BackingUp::BackUp, chosen);
}

absl::Status BackingUp::BackUp(const Call& call) const {
  if (checks_) return Check(call);
  if (file_.empty()) return InvalidField(Reason::kInvalidField, "FILE", "is missing");
  if (file_ == "-") return ToStandardOutput(call);
  const absl::StatusOr<std::unique_ptr<UntilStopped>> until = UntilStopped::Create(UntilStopped::WhenUnread::kGoesOn);
  if (!until.ok()) return until.status();
  const absl::StatusOr<std::unique_ptr<NewFile>> created = NewFile::Create(file_);
  if (!created.ok()) return created.status();
  NewFile& file = **created;
  const CleanUpOnStop clean_up(until->get(), [&file] { file.Discard(); });
  const absl::StatusOr<BackupSummary> backup = TakeBackup(call, [&](absl::string_view piece) { return file.Write(piece); });
  if (!backup.ok()) return backup.status();
  if (absl::Status lost = file.Keep(); !lost.ok()) return lost;
  call.printer.Done(absl::StrCat("backed up ", ContentText(*backup), " to ", file_), BackupRecord(file_, *backup));
  return absl::OkStatus();
}

absl::Status BackingUp::Check(const Call& call) const {
  const bool is_input = checked_file_ == "-";
  const int input = is_input ? STDIN_FILENO : open(checked_file_.c_str(), O_RDONLY | O_CLOEXEC);
  if (input < 0) return CannotRead(checked_file_, errno);
  struct stat found;
  const int64_t size = fstat(input, &found) == 0 && S_ISREG(found.st_mode) ? found.st_size : 0;
  const absl::StatusOr<BackupSummary> backup = CheckAll(checked_file_, input, size, call.settings.form);
  if (!is_input) close(input);
  if (!backup.ok()) return backup.status();
  call.printer.Item(BackupRecord(checked_file_, *backup));
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
