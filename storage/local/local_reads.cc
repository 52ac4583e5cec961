#include "storage/local/local_reads.h"

#include <algorithm>
#include <string>

#include "base/limits.h"
#include "storage/local/history.h"
#include "storage/local/read_queue.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

// Whether it asks for the whole entry of one key.
bool IsOfKey(const Query& query) { return query.range.scope == Scope::kKey && !query.keys_only && !query.after.has_value(); }

}  // namespace

LocalReads::Chosen LocalReads::Choose(const Query& query, const View* view) const {
  if (view == nullptr) {
    return {.state = nullptr, .error = BeingReopened(), .revision = parts_.published->revision()};
  }
  Chosen chosen{.state = nullptr, .error = {}, .revision = view->revision, .oldest = view->oldest};
  const Revision revision = query.revision == 0 ? view->revision : query.revision;
  const Revision needed = std::max(revision, query.min_revision);
  if (needed > view->revision) {
    chosen.error = FutureRevision(needed, view->revision);
    return chosen;
  }
  if (revision == view->revision) {
    chosen.state = std::make_shared<LatestState>(view->snapshot);
    return chosen;
  }
  if (const std::shared_ptr<const View> pinned = parts_.pinned->Find(revision); pinned != nullptr) {
    chosen.state = std::make_shared<LatestState>(pinned->snapshot);
    chosen.revision = revision;
  } else if (revision < view->oldest) {
    chosen.error = Compacted(revision, view->oldest);
  } else {
    chosen.state = std::make_shared<PastState>(view->snapshot, revision);
    chosen.revision = revision;
    chosen.is_past = true;
  }
  return chosen;
}

void LocalReads::Read(Query query, Done<Page> done) {
  std::shared_ptr<const View> view = parts_.published->Load();
  if (std::optional<Page> page = FindKept(query, view.get()); page.has_value()) {
    return AnswerLater(parts_.pool, [done = std::move(done), page = *std::move(page)]() mutable { std::move(done)(std::move(page)); });
  }
  Chosen chosen = Choose(query, view.get());
  if (chosen.state == nullptr) {
    Page page{.status = chosen.error, .revision = chosen.revision, .oldest_revision = chosen.oldest, .entries = {}};
    return AnswerLater(parts_.pool, [done = std::move(done), page = std::move(page)]() mutable { std::move(done)(std::move(page)); });
  }
  if (std::unique_ptr<ReadJob> tried = TryPastKey(query, chosen, *view); tried != nullptr) {
    return FinishLater(std::move(tried), std::move(view), chosen, std::move(done));
  }
  auto job = std::make_unique<ReadJob>(chosen.state, std::move(query));
  if (!chosen.is_past && job->Run(limits::kInlineEntriesMax)) {
    return FinishLater(std::move(job), std::move(view), chosen, std::move(done));
  }
  // Too long for the caller's thread.
  auto shared_done = std::make_shared<Done<Page>>(std::move(done));  // Stays here until the pool has taken the work.
  ReaderPool::Work work = [this, job = std::move(job), view, revision = chosen.revision, is_past = chosen.is_past, shared_done]() mutable {
    while (!job->Run(limits::kInlineEntriesMax)) {
    }
    FinishRead(*job, std::move(view), revision, is_past, std::move(*shared_done));
  };
  if (parts_.pool->TryRun(work)) return;
  Page page{.status = ReadQueueFull(), .revision = view->revision, .oldest_revision = view->oldest, .entries = {}};
  AnswerLater(parts_.pool, [shared_done, page = std::move(page)]() mutable { std::move (*shared_done)(std::move(page)); });
}

std::optional<Page> LocalReads::FindKept(const Query& query, const View* view) const {
  if (!IsOfKey(query) || view == nullptr) return std::nullopt;
  const Revision revision = query.revision == 0 ? view->revision : query.revision;
  if (revision < view->oldest || std::max(revision, query.min_revision) > view->revision) return std::nullopt;
  const std::string& path = query.range.key.path();
  std::optional<Entry> entry = query.revision == 0 ? parts_.kept->Find(path, revision) : parts_.kept_past->Find(path, revision);
  if (!entry.has_value()) return std::nullopt;
  Page page{.status = {}, .revision = revision, .oldest_revision = view->oldest, .entries = {}};
  page.entries.push_back(*std::move(entry));
  return page;
}

