#include "storage/etcd/etcd_store.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/deferred.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/stable_hash.h"
#include "storage/etcd/etcd_admission.h"
#include "storage/etcd/etcd_commit.h"
#include "storage/etcd/etcd_errors.h"
#include "storage/etcd/etcd_fence.h"
#include "storage/etcd/etcd_follower.h"
#include "storage/etcd/etcd_health.h"
#include "storage/etcd/etcd_history.h"
#include "storage/etcd/etcd_leases.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/etcd/etcd_opening.h"
#include "storage/etcd/etcd_read.h"
#include "storage/etcd/etcd_renewals.h"
#include "storage/etcd/request_leases.h"
#include "storage/etcd/revision_probe.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

constexpr absl::Duration kHealthInterval = absl::Seconds(1);
// A transaction puts its mark and the record of its request too.
// Of a read of the latest state, when compaction comes between its calls.
constexpr int kReadTriesMax = 3;
constexpr int kOperationsMax = kEtcdOperationsMax - 2;
constexpr int kChangesMax = 4'096;
constexpr size_t kBytesMax = 4 * limits::kMiB;

Traits EtcdTraits() {
  Traits traits;
  traits.operations_max = kOperationsMax;
  traits.changes_max = kChangesMax;
  traits.bytes_max = kBytesMax;
  traits.request_bytes_max = kEtcdRequestBytesMax;
  // etcd raises shorter ones to this, by default.
  traits.ttl_min = absl::Seconds(2);
  traits.ttl_max = limits::kLeaseTtlMax;
  traits.leases_restart = true;
  traits.contiguous_revisions = false;
  traits.compacted_by_others = true;
  traits.children_cost = Traits::ChildrenCost::kPerDescendant;
  return traits;
}

template <typename Result>
Result Failed(absl::Status status) {
  Result result;
  result.status = std::move(status);
  return result;
}

class EtcdStore : public Store {
 public:
  EtcdStore(EtcdStoreOptions options, std::unique_ptr<EtcdClient> client, StoreId id, RevisionBounds bounds)
      : options_(std::move(options)),
        traits_(EtcdTraits()),
        id_(std::move(id)),
        mapping_(options_.prefix),
        health_(*options_.clock, /*silent_max=*/options_.stale_after * 2),
        client_(std::move(client)),
        random_(options_.random()),
        fence_(*client_, mapping_, *options_.clock),
        follower_(*client_, mapping_, fence_, id_,
                  {.clock = options_.clock,
                   .stale_after = options_.stale_after,
                   .stopped = [this](const absl::Status& why) { health_.SetProblem(why); }}),
        renewals_(*client_, *options_.clock, options_.call_timeout / 2),
        request_leases_(*client_, *options_.clock, [this] { return random_(); }),
        commit_parts_{*client_, mapping_, request_leases_, health_, traits_, [this] { return random_(); }},
        oldest_(bounds.oldest),
        latest_(bounds.latest) {
    client_->thread().PostAfter(kHealthInterval, [this] { AskHealth(); });
  }

  ~EtcdStore() override {
    client_->Shutdown();
    // Nothing runs on the client's thread any more.
    follower_.Close();
  }

  const Traits& traits() const override { return traits_; }
  StoreId store_id() const override { return id_; }

  void Commit(Transaction transaction, Done<CommitResult> done) override {
    const uint64_t connection = transaction.origin.connection;
    const size_t bytes = EtcdAdmission::BytesOf(transaction);
    if (absl::Status gone = health_.problem(); !gone.ok()) return Refuse(std::move(gone), std::move(done));
    if (absl::Status full = admission_.Enter(connection, bytes); !full.ok()) return Refuse(std::move(full), std::move(done));
    const absl::Time committed = EtcdMapping::TimeOfMark(options_.clock->Now());
    auto answer = [this, connection, bytes, committed, done = std::move(done)](EtcdCommit::Ended ended) mutable {
      admission_.Leave(connection, bytes);
      AnswerCommit(std::move(ended), std::move(done));
      follower_.EndOwn(committed);
    };
    auto commit = std::make_shared<EtcdCommit>(commit_parts_, std::move(transaction), committed, std::move(answer));
    auto start = [this, commit, committed] {
      follower_.BeginOwn(committed);
      commit->Start();
    };
    // Behind the caller's locks, and without a switch of threads if it can be.
    if (!DeferScope::IsOpen()) return client_->thread().Post(std::move(start));
    DeferScope::Defer([this, start = std::move(start)]() mutable { client_->thread().RunOrPost(std::move(start)); });
  }

