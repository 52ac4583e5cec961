// Watches that begin with the state: its pages, one after the other, all of one revision.
#include <algorithm>
#include <utility>

#include "server/watch/watch_dispatcher.h"
#include "storage/store_errors.h"

namespace scoutlight::server {
namespace {

constexpr int kSnapshotPageEntriesMax = 5'000;
// A snapshot that a compaction overtakes begins anew, so many times in all.
constexpr int kSnapshotAttemptsMax = 5;

}  // namespace

void WatchDispatcher::ServeSnapshot(Watch& watch) {
  if (!watch.started) {
    Write(watch, StartedFrame(0, store_id_));
    watch.started = true;
    return Queue(watch);
  }
  SnapshotProgress& snapshot = *watch.snapshot;
  if (!snapshot.complete) return WantPage(watch);
  Write(watch, SnapshotEndFrame(snapshot.revision, store_id_, snapshot.first ? Restart::kYes : Restart::kNo));
  watch.next = {snapshot.revision + 1, 0};
  watch.phase = Watch::Phase::kChanges;
  watch.snapshot.reset();
  Queue(watch);
}

void WatchDispatcher::WantPage(Watch& watch) {
  if (page_reads_ < limits_.snapshot_reads_max) return ReadPage(watch);
  page_line_.push_back(watch.serial);
}

void WatchDispatcher::ReadPage(Watch& watch) {
  ++page_reads_;
  const bool snapshot = watch.phase == Watch::Phase::kSnapshot;
  storage::Query query;
  query.bytes_max = limits_.snapshot_page_bytes_max;
  if (snapshot) {
    // Nothing else goes out meanwhile, so that the page finds the stream free and is never kept. Who only checks keeps nothing.
    watch.stream->busy = true;
    query.range = watch.interest->range;
    query.show_system = query.range.key.IsSystem();
    query.revision = watch.snapshot->revision;
    query.entries_max = kSnapshotPageEntriesMax;
    query.expect_more_pages = true;
    if (watch.snapshot->after.has_value()) query.after = storage::Position{*watch.snapshot->after, 0};
  }
  std::shared_ptr<WatchStream> held = snapshot ? watch.stream->call : nullptr;
  store_.Read(std::move(query), [this, inbox = inbox_, serial = watch.serial, held = std::move(held)](storage::Page page) mutable {
    inbox->Post(WatchInbox::Order::kThen,
                [this, serial, held = std::move(held), page = std::move(page)]() mutable { OnPage(serial, held.get(), std::move(page)); });
  });
}

void WatchDispatcher::OnPage(uint64_t serial, WatchStream* held, storage::Page page) {
  --page_reads_;
  if (Stream* const stream = Find(held); stream != nullptr) {
    stream->busy = false;
    ready_.push_back(stream);
  }
  const auto found = watches_.find(serial);
  if (found != watches_.end() && found->second->phase != Watch::Phase::kEnding) TakePage(*found->second, std::move(page));
  ServeReady();
  while (page_reads_ < limits_.snapshot_reads_max && !page_line_.empty()) {
    const auto next = watches_.find(page_line_.front());
    page_line_.pop_front();
    if (next == watches_.end() || next->second->phase == Watch::Phase::kEnding) continue;
    if (next->second->phase == Watch::Phase::kSnapshot && next->second->stream->busy) {
      Queue(*next->second);
    } else {
      ReadPage(*next->second);
    }
  }
}

void WatchDispatcher::TakePage(Watch& watch, storage::Page page) {
  if (!page.status.ok()) return OnUnreadable(watch, page);
  if (watch.phase == Watch::Phase::kChecking) {
    if (watch.next.revision > page.revision + 1) {
      const Revision asked = watch.next.revision;
      // What follows the latest state is where it can go on.
      watch.next = {page.revision + 1, 0};
      return End(watch, AboutField(storage::FutureRevision(asked, page.revision), "start_revision"), page.oldest_revision);
    }
    watch.phase = Watch::Phase::kChanges;
    return Queue(watch);
  }
  SnapshotProgress& snapshot = *watch.snapshot;
  snapshot.revision = page.revision;
  snapshot.complete = !page.more;
  if (!page.entries.empty()) snapshot.after = page.entries.back().key;
  // Branches hold nothing.
  std::erase_if(page.entries, [](const Entry& entry) { return !entry.has_value; });
  if (!page.entries.empty()) {
    Write(watch, SnapshotFrame(std::move(page.entries), page.revision, store_id_, snapshot.first ? Restart::kYes : Restart::kNo));
    snapshot.first = false;
  }
  Queue(watch);
}

void WatchDispatcher::OnUnreadable(Watch& watch, const storage::Page& page) {
  switch (page.status.code()) {
    case absl::StatusCode::kOutOfRange:
      if (watch.phase == Watch::Phase::kChecking || ++watch.snapshot->attempts > kSnapshotAttemptsMax) {
        return End(watch, AboutField(page.status, ""), page.oldest_revision);
      }
      *watch.snapshot = {.after = std::nullopt, .attempts = watch.snapshot->attempts};
      return Queue(watch);
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      to_retry_.push_back(watch.serial);
      retry_at_ = std::min(retry_at_, now_ + limits_.retry_after);
      return;
    default:
      return End(watch, page.status);
  }
}

void WatchDispatcher::Retry() {
  if (now_ < retry_at_) return;
  retry_at_ = absl::InfiniteDuration();
  for (const uint64_t serial : std::exchange(to_retry_, {})) {
    if (const auto found = watches_.find(serial); found != watches_.end()) Queue(*found->second);
  }
}

}  // namespace scoutlight::server
