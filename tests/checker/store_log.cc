#include "tests/checker/store_log.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "base/clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::checker {
namespace {

constexpr size_t kPageBytesMax = 1 << 20;

}  // namespace

void AppendStoreLog(storage::Store* store, History* history) {
  const storage::SyncStore sync(store);
  const Revision latest = sync.Latest();
  for (Revision from = static_cast<Revision>(history->log.size()) + 2; from <= latest;) {
    const storage::HistoryPage page = sync.History(from, latest, {Key(), Scope::kSubtree}, kPageBytesMax);
    ASSERT_TRUE(page.status.ok()) << page.status;
    const Nanos now = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
    for (const auto& batch : page.batches) history->log.push_back({*batch, now});
    ASSERT_GT(page.next, from);
    from = page.next;
  }
}

void AppendLogOfFolder(const std::string& data_dir, History* history) {
  const std::unique_ptr<storage::Store> store = storage::OpenRocksdbStore(data_dir, Clock::System());
  ASSERT_NE(store, nullptr);
  AppendStoreLog(store.get(), history);
}

}  // namespace scoutlight::checker