  void Read(Query query, Done<Page> done) override {
    if (Enter(&done)) TryRead(std::move(query), kReadTriesMax, std::move(done));
  }

  void History(Revision from, Revision to, KeyRange range, size_t bytes_max, Done<HistoryPage> done) override {
    if (!Enter(&done)) return;
    Probe([this, from, to, range = std::move(range), bytes_max, done = std::move(done)](const RevisionBounds& bounds) mutable {
      HistoryPage page;
      page.oldest_revision = bounds.oldest;
      if (!bounds.outcome.ok()) {
        page.status = ReadError(bounds.outcome);
      } else if (from <= bounds.oldest && bounds.oldest > 1) {
        // Of the revision that it was compacted at etcd does not show all.
        page.status = Compacted(from, bounds.oldest);
      } else {
        // Nothing has happened at 1, and nothing yet behind the latest.
        const Revision first = std::max<Revision>(from, 2);
        const Revision last = std::min(to, bounds.latest);
        if (first <= last) return WalkHistory({first, last, std::move(range), bytes_max, {}, {}}, std::move(done));
        page.next = std::max(from, last + 1);
      }
      std::move(done)(std::move(page));
    });
  }

  void Follow(Revision after, std::shared_ptr<Sink> sink) override {
    client_->thread().Post([this, after, sink = std::move(sink)]() mutable { follower_.Follow(after, std::move(sink)); });
  }

  void ShowUpTo(Revision revision) override {
    client_->thread().Post([this, revision] { follower_.ShowUpTo(revision); });
  }

  // etcd ends leases by itself, whoever serves.
  void BeginServing() override {}
  void EndServing() override {}

  void GrantLease(GrantRequest request, Done<LeaseResult> done) override {
    if (request.ttl < traits_.ttl_min || request.ttl > traits_.ttl_max) {
      const std::string allowed = absl::StrCat(absl::FormatDuration(traits_.ttl_min), " to ", absl::FormatDuration(traits_.ttl_max));
      return Refuse(
          InvalidField(Reason::kInvalidField, "ttl", absl::StrCat("is ", absl::FormatDuration(request.ttl), ", must be ", allowed)),
          std::move(done));
    }
    if (request.id >= RequestLeases::kIdsFrom) {
      return Refuse(
          InvalidField(Reason::kInvalidField, "id",
                       absl::StrCat("is ", request.id, ", must be below ", RequestLeases::kIdsFrom, ": the rest is this store's own")),
          std::move(done));
    }
    if (!Enter(&done)) return;
    client_->thread().Post([this, request = std::move(request), done = std::move(done)]() mutable {
      GrantEtcdLease(*client_, GrantOf(request), [this, done = std::move(done)](EtcdLeaseResult got) mutable {
        health_.NoteWrite(got.outcome);
        if (!got.outcome.ok()) return AnswerAtOnce(Failed<LeaseResult>(WriteError(got.outcome)), std::move(done));
        latest_ = std::max(latest_, got.result.revision);
        std::move(done)(std::move(got.result));
      });
    });
  }

  void RevokeLease(RevokeRequest revoke, Done<CommitResult> done) override {
    if (!Enter(&done)) return;
    if (revoke.id >= RequestLeases::kIdsFrom) {
      return client_->thread().Post([this, id = revoke.id, done = std::move(done)]() mutable {
        AnswerAtLatest(Failed<CommitResult>(LeaseNotFound(absl::StatusCode::kNotFound, id)), std::move(done));
      });
    }
    RevokeEtcdLease(*client_, mapping_, revoke.id, [this, done = std::move(done)](const EtcdRevokeResult& revoked) mutable {
      health_.NoteRead(revoked.outcome);
      CommitResult result = Failed<CommitResult>(revoked.status);
      if (!revoked.outcome.ok()) return AnswerAtOnce(std::move(result), std::move(done));
      if (!revoked.status.ok()) return AnswerAtLatest(std::move(result), std::move(done));
      result.revision = revoked.revision;
      result.changed = revoked.deleted > 0;
      result.succeeded = true;
      result.results.emplace_back().deleted = revoked.deleted;
      // Nobody may write where the watch looks.
      if (revoked.ended_meanwhile) follower_.ShowUpTo(revoked.revision);
      AnswerWhenShown(std::move(result), nullptr, std::move(done));
    });
  }

