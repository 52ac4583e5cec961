#include "cli/entry_import.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key.h"

namespace scoutlight::cli {
namespace {

constexpr size_t kPieceBytes = 64 << 10;

}  // namespace

EntryImport::EntryImport(int file, ImportProgress progress, Registry registry, OnProgress on_progress)
    : file_(file),
      registry_(std::move(registry)),
      on_progress_(std::move(on_progress)),
      progress_(std::move(progress)),
      behind_{progress_.lines, progress_.bytes},
      taken_(progress_.entries) {}

absl::Status EntryImport::AtLine(const absl::Status& wrong) const {
  return InvalidField(Reason::kInvalidField, absl::StrCat("line ", behind_.lines), wrong.message());
}

absl::Status EntryImport::ReadOn() {
  read_.erase(0, std::exchange(read_begin_, 0));
  const size_t before = read_.size();
  read_.resize(before + kPieceBytes);
  const ssize_t count = read(file_, read_.data() + before, kPieceBytes);
  const int error = errno;
  read_.resize(before + (count > 0 ? static_cast<size_t>(count) : 0));
  if (count < 0 && error != EINTR) return absl::UnknownError(absl::StrCat("cannot read on: ", strerror(error)));
  is_read_ = count == 0;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> EntryImport::NextLine() {
  before_ = behind_;
  ++behind_.lines;
  for (;;) {
    const size_t end = read_.find('\n', read_begin_);
    const bool is_last = end == std::string::npos && is_read_;
    if (is_last && read_begin_ == read_.size()) return std::nullopt;
    if (end != std::string::npos || is_last) {
      std::string line = read_.substr(read_begin_, is_last ? end : end - read_begin_);
      read_begin_ += line.size() + (is_last ? 0 : 1);
      behind_.bytes += static_cast<int64_t>(line.size()) + (is_last ? 0 : 1);
      return line;
    }
    if (read_.size() - read_begin_ > kExportLineBytesMax) {
      return AtLine(absl::InvalidArgumentError(absl::StrCat("has more than ", kExportLineBytesMax, " bytes")));
    }
    if (absl::Status failed = ReadOn(); !failed.ok()) return failed;
  }
}

absl::Status EntryImport::Run() {
  for (;;) {
    const absl::StatusOr<std::optional<std::string>> line = NextLine();
    if (!line.ok()) return line.status();
    if (!line->has_value()) break;
    if (absl::Status failed = Take(**line); !failed.ok()) return failed;
  }
  if (absl::Status failed = Put(before_); !failed.ok()) return failed;
  progress_.lines = before_.lines;
  progress_.bytes = before_.bytes;
  if (entries_said_.has_value() ? *entries_said_ == taken_ : !progress_.is_export) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("the export was cut off, or lines of it are missing: all ", taken_, " entries that are there are imported"));
}

absl::Status EntryImport::Take(const std::string& text) {
  if (absl::StripAsciiWhitespace(text).empty()) return absl::OkStatus();
  if (entries_said_.has_value()) return AtLine(absl::InvalidArgumentError("stands behind the end of the export"));
  absl::StatusOr<ExportLine> line = ParseExportLine(text);
  if (!line.ok()) return AtLine(line.status());
  if (auto* entry = std::get_if<ExportedEntry>(&*line)) return TakeEntry(std::move(*entry));
  if (const auto* end = std::get_if<ExportEnd>(&*line)) {
    entries_said_ = end->entries;
  } else if (behind_.lines != 1) {
    return AtLine(absl::InvalidArgumentError("begins an export, which the first line alone can"));
  } else {
    progress_.is_export = true;
  }
  return absl::OkStatus();
}

absl::Status EntryImport::TakeEntry(ExportedEntry entry) {
  const absl::StatusOr<Key> key = Key::Parse(entry.key);
  if (!key.ok()) return AtLine(key.status());
  const size_t bytes = key->path().size() + entry.value.bytes.size();
  // A transaction writes a key once.
  const bool is_full = batch_.size() == kBatchEntriesMax || batch_bytes_ + bytes > kBatchBytesMax || batch_keys_.count(key->path()) > 0;
  if (is_full && !batch_.empty()) {
    if (absl::Status failed = Put(before_); !failed.ok()) return failed;
  }
  batch_keys_.insert(key->path());
  batch_bytes_ += bytes;
  batch_.emplace_back(key->path(), std::move(entry.value));
  ++taken_;
  return absl::OkStatus();
}

absl::Status EntryImport::Put(Place until) {
  if (batch_.empty()) return absl::OkStatus();
  const absl::StatusOr<StoreState> state = registry_.PutAll(batch_);
  if (!state.ok()) return state.status();
  if (!progress_.store_id.empty() && progress_.store_id != state->store_id) {
    return absl::FailedPreconditionError("this is another store than the one that has the lines before: import them anew");
  }
  state_ = *state;
  progress_.store_id = state->store_id;
  progress_.lines = until.lines;
  progress_.bytes = until.bytes;
  progress_.entries = taken_;
  batch_.clear();
  batch_keys_.clear();
  batch_bytes_ = 0;
  return on_progress_(progress_);
}

}  // namespace scoutlight::cli