std::unique_ptr<ReadJob> LocalReads::TryPastKey(const Query& query, const Chosen& chosen, const View& view) {
  if (!chosen.is_past || query.range.scope != Scope::kKey) return nullptr;
  // Behind the key any number of others may be that were not there then.
  auto state = std::make_shared<PastState>(view.snapshot, chosen.revision, limits::kInlineEntriesMax);
  auto job = std::make_unique<ReadJob>(std::move(state), query);
  if (!job->Run(limits::kInlineEntriesMax) || absl::IsResourceExhausted(job->status())) return nullptr;
  return job;
}

void LocalReads::FinishLater(std::unique_ptr<ReadJob> job, std::shared_ptr<const View> view, const Chosen& chosen, Done<Page> done) {
  AnswerLater(parts_.pool, [this, job = std::move(job), view = std::move(view), revision = chosen.revision, is_past = chosen.is_past,
                            done = std::move(done)]() mutable { FinishRead(*job, std::move(view), revision, is_past, std::move(done)); });
}

void LocalReads::KeepFound(const Query& query, const Page& page, const View& view, bool is_past) const {
  if (!IsOfKey(query) || !page.status.ok() || page.entries.size() != 1) return;
  if (is_past) {
    parts_.kept_past->Keep(page.entries.front(), page.revision);
  } else if (query.revision == 0) {
    parts_.kept->Keep(page.entries.front(), view.revision);
  }
}

void LocalReads::FinishRead(ReadJob& job, std::shared_ptr<const View> view, Revision revision, bool is_past, Done<Page> done) {
  Page page = job.TakePage();
  if (absl::IsDataLoss(page.status)) parts_.note_damage(page.status);
  page.revision = revision;
  page.oldest_revision = view->oldest;
  if (is_past) {
    // What was read may have been dropped under the reader.
    const std::shared_ptr<const View> now = parts_.published->Load();
    if (now == nullptr) {
      page = {.status = BeingReopened(), .revision = revision, .oldest_revision = view->oldest, .entries = {}};
    } else if (revision < now->oldest) {
      page = {.status = Compacted(revision, now->oldest), .revision = now->revision, .oldest_revision = now->oldest, .entries = {}};
    }
  }
  KeepFound(job.query(), page, *view, is_past);
  if (job.query().expect_more_pages && page.more && revision == view->revision) {
    parts_.pinned->Pin(std::move(view), parts_.clock->SinceBoot());
  }
  std::move(done)(std::move(page));
}

void LocalReads::History(Revision from, Revision to, KeyRange range, size_t bytes_max, Done<HistoryPage> done) {
  parts_.pool->Run([this, from, to, range = std::move(range), bytes_max, done = std::move(done)]() mutable {
    HistoryPage page;
    const std::shared_ptr<const View> view = parts_.published->Load();
    if (view == nullptr) {
      page.status = BeingReopened();
    } else if (page.oldest_revision = view->oldest; from <= view->oldest) {
      page.status = Compacted(from, view->oldest);
    } else if (from > view->revision + 1) {
      page.status = FutureRevision(from, view->revision);
    } else {
      page = ReadHistory(*view, from, std::min(to, view->revision), range, bytes_max);
      const std::shared_ptr<const View> now = parts_.published->Load();
      if (!page.status.ok() && now == nullptr) {
        page.status = BeingReopened();
      } else if (!page.status.ok() && from <= now->oldest) {
        page = {.status = Compacted(from, now->oldest), .oldest_revision = now->oldest, .batches = {}, .next = from};
      }
    }
    std::move(done)(std::move(page));
  });
}

}  // namespace scoutlight::storage
