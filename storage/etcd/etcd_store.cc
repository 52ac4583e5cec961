#include "storage/etcd/etcd_store.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_errors.h"
#include "storage/etcd/etcd_follower.h"
#include "storage/etcd/etcd_history.h"
#include "storage/etcd/etcd_leases.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/etcd/etcd_read.h"
#include "storage/etcd/etcd_transaction.h"
#include "storage/etcd/revision_probe.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

constexpr absl::Duration kOpenRetry = absl::Milliseconds(100);

Traits EtcdTraits() {
  Traits traits;
  traits.operations_max = kEtcdOperationsMax;
  traits.changes_max = limits::kChangesMax;
  traits.bytes_max = kEtcdRequestBytesMax;
  // etcd raises shorter ones to this, by default.
  traits.ttl_min = absl::Seconds(2);
  traits.ttl_max = limits::kLeaseTtlMax;
  traits.contiguous_revisions = false;
  traits.children_cost = Traits::ChildrenCost::kPerDescendant;
  return traits;
}

// The lease of a transaction, if one put alone names one: etcd does not say which it misses.
struct NamedLease {
  LeaseId id = 0;  // 0: none or several.
  std::string field;
};

NamedLease OnlyLeaseOf(const Transaction& transaction) {
  NamedLease only;
  int found = 0;
  const auto search = [&only, &found](const std::vector<Operation>& operations, absl::string_view branch) {
    for (size_t i = 0; i < operations.size(); ++i) {
      const auto* put = std::get_if<PutOperation>(&operations[i]);
      if (put == nullptr || put->lease_id == 0) continue;
      ++found;
      only = {put->lease_id, absl::StrCat(branch, "[", i, "].put.lease_id")};
    }
  };
  search(transaction.on_success, "on_success");
  search(transaction.on_failure, "on_failure");
  return found == 1 ? only : NamedLease();
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
        client_(std::move(client)),
        follower_(*client_, mapping_, {.clock = options_.clock, .stale_after = options_.stale_after}),
        oldest_(bounds.oldest),
        latest_(bounds.latest) {}

  ~EtcdStore() override {
    client_->Shutdown();
    // Nothing runs on the client's thread any more.
    follower_.Close();
  }

  const Traits& traits() const override { return traits_; }
  StoreId store_id() const override { return id_; }

  void Commit(Transaction transaction, Done<CommitResult> done) override {
    // Whether a request was carried out: none is remembered.
    if (transaction.validate_only && transaction.origin.memory == Memory::kChange && transaction.on_success.empty()) {
      return AnswerAtLatest(CommitResult{.succeeded = true}, std::move(done));
    }
    NamedLease lease = OnlyLeaseOf(transaction);
    absl::StatusOr<EtcdTransaction> made = EtcdTransaction::Make(mapping_, std::move(transaction));
    if (!made.ok()) return Refuse(made.status(), std::move(done));
    etcdserverpb::TxnRequest request = made->request();
    client_->Txn(std::move(request), [this, lease = std::move(lease), made = *std::move(made), done = std::move(done)](
                                         const RpcOutcome& outcome, etcdserverpb::TxnResponse response) mutable {
      Note(outcome, response.header());
      if (outcome.ok()) return AnswerWhenShown(made.Decode(std::move(response)), std::move(done));
      if (!IsLeaseNotFound(outcome)) return AnswerAt(Failed<CommitResult>(WriteError(outcome)), std::move(done));
      CommitResult result = Failed<CommitResult>(LeaseNotFound(absl::StatusCode::kFailedPrecondition, lease.id, lease.field));
      AnswerAtLatest(std::move(result), std::move(done));
    });
  }

  void Read(Query query, Done<Page> done) override {
    const Revision asked = query.revision;
    ReadFromEtcd(*client_, mapping_, std::move(query), [this, asked, done = std::move(done)](EtcdReadResult result) mutable {
      Note(result.outcome, {});
      if (!result.outcome.ok()) return AnswerUnreadable(result.outcome, asked, std::move(result.page), std::move(done));
      result.page.oldest_revision = oldest_;
      latest_ = std::max(latest_, result.page.revision);
      std::move(done)(std::move(result.page));
    });
  }

  void History(Revision from, Revision to, KeyRange range, size_t bytes_max, Done<HistoryPage> done) override {
    Probe([this, from, to, range = std::move(range), bytes_max, done = std::move(done)](const RevisionBounds& bounds) mutable {
      HistoryPage page;
      page.oldest_revision = bounds.oldest;
      if (!bounds.outcome.ok()) {
        page.status = ReadError(bounds.outcome);
      } else if (from < bounds.oldest) {
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

  void GrantLease(GrantRequest request, Done<LeaseResult> done) override {
    if (request.ttl < traits_.ttl_min || request.ttl > traits_.ttl_max) {
      const std::string allowed = absl::StrCat(absl::FormatDuration(traits_.ttl_min), " to ", absl::FormatDuration(traits_.ttl_max));
      return Refuse(
          InvalidField(Reason::kInvalidField, "ttl", absl::StrCat("is ", absl::FormatDuration(request.ttl), ", must be ", allowed)),
          std::move(done));
    }
    etcdserverpb::LeaseGrantRequest grant;
    grant.set_id(request.id);
    grant.set_ttl(absl::ToInt64Seconds(absl::Ceil(request.ttl, absl::Seconds(1))));
    client_->LeaseGrant(grant, [this, id = request.id, done = std::move(done)](const RpcOutcome& outcome,
                                                                               const etcdserverpb::LeaseGrantResponse& response) mutable {
      Note(outcome, response.header());
      LeaseResult result;
      if (outcome.code == absl::StatusCode::kFailedPrecondition) {
        result.status = LeaseExists(id);
        return AnswerAtLatest(std::move(result), std::move(done));
      }
      if (!outcome.ok()) result.status = WriteError(outcome);
      result.lease.id = response.id();
      result.lease.ttl = absl::Seconds(response.ttl());
      result.lease.remaining = result.lease.ttl;
      AnswerAt(std::move(result), std::move(done));
    });
  }

  // etcd ends leases by itself, whoever serves.
  void BeginServing() override {}
  void EndServing() override {}

  void RevokeLease(RevokeRequest revoke, Done<CommitResult> done) override {
    const LeaseId id = revoke.id;
    GetEtcdLease(*client_, mapping_, id, [this, id, done = std::move(done)](EtcdLeaseResult before) mutable {
      Note(before.outcome, {});
      if (!before.outcome.ok()) return AnswerAt(Failed<CommitResult>(ReadError(before.outcome)), std::move(done));
      if (!before.result.status.ok()) return AnswerAtLatest(Failed<CommitResult>(before.result.status), std::move(done));
      etcdserverpb::LeaseRevokeRequest request;
      request.set_id(id);
      client_->LeaseRevoke(request, [this, id, keys = before.result.lease.keys.size(), done = std::move(done)](
                                        const RpcOutcome& outcome, const etcdserverpb::LeaseRevokeResponse& response) mutable {
        Note(outcome, response.header());
        CommitResult result;
        if (IsLeaseNotFound(outcome)) {
          result.status = LeaseNotFound(absl::StatusCode::kNotFound, id);
          return AnswerAtLatest(std::move(result), std::move(done));
        }
        if (!outcome.ok()) return AnswerAt(Failed<CommitResult>(WriteError(outcome)), std::move(done));
        result.revision = response.header().revision();
        result.changed = keys > 0;
        result.succeeded = true;
        result.results.emplace_back().deleted = keys;
        AnswerWhenShown(std::move(result), std::move(done));
      });
    });
  }

  void RenewLeases(std::vector<LeaseId> ids, uint64_t /*connection*/, Done<Renewals> done) override {
    client_->LeaseKeepAlive(ids, [this, ids, done = std::move(done)](const RpcOutcome& outcome,
                                                                     std::vector<etcdserverpb::LeaseKeepAliveResponse> answers) mutable {
      Note(outcome, {});
      Renewals renewals;
      for (size_t i = 0; i < ids.size(); ++i) {
        RenewResult& result = renewals.results.emplace_back();
        result.id = ids[i];
        if (i >= answers.size()) {
          result.status = ReadError(outcome);
        } else if (answers[i].ttl() <= 0) {
          result.status = LeaseNotFound(absl::StatusCode::kNotFound, ids[i]);
        } else {
          result.ttl = absl::Seconds(answers[i].ttl());
        }
      }
      AnswerAt(std::move(renewals), std::move(done));
    });
  }

  void GetLease(LeaseId id, Done<LeaseResult> done) override {
    GetEtcdLease(*client_, mapping_, id, [this, done = std::move(done)](EtcdLeaseResult got) mutable {
      Note(got.outcome, {});
      if (!got.outcome.ok()) return AnswerAt(Failed<LeaseResult>(ReadError(got.outcome)), std::move(done));
      std::move(done)(std::move(got.result));
    });
  }

  void ListLeases(LeaseId after, int leases_max, Done<LeaseList> done) override {
    ListEtcdLeases(*client_, [this, after, leases_max, done = std::move(done)](EtcdLeaseListResult got) mutable {
      Note(got.outcome, {});
      if (!got.outcome.ok()) return AnswerAt(Failed<LeaseList>(ReadError(got.outcome)), std::move(done));
      // etcd knows no pages of leases.
      std::vector<LeaseInfo>& leases = got.list.leases;
      leases.erase(leases.begin(),
                   std::find_if(leases.begin(), leases.end(), [after](const LeaseInfo& lease) { return lease.id > after; }));
      got.list.more = leases.size() > static_cast<size_t>(leases_max);
      if (got.list.more) leases.resize(leases_max);
      std::move(done)(std::move(got.list));
    });
  }

  void Compact(Revision oldest, Done<CompactResult> done) override {
    etcdserverpb::CompactionRequest request;
    request.set_revision(std::max<Revision>(oldest, 1));
    client_->Compact(request, [this, oldest, done = std::move(done)](const RpcOutcome& outcome,
                                                                     const etcdserverpb::CompactionResponse& response) mutable {
      Note(outcome, response.header());
      if (outcome.ok()) oldest_ = std::max(oldest_, oldest);
      const bool answered = outcome.ok() || IsCompacted(outcome) || IsFutureRevision(outcome);
      CompactResult result;
      if (!answered) result.status = WriteError(outcome);
      if (!answered || outcome.ok()) {
        result.oldest_revision = oldest_;
        return AnswerAt(std::move(result), std::move(done));
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

  StoreHealth health() const override {
    MutexLock lock(&mu_);
    return health_;
  }

 private:
  // Ends a call that needed no etcd.
  template <typename Result>
  void Refuse(absl::Status status, Done<Result> done) {
    client_->thread().Post([this, status = std::move(status), done = std::move(done)]() mutable {
      AnswerAt(Failed<Result>(std::move(status)), std::move(done));
    });
  }

  // Answers with the latest revision known.
  template <typename Result>
  void AnswerAt(Result result, Done<Result> done) {
    result.revision = latest_;
    std::move(done)(std::move(result));
  }

  // For errors of etcd that carry no revision, but ours must: a linearizable read finds one that is no earlier than the error.
  template <typename Result>
  void AnswerAtLatest(Result result, Done<Result> done) {
    Probe([this, result = std::move(result), done = std::move(done)](const RevisionBounds&) mutable {
      AnswerAt(std::move(result), std::move(done));
    });
  }

  void AnswerWhenShown(CommitResult result, Done<CommitResult> done) {
    if (!result.changed) return std::move(done)(std::move(result));
    const Revision revision = result.revision;
    follower_.WhenShown(revision, [result = std::move(result), done = std::move(done)]() mutable { std::move(done)(std::move(result)); });
  }

  void AnswerUnreadable(const RpcOutcome& outcome, Revision asked, Page page, Done<Page> done) {
    Probe([this, outcome, asked, page = std::move(page), done = std::move(done)](const RevisionBounds& bounds) mutable {
      page.status = IsCompacted(outcome)        ? Compacted(asked, bounds.oldest)
                    : IsFutureRevision(outcome) ? FutureRevision(asked, bounds.latest)
                                                : ReadError(outcome);
      page.oldest_revision = oldest_;
      AnswerAt(std::move(page), std::move(done));
    });
  }

  void WalkHistory(EtcdHistoryRequest request, Done<HistoryPage> done) {
    request.seen = options_.clock->Now();
    request.timeout = options_.call_timeout;
    const Revision from = request.from;
    ReadEtcdHistory(*client_, mapping_, std::move(request), [this, from, done = std::move(done)](EtcdHistoryResult result) mutable {
      Note(result.outcome, {});
      oldest_ = std::max(oldest_, result.compacted);
      HistoryPage page = std::move(result.page);
      page.oldest_revision = oldest_;
      if (result.compacted > 0) {
        page = Failed<HistoryPage>(Compacted(from, result.compacted));
      } else if (!result.outcome.ok()) {
        page = Failed<HistoryPage>(ReadError(result.outcome));
      }
      page.oldest_revision = oldest_;
      std::move(done)(std::move(page));
    });
  }

  // Brings oldest_ and latest_ up to date, if etcd answers.
  void Probe(absl::AnyInvocable<void(const RevisionBounds&) &&> then) {
    client_->thread().Post([this, then = std::move(then)]() mutable {
      ProbeRevisions(*client_, mapping_.store_id_key(), oldest_, [this, then = std::move(then)](RevisionBounds bounds) mutable {
        Note(bounds.outcome, {});
        oldest_ = std::max(oldest_, bounds.oldest);
        latest_ = std::max(latest_, bounds.latest);
        bounds.oldest = oldest_;
        bounds.latest = latest_;
        std::move(then)(bounds);
      });
    });
  }

  // What an answer of etcd says about the store.
  void Note(const RpcOutcome& outcome, const etcdserverpb::ResponseHeader& header) {
    latest_ = std::max(latest_, header.revision());
    StoreHealth health;
    if (!follower_.problem().ok()) {
      health = {StoreHealth::State::kUnavailable, std::string(follower_.problem().message())};
    } else if (const absl::Status error = outcome.ok() ? absl::OkStatus() : ReadError(outcome); ReasonOf(error) == Reason::kDiskFull) {
      health = {StoreHealth::State::kReadOnly, std::string(error.message())};
    } else if (error.code() == absl::StatusCode::kUnavailable) {
      health = {StoreHealth::State::kUnavailable, std::string(error.message())};
    }
    MutexLock lock(&mu_);
    health_ = std::move(health);
  }

  const EtcdStoreOptions options_;
  const Traits traits_;
  const StoreId id_;
  const EtcdMapping mapping_;
  const std::unique_ptr<EtcdClient> client_;
  // Used on the client's thread only.
  EtcdFollower follower_;
  Revision oldest_;
  Revision latest_;

  mutable Mutex mu_;
  StoreHealth health_ ABSL_GUARDED_BY(mu_);
};

// Waits for the answer to a call: opening a store is the one place that may.
template <typename Answer>
class Waiter {
 public:
  void Take(Answer answer) {
    MutexLock lock(&mu_);
    answer_ = std::move(answer);
    changed_.NotifyAll();
  }

  Answer Wait() {
    MutexLock lock(&mu_);
    while (!answer_.has_value()) changed_.Wait(&mu_);
    return *std::exchange(answer_, std::nullopt);
  }

  // Waits for nothing.
  void Pause(absl::Duration duration) {
    MutexLock lock(&mu_);
    changed_.WaitFor(&mu_, duration);
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::optional<Answer> answer_ ABSL_GUARDED_BY(mu_);
};

struct TxnAnswer {
  RpcOutcome outcome;
  etcdserverpb::TxnResponse response;
};

// The id of the store; `drawn` becomes it if there is none.
TxnAnswer AskForStoreId(EtcdClient& client, const EtcdMapping& mapping, const StoreId& drawn) {
  etcdserverpb::TxnRequest request;
  etcdserverpb::Compare* absent = request.add_compare();
  absent->set_key(mapping.store_id_key());
  absent->set_target(etcdserverpb::Compare::VERSION);
  absent->set_version(0);
  etcdserverpb::PutRequest* put = request.add_success()->mutable_request_put();
  put->set_key(mapping.store_id_key());
  put->set_value(drawn);
  request.add_failure()->mutable_request_range()->set_key(mapping.store_id_key());
  Waiter<TxnAnswer> waiter;
  client.Txn(std::move(request), [&waiter](RpcOutcome outcome, etcdserverpb::TxnResponse response) {
    waiter.Take({std::move(outcome), std::move(response)});
  });
  return waiter.Wait();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenEtcdStore(EtcdStoreOptions options) {
  const EtcdMapping mapping(options.prefix);
  auto client = std::make_unique<EtcdClient>(
      EtcdClientOptions{.target = options.target, .clock = options.clock, .call_timeout = options.call_timeout});
  const StoreId drawn = absl::StrFormat("%016x%016x", options.random(), options.random());
  const absl::Duration deadline = options.clock->SinceBoot() + options.open_timeout;
  // Asking again is safe: whatever came of an earlier try, this one finds it.
  TxnAnswer answer = AskForStoreId(*client, mapping, drawn);
  while (!answer.outcome.ok()) {
    if (options.clock->SinceBoot() >= deadline) return ReadError(answer.outcome);
    Waiter<int>().Pause(kOpenRetry);
    answer = AskForStoreId(*client, mapping, drawn);
  }
  StoreId id = drawn;
  if (!answer.response.succeeded()) id = answer.response.responses(0).response_range().kvs(0).value();

  Waiter<RevisionBounds> waiter;
  ProbeRevisions(*client, mapping.store_id_key(), 1, [&waiter](RevisionBounds bounds) { waiter.Take(std::move(bounds)); });
  const RevisionBounds bounds = waiter.Wait();
  if (!bounds.outcome.ok()) return ReadError(bounds.outcome);
  return std::make_unique<EtcdStore>(std::move(options), std::move(client), std::move(id), bounds);
}

}  // namespace scoutlight::storage
