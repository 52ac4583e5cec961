#include "storage/rocksdb/history_filter.h"

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "storage/local/layout.h"

namespace scoutlight::storage {
namespace {

class HistoryFilter final : public rocksdb::CompactionFilter {
 public:
  explicit HistoryFilter(Revision floor) : floor_(floor) {}

  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice&, std::string*, bool*) const override {
    const absl::StatusOr<layout::PastPosition> position = layout::DecodePastKey(absl::string_view(key.data(), key.size()));
    // A damaged key stays, to be found.
    return position.ok() && position->revision <= floor_;
  }
  const char* Name() const override { return "scoutlight.HistoryFilter"; }

 private:
  const Revision floor_;
};

class HistoryFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit HistoryFilterFactory(std::shared_ptr<const HistoryFloor> floor) : floor_(std::move(floor)) {}

  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<HistoryFilter>(floor_->get());
  }
  const char* Name() const override { return "scoutlight.HistoryFilterFactory"; }

 private:
  const std::shared_ptr<const HistoryFloor> floor_;
};

}  // namespace

std::shared_ptr<rocksdb::CompactionFilterFactory> NewHistoryFilterFactory(std::shared_ptr<const HistoryFloor> floor) {
  return std::make_shared<HistoryFilterFactory>(std::move(floor));
}

}  // namespace scoutlight::storage