  void RenewLeases(std::vector<LeaseId> ids, uint64_t /*connection*/, Done<Renewals> done) override {
    client_->thread().Post([this, ids = std::move(ids), done = std::move(done)]() mutable {
      renewals_.Renew(ids, [this, ids, done = std::move(done)](const std::vector<EtcdRenewals::Answer>& answers) mutable {
        Renewals renewals;
        renewals.revision = latest_;
        const absl::Status gone = health_.problem();
        for (size_t i = 0; i < ids.size(); ++i) {
          RenewResult& result = renewals.results.emplace_back();
          result.id = ids[i];
          result.ttl = absl::Seconds(answers[i].ttl);
          if (answers[i].ttl == 0 || ids[i] >= RequestLeases::kIdsFrom) result.status = RenewedLeaseNotFound();
          if (!answers[i].outcome.ok()) result.status = ReadError(answers[i].outcome);
          if (!gone.ok()) result.status = gone;
          if (!result.status.ok()) result.ttl = absl::ZeroDuration();
        }
        if (!answers.empty()) health_.NoteRead(answers.back().outcome);
        std::move(done)(std::move(renewals));
      });
    });
  }

  void GetLease(LeaseId id, Done<LeaseResult> done) override {
    if (!Enter(&done)) return;
    if (id >= RequestLeases::kIdsFrom) {
      return client_->thread().Post([this, id, done = std::move(done)]() mutable {
        AnswerAtLatest(Failed<LeaseResult>(LeaseNotFound(absl::StatusCode::kNotFound, id)), std::move(done));
      });
    }
    GetEtcdLease(*client_, mapping_, id, [this, done = std::move(done)](EtcdLeaseResult got) mutable {
      health_.NoteRead(got.outcome);
      if (!got.outcome.ok()) return AnswerAtOnce(Failed<LeaseResult>(ReadError(got.outcome)), std::move(done));
      std::move(done)(std::move(got.result));
    });
  }

  void ListLeases(LeaseId after, int leases_max, Done<LeaseList> done) override {
    if (!Enter(&done)) return;
    ListEtcdLeases(*client_, after, leases_max, [this, done = std::move(done)](EtcdLeaseListResult got) mutable {
      health_.NoteRead(got.outcome);
      if (!got.outcome.ok()) return AnswerAtOnce(Failed<LeaseList>(ReadError(got.outcome)), std::move(done));
      std::move(done)(std::move(got.list));
    });
  }

  void Compact(Revision oldest, Done<CompactResult> done) override {
    if (!Enter(&done)) return;
    etcdserverpb::CompactionRequest request;
    request.set_revision(std::max<Revision>(oldest, 1));
    client_->Compact(request, [this, oldest, done = std::move(done)](const RpcOutcome& outcome,
                                                                     const etcdserverpb::CompactionResponse& response) mutable {
      health_.NoteRead(outcome);
      latest_ = std::max(latest_, response.header().revision());
      if (outcome.ok()) oldest_ = std::max(oldest_, oldest);
      const bool answered = outcome.ok() || IsCompacted(outcome) || IsFutureRevision(outcome);
      CompactResult result;
      if (!answered) result.status = WriteError(outcome);
      if (!answered || outcome.ok()) {
        result.revision = latest_;
        result.oldest_revision = oldest_;
        return std::move(done)(std::move(result));
      }
      Probe([oldest, is_future = IsFutureRevision(outcome), done = std::move(done)](const RevisionBounds& bounds) mutable {
        CompactResult result;
        result.revision = bounds.latest;
        result.oldest_revision = bounds.oldest;
        if (is_future) result.status = FutureRevision(oldest, bounds.latest);
        std::move(done)(std::move(result));
      });
    });
  }

  StoreHealth health() const override { return health_.Look(); }

  BackendFacts backend() const override { return {.members = options_.endpoints, .member = client_->member()}; }

  absl::Duration behind() const override {
    const absl::Duration behind = follower_.behind();
    // A watch that is made anew is soon over.
    return behind < options_.stale_after ? absl::ZeroDuration() : behind;
  }

 private:
  // Counts a call until it is done. False: it is refused, and has been answered.
  template <typename Result>
  bool Enter(Done<Result>* done) {
    absl::Status refused = health_.problem();
    if (refused.ok() && calls_.fetch_add(1) >= limits::kQueuedTransactionsMax) {
      calls_.fetch_sub(1);
      refused = Overloaded(absl::StrCat(limits::kQueuedTransactionsMax, " reads and calls of leases are under way, more may not be"));
    }
    if (!refused.ok()) {
      Refuse(std::move(refused), std::move(*done));
      return false;
    }
    *done = [this, done = std::move(*done)](Result result) mutable {
      calls_.fetch_sub(1);
      std::move(done)(std::move(result));
    };
    return true;
  }

