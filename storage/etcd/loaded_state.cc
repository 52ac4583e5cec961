#include "storage/etcd/loaded_state.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace scoutlight::storage {
namespace {

using Records = std::map<std::string, std::string, std::less<>>;

class LoadedCursor : public Cursor {
 public:
  // `upper` empty: no upper end.
  LoadedCursor(const Records& records, const std::string& lower, const std::string& upper)
      : begin_(records.lower_bound(lower)),
        end_(upper.empty() ? records.end() : records.lower_bound(upper)),
        at_(end_),
        records_(records) {}

  void Seek(absl::string_view key) override {
    at_ = records_.lower_bound(key);
    if (at_ == records_.end() || (end_ != records_.end() && at_->first >= end_->first)) {
      at_ = end_;
    } else if (begin_ != records_.end() && at_->first < begin_->first) {
      at_ = begin_;
    }
  }
  void SeekToLast() override { at_ = begin_ == end_ ? end_ : std::prev(end_); }
  void Next() override { ++at_; }
  bool Valid() const override { return at_ != end_; }
  absl::string_view key() const override { return at_->first; }
  absl::string_view value() const override { return at_->second; }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  const Records::const_iterator begin_;
  const Records::const_iterator end_;
  Records::const_iterator at_;
  const Records& records_;
};

}  // namespace

absl::StatusOr<std::optional<std::string>> LoadedState::Lookup(absl::string_view path) const {
  const auto found = records_.find(path);
  return found == records_.end() ? std::nullopt : std::optional<std::string>(found->second);
}

std::unique_ptr<Cursor> LoadedState::NewCursor(std::string lower, std::string upper) const {
  return std::make_unique<LoadedCursor>(records_, lower, upper);
}

}  // namespace scoutlight::storage
