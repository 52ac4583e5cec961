#include "storage/local/overlay.h"

#include <utility>

namespace scoutlight::storage {

// Merges the base's cursor with the changes in [lower, upper): a change hides the base's record of the same path.
class OverlayCursor : public Cursor {
 public:
  OverlayCursor(const Overlay::Changes& changes, std::unique_ptr<Cursor> base, std::string lower, std::string upper)
      : changes_(changes), base_(std::move(base)), lower_(std::move(lower)), upper_(std::move(upper)), at_(changes_.end()) {}

  void Seek(absl::string_view key) override {
    base_->Seek(key);
    at_ = changes_.lower_bound(std::string(std::max(key, absl::string_view(lower_))));
    Settle();
  }

  void SeekToLast() override { status_ = absl::UnimplementedError("a state under change has no last entry"); }

  void Next() override {
    if (on_change_) {
      if (HidesBase()) base_->Next();
      ++at_;
    } else {
      base_->Next();
    }
    Settle();
  }

  bool Valid() const override { return status().ok() && (on_change_ || base_->Valid()); }
  absl::string_view key() const override { return on_change_ ? absl::string_view(at_->first) : base_->key(); }
  absl::string_view value() const override { return on_change_ ? absl::string_view(*at_->second) : base_->value(); }
  absl::Status status() const override { return status_.ok() ? base_->status() : status_; }

 private:
  bool ChangeLeft() const { return at_ != changes_.end() && (upper_.empty() || at_->first < upper_); }
  bool HidesBase() const { return base_->Valid() && base_->key() == at_->first; }

  // Chooses the smaller path of both; passes deleted ones.
  void Settle() {
    on_change_ = false;
    while (ChangeLeft() && (!base_->Valid() || absl::string_view(at_->first) <= base_->key())) {
      if (at_->second.has_value()) {
        on_change_ = true;
        return;
      }
      if (HidesBase()) base_->Next();
      ++at_;
    }
  }

  const Overlay::Changes& changes_;
  const std::unique_ptr<Cursor> base_;
  const std::string lower_;
  const std::string upper_;
  Overlay::Changes::const_iterator at_;
  bool on_change_ = false;
  absl::Status status_;
};

absl::StatusOr<std::optional<std::string>> Overlay::Lookup(absl::string_view path) const {
  const auto change = changes_.find(std::string(path));
  if (change != changes_.end()) return change->second;
  return base_->Lookup(path);
}

std::unique_ptr<Cursor> Overlay::NewCursor(std::string lower, std::string upper) const {
  std::unique_ptr<Cursor> base = base_->NewCursor(lower, upper);
  if (changes_.empty()) return base;
  return std::make_unique<OverlayCursor>(changes_, std::move(base), std::move(lower), std::move(upper));
}

void Overlay::Put(absl::string_view path, std::string record) { Set(path, std::move(record)); }
void Overlay::Delete(absl::string_view path) { Set(path, std::nullopt); }

void Overlay::ShowChanges(absl::FunctionRef<void(const std::string& path, std::optional<std::string> record)> show) && {
  for (auto& [path, record] : changes_) show(path, std::move(record));
}

void Overlay::RollBack(size_t mark) {
  while (undo_.size() > mark) {
    Undo& undo = undo_.back();
    if (undo.was_changed) {
      changes_[undo.path] = std::move(undo.record);
    } else {
      changes_.erase(undo.path);
    }
    undo_.pop_back();
  }
}

void Overlay::Set(absl::string_view path, std::optional<std::string> record) {
  const auto [change, inserted] = changes_.try_emplace(std::string(path));
  undo_.push_back({change->first, !inserted, inserted ? std::nullopt : std::move(change->second)});
  change->second = std::move(record);
}

}  // namespace scoutlight::storage