  void TryRead(Query query, int tries, Done<Page> done) {
    Query asked = query;
    ReadFromEtcd(*client_, mapping_, std::move(asked),
                 [this, query = std::move(query), tries, done = std::move(done)](EtcdReadResult result) mutable {
                   health_.NoteRead(result.outcome);
                   // Of the latest state, which took several calls, and was compacted away between them.
                   if (IsCompacted(result.outcome) && query.revision == 0 && tries > 1)
                     return TryRead(std::move(query), tries - 1, std::move(done));
                   if (!result.outcome.ok())
                     return AnswerUnreadable(result.outcome, query.revision, std::move(result.page), std::move(done));
                   result.page.oldest_revision = oldest_;
                   latest_ = std::max(latest_, result.page.revision);
                   std::move(done)(std::move(result.page));
                 });
  }

  // Ends a call that needed no etcd.
  template <typename Result>
  void Refuse(absl::Status status, Done<Result> done) {
    client_->thread().Post([this, status = std::move(status), done = std::move(done)]() mutable {
      AnswerAtOnce(Failed<Result>(std::move(status)), std::move(done));
    });
  }

  // With the latest revision known: etcd may have none to tell for now.
  template <typename Result>
  void AnswerAtOnce(Result result, Done<Result> done) {
    if constexpr (requires { result.revision; }) result.revision = std::max(result.revision, latest_);
    std::move(done)(std::move(result));
  }

  // For what etcd answers without a revision: a linearizable read finds one that is no earlier than the answer.
  template <typename Result>
  void AnswerAtLatest(Result result, Done<Result> done) {
    Probe([this, result = std::move(result), done = std::move(done)](const RevisionBounds&) mutable {
      AnswerAtOnce(std::move(result), std::move(done));
    });
  }

  void AnswerCommit(EtcdCommit::Ended ended, Done<CommitResult> done) {
    CommitResult& result = ended.result;
    health_.NoteWrite(ended.outcome);
    latest_ = std::max(latest_, result.revision);
    if (!ended.outcome.ok()) return AnswerAtOnce(std::move(result), std::move(done));
    // A transaction of nothing has looked at no state.
    if (result.revision == 0) return AnswerAtLatest(std::move(result), std::move(done));
    AnswerWhenShown(std::move(result), std::move(ended.batch), std::move(done));
  }

  void AnswerWhenShown(CommitResult result, std::shared_ptr<const Batch> batch, Done<CommitResult> done) {
    latest_ = std::max(latest_, result.revision);
    if (!result.changed) return std::move(done)(std::move(result));
    const Revision revision = result.revision;
    follower_.WhenShown(revision, std::move(batch),
                        [result = std::move(result), done = std::move(done)]() mutable { std::move(done)(std::move(result)); });
  }

  void AnswerUnreadable(const RpcOutcome& outcome, Revision asked, Page page, Done<Page> done) {
    page.oldest_revision = oldest_;
    if (!IsCompacted(outcome) && !IsFutureRevision(outcome)) {
      page.status = ReadError(outcome);
      return AnswerAtOnce(std::move(page), std::move(done));
    }
    Probe([this, gone = IsCompacted(outcome), asked, page = std::move(page), done = std::move(done)](const RevisionBounds& bounds) mutable {
      page.status = gone ? Compacted(asked, bounds.oldest) : FutureRevision(asked, bounds.latest);
      page.oldest_revision = oldest_;
      AnswerAtOnce(std::move(page), std::move(done));
    });
  }

  void WalkHistory(EtcdHistoryRequest request, Done<HistoryPage> done) {
    request.now = options_.clock->Now();
    request.timeout = options_.call_timeout;
    const Revision from = request.from;
    ReadEtcdHistory(*client_, mapping_, fence_, std::move(request), [this, from, done = std::move(done)](EtcdHistoryResult result) mutable {
      health_.NoteRead(result.outcome);
      oldest_ = std::max(oldest_, result.compacted);
      HistoryPage page = std::move(result.page);
      if (result.compacted > 0) {
        page = Failed<HistoryPage>(Compacted(from, result.compacted));
      } else if (!result.outcome.ok()) {
        page = Failed<HistoryPage>(ReadError(result.outcome));
      }
      page.oldest_revision = oldest_;
      if (!page.status.ok()) return std::move(done)(std::move(page));
      // Of the revision that it is compacted at, which may be this first one by now, etcd does not show all.
      Probe([from, page = std::move(page), done = std::move(done)](const RevisionBounds& bounds) mutable {
        if (from <= bounds.oldest && bounds.oldest > 1) page = Failed<HistoryPage>(Compacted(from, bounds.oldest));
        if (!bounds.outcome.ok()) page = Failed<HistoryPage>(ReadError(bounds.outcome));
        page.oldest_revision = bounds.oldest;
        std::move(done)(std::move(page));
      });
    });
  }

