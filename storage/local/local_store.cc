#include "storage/local/local_store.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/deferred.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/reader_pool.h"
#include "storage/local/committer.h"
#include "storage/local/entry_cache.h"
#include "storage/local/history.h"
#include "storage/local/layout.h"
#include "storage/local/lease_keeper.h"
#include "storage/local/open_state.h"
#include "storage/local/pinned_views.h"
#include "storage/local/read_job.h"
#include "storage/local/shared_leases.h"
#include "storage/local/view.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

// Background compaction looks at the history's age and size at every so manyth round of maintenance.
constexpr int kRoundsPerCompaction = 10;
constexpr absl::Duration kReadersLeaveWait = absl::Seconds(5);
constexpr size_t kRecoveryPageBytes = 1 * limits::kMiB;

const Traits kTraits{.operations_max = limits::kOperationsMax,
                     .changes_max = limits::kChangesMax,
                     .bytes_max = limits::kTransactionBytesMax,
                     .ttl_min = limits::kLeaseTtlMin,
                     .ttl_max = limits::kLeaseTtlMax,
                     .contiguous_revisions = true,
                     .children_cost = Traits::ChildrenCost::kPerChild};

// What a queued write holds, about: its keys and values, and a constant for each part.
constexpr size_t kFixedBytes = 256;
constexpr size_t kBytesPerLeaseNote = 64;

size_t BytesOf(const Transaction& transaction) {
  size_t bytes = kFixedBytes;
  for (const auto* branch : {&transaction.on_success, &transaction.on_failure}) {
    for (const Operation& operation : *branch) {
      bytes += kFixedBytes;
      if (const auto* put = std::get_if<PutOperation>(&operation)) bytes += put->key.path().size() + put->value.bytes.size();
      if (const auto* erase = std::get_if<DeleteOperation>(&operation)) bytes += erase->range.key.path().size();
      if (const auto* get = std::get_if<GetOperation>(&operation)) bytes += get->key.path().size();
      if (const auto* list = std::get_if<ListOperation>(&operation)) bytes += list->range.key.path().size();
    }
  }
  for (const Condition& condition : transaction.conditions) {
    bytes += kFixedBytes + condition.key.path().size() + condition.value.bytes.size();
  }
  return bytes;
}

// Whether what it asks for may stand in the EntryCache.
bool IsOfLatestKey(const Query& query) {
  return query.range.scope == Scope::kKey && query.revision == 0 && !query.keys_only && !query.after.has_value();
}

absl::Status ReadQueueFull() { return Overloaded(absl::StrCat("the read queue is full: ", limits::kQueuedReadsMax, " reads wait")); }

class LocalStore : public Store {
 public:
  LocalStore(std::unique_ptr<Engine> engine, LocalStoreOptions options);
  ~LocalStore() override;

  // Before anything else: reads what the engine holds, and counts this life.
  absl::Status Start();

  const Traits& traits() const override { return kTraits; }
  StoreId store_id() const override { return engine_->store_id(); }
  void BeginServing() override { keeper_.Start(); }
  void EndServing() override { keeper_.Pause(); }
  void Commit(Transaction transaction, Done<CommitResult> done) override;
  void Read(Query query, Done<Page> done) override;
  void History(Revision from, Revision to, KeyRange range, size_t bytes_max, Done<HistoryPage> done) override;
  void Follow(Revision after, std::shared_ptr<Sink> sink) override { committer_->Follow(after, std::move(sink)); }
  void GrantLease(GrantRequest request, Done<LeaseResult> done) override;
  void RevokeLease(RevokeRequest request, Done<CommitResult> done) override;
  void RenewLeases(std::vector<LeaseId> ids, uint64_t connection, Done<Renewals> done) override;
  void GetLease(LeaseId id, Done<LeaseResult> done) override;
  void ListLeases(LeaseId after, int leases_max, Done<LeaseList> done) override;
  std::optional<int64_t> lease_count() const override { return keeper_.count(); }
  void Compact(Revision oldest, Done<CompactResult> done) override { committer_->Compact(oldest, std::move(done)); }
  StoreHealth health() const override;

