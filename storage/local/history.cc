#include "storage/local/history.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace scoutlight::storage {
namespace {

absl::Status Hole(Revision revision) {
  ErrorDetails details;
  details.reason = Reason::kDataCorrupted;
  return MakeError(absl::StatusCode::kDataLoss, absl::StrCat("the log of the store lacks revision ", revision), details);
}

// Walks the log's events in order.
class LogWalk {
 public:
  LogWalk(const View& view, Revision from) : cursor_(view.snapshot->NewCursor(Table::kLog, layout::LogKey(from, 0), "")) {
    cursor_->Seek(layout::LogKey(from, 0));
  }

  // The event under the cursor, which must be event `ordinal` of `revision`.
  absl::StatusOr<layout::EventRecord> Take(Revision revision, uint32_t ordinal) {
    if (!cursor_->status().ok()) return cursor_->status();
    if (!cursor_->Valid() || cursor_->key() != layout::LogKey(revision, ordinal)) return Hole(revision);
    absl::StatusOr<layout::EventRecord> record = layout::DecodeEvent(revision, cursor_->value());
    if (record.ok()) cursor_->Next();
    return record;
  }

 private:
  const std::unique_ptr<Cursor> cursor_;
};

absl::Status FillPrevious(const View& view, Revision revision, Event* event) {
  std::string record;
  const absl::StatusOr<bool> found = view.snapshot->Get(Table::kPast, layout::PastKey(layout::EncodePath(event->key), revision), &record);
  if (!found.ok()) return found.status();
  if (!*found) return absl::OkStatus();  // Dropped with a compaction since: not known.
  const absl::StatusOr<std::optional<absl::string_view>> before = layout::DecodeBefore(record);
  if (!before.ok()) return before.status();
  event->previous_known = true;
  if (!before->has_value()) return absl::OkStatus();
  absl::StatusOr<Entry> previous = layout::DecodeEntry(event->key, **before);
  if (!previous.ok()) return previous.status();
  event->previous = *std::move(previous);
  return absl::OkStatus();
}

// The batch of `revision`, with the events in `range`; adds what it counts to `bytes`.
absl::StatusOr<Batch> ReadBatch(const View& view, Revision revision, const KeyRange& range, LogWalk* log, size_t* bytes) {
  Batch batch;
  batch.revision = revision;
  for (uint32_t ordinal = 0;; ++ordinal) {
    absl::StatusOr<layout::EventRecord> record = log->Take(revision, ordinal);
    if (!record.ok()) return record.status();
    batch.committed = record->committed;
    if (range.Contains(record->event.key)) {
      if (absl::Status status = FillPrevious(view, revision, &record->event); !status.ok()) return status;
      *bytes += EntryBytes(record->event.entry) + (record->event.previous.has_value() ? EntryBytes(*record->event.previous) : 0);
      batch.events.push_back(std::move(record->event));
    }
    if (record->last) return batch;
  }
}

}  // namespace

HistoryPage ReadHistory(const View& view, Revision from, Revision to, const KeyRange& range, size_t bytes_max) {
  HistoryPage page;
  page.oldest_revision = view.oldest;
  LogWalk log(view, from);
  size_t bytes = 0;
  for (page.next = from; page.next <= to && (page.next == from || bytes < bytes_max); ++page.next) {
    absl::StatusOr<Batch> batch = ReadBatch(view, page.next, range, &log, &bytes);
    if (!batch.ok()) {
      page.status = batch.status();
      return page;
    }
    if (!batch->events.empty()) page.batches.push_back(std::make_shared<const Batch>(*std::move(batch)));
  }
  return page;
}

absl::Status ReadRequests(const View& view, Revision from, const OnRequest& on_request) {
  LogWalk log(view, from);
  for (Revision revision = from; revision <= view.revision; ++revision) {
    for (uint32_t ordinal = 0;; ++ordinal) {
      absl::StatusOr<layout::EventRecord> record = log.Take(revision, ordinal);
      if (!record.ok()) return record.status();
      if (record->request.has_value()) on_request(revision, record->committed, *record->request);
      if (record->last) break;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Revision> FirstCommittedAt(const View& view, Revision from, absl::Time time) {
  Revision low = from;
  Revision high = view.revision + 1;
  while (low < high) {
    const Revision middle = low + (high - low) / 2;
    absl::StatusOr<layout::EventRecord> record = LogWalk(view, middle).Take(middle, 0);
    if (!record.ok()) return record.status();
    if (record->committed >= time) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace scoutlight::storage