  // Brings oldest_ and latest_ up to date, if etcd answers.
  void Probe(absl::AnyInvocable<void(const RevisionBounds&) &&> then) {
    client_->thread().Post([this, then = std::move(then)]() mutable {
      ProbeRevisions(*client_, mapping_.identity_key(), oldest_, [this, then = std::move(then)](RevisionBounds bounds) mutable {
        health_.NoteRead(bounds.outcome);
        oldest_ = std::max(oldest_, bounds.oldest);
        latest_ = std::max(latest_, bounds.latest);
        bounds.oldest = oldest_;
        bounds.latest = latest_;
        std::move(then)(bounds);
      });
    });
  }

  // The id of a grant: the one that is asked for, one that any repetition of the request gives, or a random one.
  EtcdGrant GrantOf(const GrantRequest& request) {
    EtcdGrant grant{.id = request.id, .is = EtcdGrant::Id::kGiven, .ttl = request.ttl, .request_id = request.origin.request_id};
    if (grant.id != 0) return grant;
    grant.is = request.origin.request_id.empty() ? EtcdGrant::Id::kDrawnAtRandom : EtcdGrant::Id::kDrawnFromRequest;
    const uint64_t drawn = request.origin.request_id.empty()
                               ? random_()
                               : StableHash().Add(id_).Add(request.origin.caller).Add(request.origin.request_id).value();
    grant.id = std::max<LeaseId>(static_cast<LeaseId>(drawn >> 2), 1);
    return grant;
  }

  // Keeps health() true though nobody calls, and tells the follower how far etcd is.
  void AskHealth() {
    client_->thread().PostAfter(kHealthInterval, [this] { AskHealth(); });
    if (asks_health_) return;
    asks_health_ = true;
    if (health_.is_full()) {
      return fence_.Ask([this](const RpcOutcome& outcome, Revision) {
        asks_health_ = false;
        health_.NoteFence(outcome);
      });
    }
    etcdserverpb::RangeRequest request;
    request.set_key(mapping_.mark_key());
    request.set_keys_only(true);
    client_->Range(std::move(request), [this](const RpcOutcome& outcome, const etcdserverpb::RangeResponse& response) {
      asks_health_ = false;
      health_.NoteRead(outcome);
      if (!outcome.ok()) return follower_.NoteSilence();
      follower_.NoteMark(response.kvs_size() == 0 ? 0 : response.kvs(0).mod_revision());
    });
  }

  const EtcdStoreOptions options_;
  const Traits traits_;
  const StoreId id_;
  const EtcdMapping mapping_;
  EtcdHealth health_;
  EtcdAdmission admission_;
  const std::unique_ptr<EtcdClient> client_;
  // Used on the client's thread only.
  std::mt19937_64 random_;
  EtcdFence fence_;
  EtcdFollower follower_;
  EtcdRenewals renewals_;
  RequestLeases request_leases_;
  const EtcdCommit::Parts commit_parts_;
  Revision oldest_;
  Revision latest_;
  bool asks_health_ = false;

  std::atomic<int> calls_ = 0;  // Those that Enter() counts.
};

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenEtcdStore(EtcdStoreOptions options) {
  const EtcdMapping mapping(options.prefix);
  auto client = std::make_unique<EtcdClient>(ClientOptionsOf(options));
  absl::StatusOr<StoreId> id = FindOrMakeStore(*client, mapping, options);
  if (!id.ok()) return id.status();
  Waiter<RevisionBounds> waiter;
  ProbeRevisions(*client, mapping.identity_key(), 1, [&waiter](RevisionBounds bounds) { waiter.Take(std::move(bounds)); });
  const RevisionBounds bounds = waiter.Wait();
  if (!bounds.outcome.ok()) return ReadError(bounds.outcome);
  return std::make_unique<EtcdStore>(std::move(options), std::move(client), *std::move(id), bounds);
}

}  // namespace scoutlight::storage