 private:
  // Runs `answer` after the current call: when the thread's DeferScope closes, else on a pool thread.
  void Later(ReaderPool::Work answer);
  // Answers with what `look` gives on a pool thread, or that too many reads wait.
  template <typename Result, typename Look>
  void LookOnPool(Look look, Done<Result> done);
  LeaseResult FindLease(LeaseId id);
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
  std::optional<Page> FindKept(const Query& query, const View* view);
  // Keeps what such a query has found.
  void KeepFound(const Query& query, const Page& page, const View& view);
  // A read of one key's past that is finished; null: it is none, or takes long.
  static std::unique_ptr<ReadJob> TryPastKey(const Query& query, const Chosen& chosen, const View& view);
  void FinishLater(std::unique_ptr<ReadJob> job, std::shared_ptr<const View> view, const Chosen& chosen, Done<Page> done);
  void FinishRead(ReadJob& job, std::shared_ptr<const View> view, Revision revision, bool is_past, Done<Page> done);

  void MaintenanceLoop();
  void MaintainOnce();
  void CompactByAgeAndSize();
  void Recover();
  // Waits until nobody reads through `snapshot` any more, at most kReadersLeaveWait.
  bool WaitUntilUnused(const std::weak_ptr<const Snapshot>& snapshot);
  absl::Status ShowAndPublishRecovered(Revision published);
  void Warn(absl::string_view line) const;

  // At the very end: what the next life must know of this one.
  void KeepUptime();

  // What may take long: dropping history, and the scrub.
  void BackgroundLoop();
  // Remembers that stored data is damaged, which only a restore mends. The first time it is told to the operator.
  void NoteDamage(const absl::Status& status);

  const LocalStoreOptions options_;
  const std::unique_ptr<Engine> engine_;
  PublishedView published_;
  EntryCache kept_;
  PinnedViews pinned_{limits::kPinnedViewsMax, limits::kPinnedViewAgeMax};
  SharedLeases leases_;
  // Ended in the destructor's body, in an order that lets each still use the others.
  std::unique_ptr<ReaderPool> pool_;
  std::unique_ptr<Committer> committer_;
  LeaseKeeper keeper_;  // Hears from the committer until that is closed.

  // The maintenance thread's own.
  int round_ = 0;
  Revision last_published_ = 0;  // While the engine is closed.
  Revision last_oldest_ = 0;

  mutable Mutex mu_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::string damage_ ABSL_GUARDED_BY(mu_);
  std::thread maintenance_;
  std::thread background_;
};

LocalStore::LocalStore(std::unique_ptr<Engine> engine, LocalStoreOptions options)
    : options_(std::move(options)),
      engine_(std::move(engine)),
      pool_(std::make_unique<ReaderPool>(limits::kReaderThreads, limits::kQueuedReadsMax)),
      committer_(std::make_unique<Committer>(Committer::Parts{.engine = engine_.get(),
                                                              .clock = options_.clock,
                                                              .pool = pool_.get(),
                                                              .published = &published_,
                                                              .kept = &kept_,
                                                              .leases = &leases_,
                                                              .random = options_.random})),
      keeper_({.clock = options_.clock,
               .leases = &leases_,
               .committer = committer_.get(),
               .tick = options_.lease_tick,
               .note_damage = [this](const absl::Status& status) { NoteDamage(status); }}) {}

LocalStore::~LocalStore() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  keeper_.Stop();
  if (maintenance_.joinable()) maintenance_.join();
  if (background_.joinable()) background_.join();
  committer_->Close();
  KeepUptime();
  // Its last work may still come to both.
  pool_->Close();
  committer_.reset();
}

