#include "storage/local/local_store.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "base/limits.h"
#include "base/reader_pool.h"
#include "storage/local/committer.h"
#include "storage/local/entry_cache.h"
#include "storage/local/lease_keeper.h"
#include "storage/local/local_reads.h"
#include "storage/local/local_upkeep.h"
#include "storage/local/open_state.h"
#include "storage/local/past_entries.h"
#include "storage/local/pinned_views.h"
#include "storage/local/read_queue.h"
#include "storage/local/room_gauge.h"
#include "storage/local/shared_leases.h"
#include "storage/local/view.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

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
  void Read(Query query, Done<Page> done) override { reads_.Read(std::move(query), std::move(done)); }
  void History(Revision from, Revision to, KeyRange range, size_t bytes_max, Done<HistoryPage> done) override {
    reads_.History(from, to, std::move(range), bytes_max, std::move(done));
  }
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
  // Answers with what `look` gives on a pool thread, or that too many reads wait.
  template <typename Result, typename Look>
  void LookOnPool(Look look, Done<Result> done);
  LeaseResult FindLease(LeaseId id);

  const LocalStoreOptions options_;
  const std::unique_ptr<Engine> engine_;
  PublishedView published_;
  EntryCache kept_;
  PastEntries kept_past_;
  PinnedViews pinned_{limits::kPinnedViewsMax, limits::kPinnedViewAgeMax};
  SharedLeases leases_;
  // Ended in the destructor's body, in an order that lets each still use the others.
  std::unique_ptr<ReaderPool> pool_;
  std::unique_ptr<Committer> committer_;
  LeaseKeeper keeper_;  // Hears from the committer until that is closed.
  LocalUpkeep upkeep_;
  LocalReads reads_;
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
               .published = &published_,
               .committer = committer_.get(),
               .tick = options_.lease_tick,
               .note_damage = [this](const absl::Status& status) { upkeep_.NoteDamage(status); }}),
      upkeep_({.options = &options_,
               .engine = engine_.get(),
               .published = &published_,
               .kept = &kept_,
               .pinned = &pinned_,
               .committer = committer_.get(),
               .keeper = &keeper_}),
      reads_({.clock = options_.clock,
              .pool = pool_.get(),
              .published = &published_,
              .kept = &kept_,
              .kept_past = &kept_past_,
              .pinned = &pinned_,
              .note_damage = [this](const absl::Status& status) { upkeep_.NoteDamage(status); }}) {}

LocalStore::~LocalStore() {
  keeper_.Stop();
  upkeep_.Stop();
  committer_->Close();
  upkeep_.KeepUptime();
  // Its last work may still come to both.
  pool_->Close();
  committer_.reset();
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
  upkeep_.Start();
  return absl::OkStatus();
}

void LocalStore::Commit(Transaction transaction, Done<CommitResult> done) {
  const uint64_t connection = transaction.origin.connection;
  const size_t bytes = BytesOf(transaction);
  committer_->Submit({.work = QueuedTransaction{.transaction = std::move(transaction), .done = std::move(done), .result = {}},
                      .connection = connection,
                      .bytes = bytes});
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
  Renewals renewals{.revision = renewed.revision, .results = std::move(renewed.results)};
  // Once in a life a lease's renewal goes to disk, and is acknowledged then. What becomes of a lease that is being ended is known behind
  // it.
  std::vector<LeaseId> noted = std::move(renewed.unnoted);
  noted.insert(noted.end(), renewed.ending.begin(), renewed.ending.end());
  if (noted.empty()) {
    return AnswerLater(pool_.get(),
                       [done = std::move(done), renewals = std::move(renewals)]() mutable { std::move(done)(std::move(renewals)); });
  }
  if (renewed.ending.empty()) ids.clear();
  const size_t bytes = noted.size() * kBytesPerLeaseNote + ids.size() * sizeof(LeaseId) + renewals.results.size() * sizeof(RenewResult);
  auto finish = [this, ids = std::move(ids), noted, done = std::move(done),
                 renewals = std::move(renewals)](const CommitResult& result) mutable {
    if (!result.status.ok()) {
      const absl::flat_hash_set<LeaseId> failed(noted.begin(), noted.end());
      for (RenewResult& renewal : renewals.results) {
        if (failed.contains(renewal.id)) renewal = {.id = renewal.id, .status = result.status, .ttl = {}};
      }
    } else if (!ids.empty()) {
      // Some were being ended: all are looked at again, for one revision. One that is there after all is noted already; one that is being
      // ended only now is refused.
      LeaseKeeper::Renewed again = keeper_.Renew(ids);
      renewals = {.revision = again.revision, .results = std::move(again.results)};
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
  AnswerLater(pool_.get(), [shared_done, revision = published_.revision()]() mutable {
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
  LeaseKeeper::Found found = keeper_.Find(id);
  LeaseResult result;
  result.revision = found.revision;
  if (found.view == nullptr) {
    result.status = BeingReopened();
    return result;
  }
  if (found.leases.empty()) {
    result.status = LeaseNotFound(absl::StatusCode::kNotFound, id);
    return result;
  }
  result.lease = std::move(found.leases.front());
  absl::StatusOr<std::vector<Key>> keys = ReadKeysOfLease(*found.view->snapshot, id);
  if (keys.ok()) {
    result.lease.keys = *std::move(keys);
  } else {
    result.status = keys.status();
  }
  return result;
}

void LocalStore::ListLeases(LeaseId after, int leases_max, Done<LeaseList> done) {
  const auto look = [this, after, leases_max] {
    LeaseKeeper::Found found = keeper_.List(after, leases_max);
    LeaseList list;
    list.revision = found.revision;
    if (found.view == nullptr) {
      list.status = BeingReopened();
      return list;
    }
    list.leases = std::move(found.leases);
    list.more = static_cast<int>(list.leases.size()) == leases_max;
    return list;
  };
  LookOnPool<LeaseList>(look, std::move(done));
}

StoreHealth LocalStore::health() const {
  StoreHealth health;
  health.problem = upkeep_.damage();
  if (!health.problem.empty()) {
    health.state = StoreHealth::State::kUnavailable;
    return health;
  }
  health.problem = committer_->problem();
  if (published_.Load() == nullptr) {
    health.state = StoreHealth::State::kUnavailable;
  } else if (!health.problem.empty()) {
    health.state = StoreHealth::State::kReadOnly;
  } else if (const std::optional<Engine::Room> room = engine_->FreeRoom(); room.has_value()) {
    health.problem = RoomProblem(*room);
  }
  return health;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenLocalStore(std::unique_ptr<Engine> engine, LocalStoreOptions options) {
  auto store = std::make_unique<LocalStore>(std::move(engine), std::move(options));
  if (absl::Status status = store->Start(); !status.ok()) return status;
  return store;
}

}  // namespace scoutlight::storage
