#include "storage/local/state_reader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/local/layout.h"

namespace scoutlight::storage {
namespace {

// Behind the past records of `path` itself, in front of those of what is below it: segments have no byte below 0x20.
std::string BehindOwnRecords(absl::string_view path) {
  std::string behind(path);
  behind.append("\x00\x01", 2);
  return behind;
}

// See PastState. `live_` and `past_` both stand at the first path at or behind the one wanted; Settle() finds the first of them at which
// something was stored.
class PastCursor : public Cursor {
 public:
  PastCursor(std::unique_ptr<Cursor> live, std::unique_ptr<Cursor> past, Revision revision, int passes_max)
      : live_(std::move(live)), past_(std::move(past)), revision_(revision), passes_max_(passes_max) {}

  void Seek(absl::string_view key) override {
    live_->Seek(key);
    // Past the records of `key` itself that say nothing of this revision, if it is a path. If it is the start of what lies below one, that
    // path's own records may sort behind it too, but do not belong.
    past_->Seek(layout::PastKey(key, revision_ + 1));
    const absl::StatusOr<layout::PastPosition> position = past_->Valid() ? layout::DecodePastKey(past_->key()) : layout::PastPosition();
    if (position.ok() && past_->Valid() && position->path < key) past_->Seek(BehindOwnRecords(position->path));
    Settle();
  }

  void SeekToLast() override {
    // Nobody walks the past from its end.
    status_ = absl::UnimplementedError("a past state has no last entry");
    valid_ = false;
  }

  void Next() override {
    PassPath();
    Settle();
  }

  bool Valid() const override { return valid_; }
  absl::string_view key() const override { return path_; }
  absl::string_view value() const override { return record_; }

  absl::Status status() const override {
    if (!status_.ok()) return status_;
    if (!live_->status().ok()) return live_->status();
    return past_->status();
  }

 private:
  // Moves both cursors behind `path_`.
  void PassPath() {
    if (live_->Valid() && live_->key() == path_) live_->Next();
    const std::string behind = BehindOwnRecords(path_);
    if (past_->Valid() && past_->key() < absl::string_view(behind)) past_->Seek(behind);
  }

  void Settle() {
    valid_ = false;
    for (int passes = 0; status().ok(); PassPath(), ++passes) {
      if (passes > passes_max_) {
        status_ = absl::ResourceExhaustedError(absl::StrCat("more than ", passes_max_, " paths are to be passed"));
        return;
      }
      bool in_past = false;
      bool decides = false;  // The record of the past that stands there is the one that counts.
      if (past_->Valid()) {
        absl::StatusOr<layout::PastPosition> position = layout::DecodePastKey(past_->key());
        if (!position.ok()) {
          status_ = position.status();
          return;
        }
        in_past = !live_->Valid() || position->path <= live_->key();
        decides = position->revision > revision_;
        if (in_past) path_ = std::string(position->path);
      }
      if (!in_past) {
        if (!live_->Valid()) return;
        path_ = std::string(live_->key());
      }
      if (in_past && !decides) past_->Seek(layout::PastKey(path_, revision_ + 1));
      if (TakeRecord(in_past)) return;
    }
  }

  // Whether something was stored at `path_`; then valid_ and record_ are set. If it has records in the past, `past_` stands at the first
  // that counts, or behind them all.
  bool TakeRecord(bool in_past) {
    if (in_past) {
      // The record found may belong to a later path.
      const absl::StatusOr<layout::PastPosition> position = past_->Valid() ? layout::DecodePastKey(past_->key()) : layout::PastPosition();
      if (!position.ok()) {
        status_ = position.status();
        return false;
      }
      if (past_->Valid() && position->path == path_) {
        const absl::StatusOr<std::optional<absl::string_view>> before = layout::DecodeBefore(past_->value());
        if (!before.ok()) {
          status_ = before.status();
          return false;
        }
        if (!before->has_value()) return false;
        record_ = std::string(**before);
        return valid_ = true;
      }
      if (!past_->status().ok()) return false;
    }
    if (!live_->Valid() || live_->key() != path_) return false;
    record_ = std::string(live_->value());
    return valid_ = true;
  }

  const std::unique_ptr<Cursor> live_;
  const std::unique_ptr<Cursor> past_;
  const Revision revision_;
  const int passes_max_;
  bool valid_ = false;
  std::string path_;
  std::string record_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<std::optional<std::string>> LatestState::Lookup(absl::string_view path) const {
  std::string record;
  const absl::StatusOr<bool> found = snapshot_->Get(Table::kLive, path, &record);
  if (!found.ok()) return found.status();
  if (!*found) return std::nullopt;
  return record;
}

std::unique_ptr<Cursor> LatestState::NewCursor(std::string lower, std::string upper) const {
  return snapshot_->NewCursor(Table::kLive, std::move(lower), std::move(upper));
}

absl::StatusOr<std::optional<std::string>> PastState::Lookup(absl::string_view path) const {
  // One seek into the path's own records; a walk could go on through all that is below it.
  const std::unique_ptr<Cursor> past = snapshot_->NewCursor(Table::kPast, layout::PastKey(path, revision_ + 1), BehindOwnRecords(path));
  past->Seek(layout::PastKey(path, revision_ + 1));
  if (!past->status().ok()) return past->status();
  if (!past->Valid()) return LatestState(snapshot_).Lookup(path);
  const absl::StatusOr<std::optional<absl::string_view>> before = layout::DecodeBefore(past->value());
  if (!before.ok()) return before.status();
  if (!before->has_value()) return std::nullopt;
  return std::string(**before);
}

std::unique_ptr<Cursor> PastState::NewCursor(std::string lower, std::string upper) const {
  std::unique_ptr<Cursor> live = snapshot_->NewCursor(Table::kLive, lower, upper);
  std::unique_ptr<Cursor> past = snapshot_->NewCursor(Table::kPast, std::move(lower), std::move(upper));
  return std::make_unique<PastCursor>(std::move(live), std::move(past), revision_, passes_max_);
}

}  // namespace scoutlight::storage