void LocalStore::KeepUptime() {
  const std::optional<absl::Duration> uptime = keeper_.UptimeToKeep();
  const std::shared_ptr<const View> view = published_.Load();
  if (!uptime.has_value() || view == nullptr || !committer_->problem().empty()) return;
  const std::unique_ptr<WriteSet> writes = engine_->NewWriteSet();
  writes->Put(Table::kMeta, layout::kMetaUptime, layout::EncodeU64(static_cast<uint64_t>(absl::ToInt64Milliseconds(*uptime))));
  if (absl::Status status = engine_->Write(*writes, view->revision); !status.ok()) {
    Warn(absl::StrCat("how long this server has run could not be stored; dead owners' leases may live longer: ", status.message()));
  }
}

absl::Status LocalStore::Start() {
  const std::shared_ptr<const Snapshot> snapshot = engine_->TakeSnapshot();
  absl::StatusOr<OpenState> state = ReadOpenState(snapshot, options_.clock->Now() - limits::kRequestIdWindow);
  if (!state.ok()) return state.status();
  const std::unique_ptr<WriteSet> writes = engine_->NewWriteSet();
  keeper_.Load(*state, options_.random, writes.get());
  if (absl::Status status = engine_->Write(*writes, state->revision); !status.ok()) return status;
  for (const OpenState::Request& request : state->requests) {
    committer_->Remember(request.record.caller, request.record.request_id,
                         {.hash = request.record.request_hash, .before = request.revision - 1, .changed = true}, request.committed);
  }
  committer_->SetLastCommitted(state->committed);
  const auto view = std::make_shared<const View>(View{engine_->TakeSnapshot(), state->revision, state->oldest});
  published_.Exchange(view);
  engine_->DropHistory(committer_->HistoryFloor(*view));
  maintenance_ = std::thread([this] { MaintenanceLoop(); });
  background_ = std::thread([this] { BackgroundLoop(); });
  return absl::OkStatus();
}

void LocalStore::Later(ReaderPool::Work answer) {
  if (DeferScope::IsOpen()) {
    DeferScope::Defer(std::move(answer));
  } else {
    pool_->Run(std::move(answer));
  }
}

void LocalStore::Commit(Transaction transaction, Done<CommitResult> done) {
  const uint64_t connection = transaction.origin.connection;
  const size_t bytes = BytesOf(transaction);
  committer_->Submit({.work = QueuedTransaction{.transaction = std::move(transaction), .done = std::move(done), .result = {}},
                      .connection = connection,
                      .bytes = bytes});
}

