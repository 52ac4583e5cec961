#include "storage/local/latest_records.h"

namespace scoutlight::storage {

void LatestRecords::Set(absl::string_view path, std::optional<std::string> record) {
  RecentMap<std::string>::Uses dropped;
  if (!record.has_value() || record->size() > kRecordBytesMax) return records_.Erase(path, &dropped);
  const size_t bytes = record->size();
  records_.Set(path, *std::move(record), bytes, &dropped);
}

void LatestRecords::Clear() {
  RecentMap<std::string>::Uses dropped;
  records_.Clear(&dropped);
}

absl::StatusOr<std::optional<std::string>> KnownState::Lookup(absl::string_view path) const {
  if (const std::string* known = known_.Find(path); known != nullptr) return *known;
  return LatestState::Lookup(path);
}

}  // namespace scoutlight::storage
