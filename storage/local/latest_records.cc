#include "storage/local/latest_records.h"

#include <iterator>

namespace scoutlight::storage {
namespace {

constexpr size_t kPlaceBytes = 160;

}  // namespace

const std::string* LatestRecords::Find(absl::string_view path) const {
  const auto found = places_.find(path);
  return found == places_.end() ? nullptr : &found->second->record;
}

void LatestRecords::Set(absl::string_view path, std::optional<std::string> record) {
  const auto found = places_.find(path);
  if (!record.has_value() || record->size() > kRecordBytesMax) {
    if (found != places_.end()) Drop(found->second);
    return;
  }
  if (found != places_.end()) {
    const Writes::iterator write = found->second;
    bytes_ = bytes_ - write->record.size() + record->size();
    write->record = *std::move(record);
    writes_.splice(writes_.begin(), writes_, write);
  } else {
    writes_.push_front({.path = std::string(path), .record = *std::move(record)});
    places_.emplace(writes_.front().path, writes_.begin());
    bytes_ += BytesOf(writes_.front());
  }
  while (bytes_ > kBytesMax) Drop(std::prev(writes_.end()));
}

void LatestRecords::Clear() {
  places_.clear();
  writes_.clear();
  bytes_ = 0;
}

size_t LatestRecords::BytesOf(const Kept& kept) { return kept.path.size() + kept.record.size() + kPlaceBytes; }

void LatestRecords::Drop(Writes::iterator write) {
  bytes_ -= BytesOf(*write);
  places_.erase(write->path);
  writes_.erase(write);
}

absl::StatusOr<std::optional<std::string>> KnownState::Lookup(absl::string_view path) const {
  if (const std::string* known = known_.Find(path); known != nullptr) return *known;
  return LatestState::Lookup(path);
}

}  // namespace scoutlight::storage
