#include "server/discovery/store_reader.h"

#include <future>
#include <utility>

#include "base/limits.h"

namespace scoutlight::server {
namespace {

constexpr size_t kPageBytes = 1 * limits::kMiB;
constexpr int kPageEntries = limits::kPageEntriesDefault;

}  // namespace

storage::Page StoreReader::Read(storage::Query query) {
  std::promise<storage::Page> promise;
  std::future<storage::Page> answer = promise.get_future();
  // Without a DeferScope the store answers on a thread of its own.
  store_.Read(std::move(query), [&promise](storage::Page page) { promise.set_value(std::move(page)); });
  return answer.get();
}

absl::StatusOr<Revision> StoreReader::Pin() {
  storage::Query query;
  query.bytes_max = 1;
  const storage::Page page = Read(std::move(query));
  if (!page.status.ok()) return page.status;
  revision_ = page.revision;
  return revision_;
}

absl::Status StoreReader::ForEach(const KeyRange& range, Values values, const std::function<void(const Entry&)>& show) {
  storage::Query query;
  query.range = range;
  query.revision = revision_;
  query.keys_only = values == Values::kLeftOut;
  query.show_system = range.key.IsSystem();
  query.entries_max = kPageEntries;
  query.bytes_max = kPageBytes;
  query.expect_more_pages = true;
  while (true) {
    if (stop_()) return absl::CancelledError("the reading was stopped");
    const storage::Page page = Read(query);
    if (!page.status.ok()) return page.status;
    for (const Entry& entry : page.entries) show(entry);
    if (!page.more || page.entries.empty()) return absl::OkStatus();
    query.after = storage::Position{.key = page.entries.back().key};
  }
}

storage::HistoryPage StoreReader::History(Revision from, Revision to) {
  std::promise<storage::HistoryPage> promise;
  std::future<storage::HistoryPage> answer = promise.get_future();
  store_.History(from, to, {Key(), Scope::kSubtree}, kPageBytes,
                 [&promise](storage::HistoryPage page) { promise.set_value(std::move(page)); });
  return answer.get();
}

}  // namespace scoutlight::server
