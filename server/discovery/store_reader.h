#ifndef SCOUTLIGHT_SERVER_DISCOVERY_STORE_READER_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_STORE_READER_H_

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "base/entry.h"
#include "base/key.h"
#include "storage/store.h"

namespace scoutlight::server {

// Reads from a store, waiting for the answers. For a thread that may wait: never one of gRPC's. Not thread-safe. The store outlives it.
class StoreReader {
 public:
  // `stop` is asked before each page: when true, ForEach ends with kCancelled.
  StoreReader(storage::Store* store, std::function<bool()> stop) : store_(*store), stop_(std::move(stop)) {}

  // Reads on at the latest revision, which is given back.
  absl::StatusOr<Revision> Pin();

  enum class Values { kShown, kLeftOut };
  // Shows every entry of a range at the pinned revision, in order, page by page. kOutOfRange: it is compacted away.
  absl::Status ForEach(const KeyRange& range, Values values, const std::function<void(const Entry&)>& show);

  // The batches in [from, to], as Store::History.
  storage::HistoryPage History(Revision from, Revision to);

 private:
  storage::Page Read(storage::Query query);

  storage::Store& store_;
  const std::function<bool()> stop_;
  Revision revision_ = 0;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_STORE_READER_H_
