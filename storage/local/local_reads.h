#ifndef SCOUTLIGHT_STORAGE_LOCAL_LOCAL_READS_H_
#define SCOUTLIGHT_STORAGE_LOCAL_LOCAL_READS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/entry.h"
#include "base/reader_pool.h"
#include "storage/local/entry_cache.h"
#include "storage/local/past_entries.h"
#include "storage/local/pinned_views.h"
#include "storage/local/read_job.h"
#include "storage/local/state_reader.h"
#include "storage/local/view.h"
#include "storage/store.h"

namespace scoutlight::storage {

// What is read of a local store: its states, the latest or one of before, and its history. Each read looks at one published view. Those of
// up to limits::kInlineEntriesMax entries are carried out on the caller's thread, the others on the pool's. Thread-safe.
class LocalReads {
 public:
  // All outlive it, and the pool's work.
  struct Parts {
    Clock* clock = nullptr;
    ReaderPool* pool = nullptr;
    const PublishedView* published = nullptr;
    EntryCache* kept = nullptr;
    PastEntries* kept_past = nullptr;
    PinnedViews* pinned = nullptr;
    std::function<void(const absl::Status&)> note_damage;  // From any thread, with no lock held.
  };

  explicit LocalReads(Parts parts) : parts_(std::move(parts)) {}

  // As Store::Read and Store::History.
  void Read(Query query, Done<Page> done);
  void History(Revision from, Revision to, KeyRange range, size_t bytes_max, Done<HistoryPage> done);

 private:
  // The state a query wants.
  struct Chosen {
    std::shared_ptr<const StateReader> state;  // Null: `error` says why.
    absl::Status error;
    Revision revision = 0;  // Of the state, or that the error speaks of.
    Revision oldest = 0;
    bool is_past = false;  // Read from history, which a compaction may drop meanwhile.
  };
  Chosen Choose(const Query& query, const View* view) const;
  // The answer to a query for one key that was read before; nullopt: it must be read.
  std::optional<Page> FindKept(const Query& query, const View* view) const;
  // Keeps what such a query has found.
  void KeepFound(const Query& query, const Page& page, const View& view, bool is_past) const;
  // A read of one key's past that is finished; null: it is none, or takes long.
  static std::unique_ptr<ReadJob> TryPastKey(const Query& query, const Chosen& chosen, const View& view);
  void FinishLater(std::unique_ptr<ReadJob> job, std::shared_ptr<const View> view, const Chosen& chosen, Done<Page> done);
  void FinishRead(ReadJob& job, std::shared_ptr<const View> view, Revision revision, bool is_past, Done<Page> done);

  const Parts parts_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_LOCAL_READS_H_
