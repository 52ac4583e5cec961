#include "cli/kv_moving.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key.h"
#include "cli/entry_import.h"
#include "cli/entry_lines.h"
#include "cli/entry_records.h"
#include "cli/flags.h"
#include "cli/import_progress.h"
#include "cli/progress.h"
#include "client/registry.h"

namespace scoutlight::cli {
namespace {

// Of lines that are written together.
constexpr size_t kWrittenTogetherBytes = 64 << 10;

// Open for as long as it lives.
class ReadFileDescriptor {
 public:
  explicit ReadFileDescriptor(int file) : file_(file) {}
  ~ReadFileDescriptor() {
    if (file_ > STDERR_FILENO) close(file_);
  }
  ReadFileDescriptor(const ReadFileDescriptor&) = delete;
  ReadFileDescriptor& operator=(const ReadFileDescriptor&) = delete;

 private:
  const int file_;
};

absl::Status CannotRead(const std::string& file, absl::string_view why) {
  return InvalidField(Reason::kInvalidField, "FILE", absl::StrCat("cannot be read: ", file, ": ", why));
}

// nullopt: standard input has no size.
std::optional<double> ShareOf(const ImportProgress& progress) {
  if (progress.file_bytes == 0) return std::nullopt;
  return static_cast<double>(progress.bytes) / static_cast<double>(progress.file_bytes);
}

std::string EntriesText(int64_t count) { return count == 1 ? "1 entry" : absl::StrCat(count, " entries"); }

}  // namespace

KvMoving::KvMoving(CLI::App* kv, Verb* chosen) {
  CLI::App* const out = kv->add_subcommand("export", "write all at and below a key as lines of JSON, at one revision");
  out->add_option("KEY", prefix_, "default: /, the root")->type_name("");
  out->add_flag("--leased", leased_, "also what goes with a lease, of which the import makes what stays");
  SetExample(out, "scoutctl kv export /site >site.jsonl");
  ChooseOnServer(out, this, &KvMoving::Export, chosen);

  CLI::App* const in = kv->add_subcommand("import", "put what an export has, 500 entries at most at a time");
  in->add_option("FILE", file_, "the lines; -: what comes from standard input")->required()->type_name("");
  in->add_flag("--resume", resume_, "go on where an import of FILE was cut off, which FILE.imported says");
  SetExample(in, "scoutctl kv import site.jsonl");
  ChooseOnServer(in, this, &KvMoving::Import, chosen);
}

absl::Status KvMoving::Export(const Call& call) const {
  const absl::StatusOr<Key> prefix = Key::Parse(prefix_);
  if (!prefix.ok()) return prefix.status();
  const Registry registry(call.connection);
  // Says which revision it is going to be.
  const absl::StatusOr<ListResult> now = registry.List(prefix->path(), {.scope = Scope::kKey});
  if (!now.ok()) return now.status();
  std::string lines = TextOf(ExportBegin{prefix->path(), now->state.revision, now->state.store_id});
  int64_t written = 0;
  int64_t left_out = 0;
  // On a terminal the lines themselves show it.
  const bool shows_progress = isatty(STDOUT_FILENO) != 1;
  Progress progress("exporting", Progress::Unit::kEntries, call.settings.form);
  const absl::StatusOr<StoreState> state =
      registry.ForEach(prefix->path(),
                       [&](Entry entry) {
                         if (!entry.has_value) return true;
                         if (entry.lease_id != 0 && !leased_) {
                           ++left_out;
                           return true;
                         }
                         absl::StrAppend(&lines, TextOf(ExportedEntry{entry.key.path(), std::move(entry.value)}));
                         ++written;
                         if (shows_progress) progress.Show(written);
                         if (lines.size() < kWrittenTogetherBytes) return true;
                         call.printer.Raw(std::exchange(lines, ""));
                         return call.printer.status().ok();
                       },
                       {.scope = Scope::kSubtree, .revision = now->state.revision});
  progress.Clear();
  if (!state.ok()) return state.status();
  if (absl::Status unread = call.printer.status(); !unread.ok()) return unread;
  absl::StrAppend(&lines, TextOf(ExportEnd{written}));
  call.printer.Raw(lines);
  if (left_out > 0) call.printer.Note(absl::StrCat("left out ", EntriesText(left_out), " that go with a lease; --leased writes them too"));
  return absl::OkStatus();
}

absl::Status KvMoving::Import(const Call& call) const {
  const bool is_input = file_ == "-";
  if (is_input && resume_) return InvalidField(Reason::kInvalidField, "--resume", "needs a FILE: standard input cannot be read again");
  absl::StatusOr<ImportProgress> progress = ImportProgress();
  if (!is_input) progress = resume_ ? ResumeImport(file_) : BeginImport(file_);
  if (!progress.ok()) return progress.status();
  const int file = is_input ? STDIN_FILENO : open(file_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return CannotRead(file_, strerror(errno));
  const ReadFileDescriptor closed(file);
  if (progress->bytes > 0 && lseek(file, progress->bytes, SEEK_SET) < 0) return CannotRead(file_, strerror(errno));

  const Registry registry(call.connection);
  if (resume_) {
    const absl::StatusOr<ListResult> now = registry.List("/", {.scope = Scope::kKey});
    if (!now.ok()) return now.status();
    if (now->state.store_id != progress->store_id) {
      return absl::FailedPreconditionError("this is another store than the one that has the lines before: import without --resume");
    }
  }
  const int64_t entries_before = progress->entries;
  Progress shown("importing", Progress::Unit::kEntries, call.settings.form);
  EntryImport import(file, *std::move(progress), registry, [&](const ImportProgress& so_far) {
    shown.Show(so_far.entries - entries_before, ShareOf(so_far));
    return is_input ? absl::OkStatus() : KeepProgress(file_, so_far);
  });
  absl::Status done = import.Run();
  shown.Clear();
  const ImportProgress& reached = import.progress();
  if (!done.ok()) {
    call.printer.Note(absl::StrCat("imported ", EntriesText(reached.entries), " of the first ", reached.lines, " lines",
                                   is_input || reached.lines == 0 ? "" : "; --resume goes on behind them"));
    return done;
  }
  if (!is_input) done = ForgetProgress(file_);
  if (!done.ok()) return done;
  Record record{.name = file_, .fields = {{"entries", reached.entries}, {"lines", reached.lines}}};
  // Without an entry nobody was asked.
  if (!import.state().store_id.empty()) Append(StateFields(import.state()), &record);
  call.printer.Done(absl::StrCat("imported ", EntriesText(reached.entries)), record);
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