LocalStore::Chosen LocalStore::Choose(const Query& query, const View* view) const {
  if (view == nullptr) {
    return {.state = nullptr, .error = ReadOnly("the store is being opened again"), .revision = published_.revision()};
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
  if (const std::shared_ptr<const View> pinned = pinned_.Find(revision); pinned != nullptr) {
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

void LocalStore::Read(Query query, Done<Page> done) {
  std::shared_ptr<const View> view = published_.Load();
  if (std::optional<Page> page = FindKept(query, view.get()); page.has_value()) {
    return Later([done = std::move(done), page = *std::move(page)]() mutable { std::move(done)(std::move(page)); });
  }
  Chosen chosen = Choose(query, view.get());
  if (chosen.state == nullptr) {
    Page page{.status = chosen.error, .revision = chosen.revision, .oldest_revision = chosen.oldest, .entries = {}};
    return Later([done = std::move(done), page = std::move(page)]() mutable { std::move(done)(std::move(page)); });
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
  if (pool_->TryRun(work)) return;
  Page page{.status = ReadQueueFull(), .revision = view->revision, .oldest_revision = view->oldest, .entries = {}};
  Later([shared_done, page = std::move(page)]() mutable { std::move (*shared_done)(std::move(page)); });
}

std::optional<Page> LocalStore::FindKept(const Query& query, const View* view) {
  if (!IsOfLatestKey(query) || view == nullptr || query.min_revision > view->revision) return std::nullopt;
  std::optional<Entry> entry = kept_.Find(query.range.key.path(), view->revision);
  if (!entry.has_value()) return std::nullopt;
  Page page{.status = {}, .revision = view->revision, .oldest_revision = view->oldest, .entries = {}};
  page.entries.push_back(*std::move(entry));
  return page;
}

std::unique_ptr<ReadJob> LocalStore::TryPastKey(const Query& query, const Chosen& chosen, const View& view) {
  if (!chosen.is_past || query.range.scope != Scope::kKey) return nullptr;
  // Behind the key any number of others may be that were not there then.
  auto state = std::make_shared<PastState>(view.snapshot, chosen.revision, limits::kInlineEntriesMax);
  auto job = std::make_unique<ReadJob>(std::move(state), query);
  if (!job->Run(limits::kInlineEntriesMax) || absl::IsResourceExhausted(job->status())) return nullptr;
  return job;
}

void LocalStore::FinishLater(std::unique_ptr<ReadJob> job, std::shared_ptr<const View> view, const Chosen& chosen, Done<Page> done) {
  Later([this, job = std::move(job), view = std::move(view), revision = chosen.revision, is_past = chosen.is_past,
         done = std::move(done)]() mutable { FinishRead(*job, std::move(view), revision, is_past, std::move(done)); });
}

void LocalStore::KeepFound(const Query& query, const Page& page, const View& view) {
  if (IsOfLatestKey(query) && page.status.ok() && page.entries.size() == 1) kept_.Keep(page.entries.front(), view.revision);
}

void LocalStore::FinishRead(ReadJob& job, std::shared_ptr<const View> view, Revision revision, bool is_past, Done<Page> done) {
  Page page = job.TakePage();
  if (absl::IsDataLoss(page.status)) NoteDamage(page.status);
  KeepFound(job.query(), page, *view);
  page.revision = revision;
  page.oldest_revision = view->oldest;
  if (is_past) {
    // What was read may have been dropped under the reader.
    const std::shared_ptr<const View> now = published_.Load();
    if (now == nullptr) {
      page = {.status = ReadOnly("the store is being opened again"), .revision = revision, .oldest_revision = view->oldest, .entries = {}};
    } else if (revision < now->oldest) {
      page = {.status = Compacted(revision, now->oldest), .revision = now->revision, .oldest_revision = now->oldest, .entries = {}};
    }
  }
  if (job.query().expect_more_pages && page.more && revision == view->revision) {
    pinned_.Pin(std::move(view), options_.clock->SinceBoot());
  }
  std::move(done)(std::move(page));
}

void LocalStore::History(Revision from, Revision to, KeyRange range, size_t bytes_max, Done<HistoryPage> done) {
  pool_->Run([this, from, to, range = std::move(range), bytes_max, done = std::move(done)]() mutable {
    HistoryPage page;
    const std::shared_ptr<const View> view = published_.Load();
    if (view == nullptr) {
      page.status = ReadOnly("the store is being opened again");
    } else if (page.oldest_revision = view->oldest; from <= view->oldest) {
      page.status = Compacted(from, view->oldest);
    } else if (from > view->revision + 1) {
      page.status = FutureRevision(from, view->revision);
    } else {
      page = ReadHistory(*view, from, std::min(to, view->revision), range, bytes_max);
      const std::shared_ptr<const View> now = published_.Load();
      if (!page.status.ok() && now == nullptr) {
        page.status = ReadOnly("the store is being opened again");
      } else if (!page.status.ok() && from <= now->oldest) {
        page = {.status = Compacted(from, now->oldest), .oldest_revision = now->oldest, .batches = {}, .next = from};
      }
    }
    std::move(done)(std::move(page));
  });
}

void LocalStore::GrantLease(GrantRequest request, Done<LeaseResult> done) {
  const uint64_t connection = request.origin.connection;
  const size_t bytes = kFixedBytes + request.origin.caller.size();
  committer_->Submit({.work = QueuedGrant{.request = std::move(request), .done = std::move(done), .result = {}},
                      .connection = connection,
                      .bytes = bytes});
}

void LocalStore::RevokeLease(RevokeRequest request, Done<CommitResult> done) {
  const uint64_t connection = request.origin.connection;
  const size_t bytes = kFixedBytes + request.origin.caller.size();
  committer_->Submit(
      {.work = QueuedLeaseEnd{.request = std::move(request), .cause = EventCause::kLeaseRevoked, .done = std::move(done), .result = {}},
       .connection = connection,
       .bytes = bytes});
}

void LocalStore::RenewLeases(std::vector<LeaseId> ids, uint64_t connection, Done<Renewals> done) {
  LeaseKeeper::Renewed renewed = keeper_.Renew(ids);
  Renewals renewals{.revision = published_.revision(), .results = std::move(renewed.results)};
  // Once in a life a lease's renewal goes to disk, and is acknowledged then. What becomes of a lease that is being ended is known behind
  // it.
  std::vector<LeaseId> noted = std::move(renewed.unnoted);
  noted.insert(noted.end(), renewed.ending.begin(), renewed.ending.end());
  if (noted.empty()) {
    return Later([done = std::move(done), renewals = std::move(renewals)]() mutable { std::move(done)(std::move(renewals)); });
  }
  const size_t bytes = noted.size() * kBytesPerLeaseNote;
  auto finish = [this, noted, ending = std::move(renewed.ending), done = std::move(done),
                 renewals = std::move(renewals)](const CommitResult& result) mutable {
    absl::flat_hash_map<LeaseId, RenewResult> changed;
    if (!result.status.ok()) {
      for (const LeaseId id : noted) changed[id] = {.id = id, .status = result.status, .ttl = {}};
    } else if (!ending.empty()) {
      // One that is there after all is noted already.
      for (RenewResult& again : keeper_.Renew(ending).results) changed[again.id] = std::move(again);
    }
    for (RenewResult& renewal : renewals.results) {
      if (const auto found = changed.find(renewal.id); found != changed.end()) renewal = found->second;
    }
    std::move(done)(std::move(renewals));
  };
  committer_->Submit({.work = QueuedLeaseNote{.renewed = std::move(noted), .done = std::move(finish), .result = {}},
                      .connection = connection,
                      .bytes = bytes});
}

template <typename Result, typename Look>
void LocalStore::LookOnPool(Look look, Done<Result> done) {
  auto shared_done = std::make_shared<Done<Result>>(std::move(done));  // Stays here until the pool has taken the work.
  ReaderPool::Work work = [look = std::move(look), shared_done]() mutable { std::move (*shared_done)(look()); };
  if (pool_->TryRun(work)) return;
  Later([shared_done, revision = published_.revision()]() mutable {
    Result result;
    result.status = ReadQueueFull();
    result.revision = revision;
    std::move (*shared_done)(std::move(result));
  });
}

void LocalStore::GetLease(LeaseId id, Done<LeaseResult> done) {
  LookOnPool<LeaseResult>([this, id] { return FindLease(id); }, std::move(done));
}

LeaseResult LocalStore::FindLease(LeaseId id) {
  LeaseResult result;
  const std::shared_ptr<const View> view = published_.Load();
  if (view == nullptr) {
    result.status = ReadOnly("the store is being opened again");
    result.revision = published_.revision();
    return result;
  }
  result.revision = view->revision;
  std::optional<LeaseInfo> lease = keeper_.Find(id);
  if (!lease.has_value()) {
    result.status = LeaseNotFound(absl::StatusCode::kNotFound, id);
    return result;
  }
  result.lease = *std::move(lease);
  absl::StatusOr<std::vector<Key>> keys = ReadKeysOfLease(*view->snapshot, id);
  if (keys.ok()) {
    result.lease.keys = *std::move(keys);
  } else {
    result.status = keys.status();
  }
  return result;
}

void LocalStore::ListLeases(LeaseId after, int leases_max, Done<LeaseList> done) {
  const auto look = [this, after, leases_max] {
    LeaseList list;
    const std::shared_ptr<const View> view = published_.Load();
    if (view == nullptr) {
      list.status = ReadOnly("the store is being opened again");
      list.revision = published_.revision();
      return list;
    }
    list.revision = view->revision;
    list.leases = keeper_.List(after, leases_max);
    list.more = static_cast<int>(list.leases.size()) == leases_max;
    return list;
  };
  LookOnPool<LeaseList>(look, std::move(done));
}

StoreHealth LocalStore::health() const {
  StoreHealth health;
  {
    MutexLock lock(&mu_);
    health.problem = damage_;
  }
  if (!health.problem.empty()) {
    health.state = StoreHealth::State::kUnavailable;
    return health;
  }
  health.problem = committer_->problem();
  if (published_.Load() == nullptr) {
    health.state = StoreHealth::State::kUnavailable;
  } else if (!health.problem.empty()) {
    health.state = StoreHealth::State::kReadOnly;
  } else if (const std::optional<Engine::Room> room = engine_->FreeRoom(); room.has_value() && room->for_puts_bytes <= 0) {
    health.problem = "the disk is nearly full";
  }
  return health;
}

void LocalStore::MaintenanceLoop() {
  while (true) {
    {
      MutexLock lock(&mu_);
      if (!stopping_) wake_.WaitFor(&mu_, options_.maintenance_interval);
      if (stopping_) return;
    }
    MaintainOnce();
  }
}

void LocalStore::MaintainOnce() {
  if (committer_->problem().empty() && engine_->failed()) committer_->NoteFailure("the storage failed in the background");
  if (!committer_->problem().empty()) Recover();
  if (!committer_->problem().empty()) return;
  engine_->SyncHighWater();
  pinned_.Expire(options_.clock->SinceBoot());
  if (++round_ % kRoundsPerCompaction == 0) CompactByAgeAndSize();
}

void LocalStore::CompactByAgeAndSize() {
  const std::shared_ptr<const View> view = published_.Load();
  if (view == nullptr || view->revision == view->oldest) return;
  absl::StatusOr<Revision> young = FirstCommittedAt(*view, view->oldest + 1, options_.clock->Now() - options_.history_age);
  if (!young.ok()) return Warn(absl::StrCat("cannot tell the age of the history: ", young.status().message()));
  Revision oldest = *young - 1;
  // A change weighs about as much in the past as in the log. What is compacted but not dropped yet does not count: giving up more would
  // not make it go sooner.
  const uint64_t bytes = 2 * engine_->LogBytes(view->oldest + 1, view->revision);
  if (bytes > options_.history_bytes_max) {
    // As if every revision were of the same size; the next rounds correct it.
    const double over = static_cast<double>(bytes - options_.history_bytes_max) / static_cast<double>(bytes);
    oldest = std::max(oldest, view->oldest + static_cast<Revision>(over * static_cast<double>(view->revision - view->oldest)));
  }
  if (oldest <= view->oldest) return;
  committer_->Compact(oldest, [](CompactResult) {});
}

bool LocalStore::WaitUntilUnused(const std::weak_ptr<const Snapshot>& snapshot) {
  // Nobody tells when a snapshot ends, so this looks every few milliseconds; new readers find no view meanwhile.
  constexpr absl::Duration kLook = absl::Milliseconds(5);
  MutexLock lock(&mu_);
  for (absl::Duration waited; waited < kReadersLeaveWait && !stopping_ && !snapshot.expired(); waited += kLook) {
    wake_.WaitFor(&mu_, kLook);
  }
  return snapshot.expired();
}

void LocalStore::Recover() {
  // Reads go on as they are until the disk takes writes again: opening needs some.
  const std::optional<Engine::Room> room = engine_->FreeRoom();
  if ((room.has_value() && room->for_deletes_bytes <= 0) || !engine_->Probe().ok()) return;
  if (!committer_->BeginRecovery()) return;
  pinned_.Clear();
  std::shared_ptr<const View> view = published_.Exchange(nullptr);
  if (view != nullptr) {
    last_published_ = view->revision;
    last_oldest_ = view->oldest;
    const std::weak_ptr<const Snapshot> snapshot = view->snapshot;
    std::weak_ptr<const View> weak_view = view;
    view.reset();
    if (!WaitUntilUnused(snapshot)) {
      // A long read goes on; so do the others, until the next round.
      if (std::shared_ptr<const Snapshot> alive = snapshot.lock(); alive != nullptr) {
        published_.Exchange(std::make_shared<const View>(View{std::move(alive), last_published_, last_oldest_}));
        return committer_->EndRecovery(committer_->problem());
      }
    }
  }
  absl::Status status = engine_->Reopen();
  if (absl::IsFailedPrecondition(status)) {
    // Still in use, and so still open; a batch that failed may be in it.
    kept_.ForgetAll(last_published_);
    published_.Exchange(std::make_shared<const View>(View{engine_->TakeSnapshot(), last_published_, last_oldest_}));
    return committer_->EndRecovery(committer_->problem());
  }
  if (status.ok()) status = ShowAndPublishRecovered(last_published_);
  if (status.ok()) {
    Warn("the store has recovered and takes writes again");
  } else {
    Warn(absl::StrCat("the store cannot be opened again yet: ", status.message()));
  }
  committer_->EndRecovery(status.ok() ? "" : std::string(status.message()));
}

absl::Status LocalStore::ShowAndPublishRecovered(Revision published) {
  const std::shared_ptr<const Snapshot> snapshot = engine_->TakeSnapshot();
  absl::StatusOr<OpenState> state = ReadOpenState(snapshot, options_.clock->Now() - limits::kRequestIdWindow);
  if (!state.ok()) return state.status();
  if (state->revision < published) {
    return absl::DataLossError(absl::StrCat("revision ", published, " was acknowledged, but only ", state->revision, " is on disk"));
  }
  auto view = std::make_shared<const View>(View{snapshot, state->revision, state->oldest});
  std::vector<std::shared_ptr<const Batch>> batches;
  for (Revision next = published + 1; next <= state->revision;) {
    HistoryPage page = ReadHistory(*view, next, state->revision, {Key(), Scope::kSubtree}, kRecoveryPageBytes);
    if (!page.status.ok()) return page.status;
    batches.insert(batches.end(), page.batches.begin(), page.batches.end());
    next = page.next;
  }
  for (const OpenState::Request& request : state->requests) {
    if (request.revision <= published) continue;
    committer_->Remember(request.record.caller, request.record.request_id,
                         {.hash = request.record.request_hash, .before = request.revision - 1, .changed = true}, request.committed);
  }
  keeper_.Reload(*state);
  committer_->ShowRecovered(batches);
  kept_.ForgetAll(state->revision);
  published_.Exchange(view);
  engine_->DropHistory(committer_->HistoryFloor(*view));
  return absl::OkStatus();
}

void LocalStore::BackgroundLoop() {
  // A recovery must not wait for the scrub, which holds the engine open.
  const auto stop = [this] {
    MutexLock lock(&mu_);
    return stopping_ || !committer_->problem().empty();
  };
  absl::Duration next_scrub = options_.clock->SinceBoot();
  while (true) {
    if (options_.clock->SinceBoot() >= next_scrub) {
      next_scrub += options_.scrub_interval;
      const absl::Status status = engine_->Verify(stop);
      if (absl::IsDataLoss(status)) NoteDamage(status);
    }
    engine_->Maintain();
    MutexLock lock(&mu_);
    if (!stopping_) wake_.WaitFor(&mu_, options_.maintenance_interval);
    if (stopping_) return;
  }
}

void LocalStore::NoteDamage(const absl::Status& status) {
  {
    MutexLock lock(&mu_);
    if (!damage_.empty()) return;
    damage_ = absl::StrCat("stored data is damaged, restore it from a backup: ", status.message());
  }
  Warn(absl::StrCat("stored data is damaged, restore it from a backup: ", status.message()));
}

void LocalStore::Warn(absl::string_view line) const {
  if (options_.warn) options_.warn(line);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenLocalStore(std::unique_ptr<Engine> engine, LocalStoreOptions options) {
  auto store = std::make_unique<LocalStore>(std::move(engine), std::move(options));
  if (absl::Status status = store->Start(); !status.ok()) return status;
  return store;
}

}  // namespace scoutlight::storage
