#include "storage/etcd/etcd_commit.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "storage/etcd/etcd_errors.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;

absl::Status Contended() {
  ErrorDetails details;
  details.reason = Reason::kContended;
  details.retry_after = absl::Milliseconds(100);
  return MakeError(absl::StatusCode::kAborted,
                   absl::StrCat("others kept changing what the transaction looks at, ", limits::kContendedTriesMax, " times in a row"),
                   details);
}

// A repetition of a request that etcd remembers, but not the state it was carried out on.
absl::Status AnswerCompacted(Revision revision) {
  ErrorDetails details;
  details.reason = Reason::kOutcomeUnknown;
  return MakeError(absl::StatusCode::kUnknown,
                   absl::StrCat("the request was carried out at revision ", revision, ", but etcd does not keep what it answered any more"),
                   details);
}

// The number that a transaction has been evaluated with becomes its own.
void Renumber(Revision from, Revision to, std::vector<OperationResult>* results) {
  const auto renumber = [from, to](Revision* revision) {
    if (*revision == from) *revision = to;
  };
  for (OperationResult& result : *results) {
    renumber(&result.create_revision);
    for (Entry& entry : result.entries) {
      renumber(&entry.create_revision);
      renumber(&entry.mod_revision);
    }
  }
}

}  // namespace

void EtcdCommit::Start() {
  commit_ = parts_.random();
  // With etcd full it is known before anything is sent whether that is a put.
  if (transaction_.validate_only || parts_.health.is_full()) return Look();
  GetRequestLease();
}

void EtcdCommit::GetRequestLease() {
  if (!has_request()) return TryAtOnce(0);
  parts_.request_leases.Get([self = shared_from_this()](const RpcOutcome& outcome, LeaseId lease) {
    // Nothing of the transaction has been sent.
    if (!outcome.ok()) return self->Fail(outcome, ReadError(outcome), 0);
    self->TryAtOnce(lease);
  });
}

EtcdCompanions EtcdCommit::Companions(LeaseId request_lease) const {
  EtcdCompanions companions(parts_.mapping, transaction_.origin, committed_, request_lease);
  companions.request_commit = commit_;
  return companions;
}

void EtcdCommit::TryAtOnce(LeaseId request_lease) {
  std::optional<EtcdTransaction> made =
      EtcdTransaction::Make(parts_.mapping, transaction_, parts_.traits.bytes_max, Companions(request_lease));
  if (!made.has_value()) return Look();
  TxnRequest request = made->request();
  // Of a request with an id, a second try finds the record of the first.
  const EtcdClient::Repeat repeat = has_request() ? EtcdClient::Repeat::kAnytime : EtcdClient::Repeat::kIfUnsent;
  parts_.client.Txn(
      std::move(request), repeat,
      [self = shared_from_this(), request_lease, made = *std::move(made)](const RpcOutcome& outcome, const TxnResponse& response) {
        if (IsLeaseNotFound(outcome)) {
          self->suspected_ = request_lease;
          self->asks_leases_ = true;
          return self->Look();
        }
        if (IsFull(outcome)) return self->OnFull(outcome);
        if (!outcome.ok()) return self->Fail(outcome, WriteError(outcome), 0);
        EtcdTransaction::Answer answer = made.Decode(response);
        if (answer.earlier.has_value()) return self->Replay(*answer.earlier, answer.result.revision);
        self->Finish(std::move(answer.result), std::move(answer.batch));
      });
}

std::shared_ptr<EtcdLook> EtcdCommit::NewLook(Revision revision) const {
  const EtcdLookBounds bounds{.entries_max = parts_.traits.changes_max, .bytes_max = parts_.traits.bytes_max};
  return std::make_shared<EtcdLook>(parts_.client, parts_.mapping, bounds, revision);
}

void EtcdCommit::Look() {
  look_ = NewLook(0);
  const Origin& origin = transaction_.origin;
  const bool asks_request = has_request() && (!transaction_.validate_only || origin.memory == Memory::kChange);
  look_->AtConditions(transaction_.conditions, asks_request ? parts_.mapping.RequestKey(origin.caller, origin.request_id) : "",
                      [self = shared_from_this()](const EtcdLook::Seen& seen) {
                        if (!self->Saw(seen)) return;
                        if (self->look_->request().has_value()) return self->Replay(*self->look_->request(), self->look_->revision());
                        self->LookAtBranch();
                      });
}

void EtcdCommit::LookAtBranch() {
  Transaction conditions;
  conditions.conditions = transaction_.conditions;
  const Evaluation evaluation = EvaluateOn(*look_, conditions, look_->revision() + 1);
  if (!evaluation.result.status.ok()) return Finish(evaluation.result);
  succeeded_ = evaluation.result.succeeded;
  look_->AtOperations(branch(), [self = shared_from_this()](const EtcdLook::Seen& seen) {
    if (!self->Saw(seen)) return;
    self->missing_leases_.clear();
    std::vector<LeaseId> ids;
    for (const Operation& operation : self->branch()) {
      const auto* put = std::get_if<PutOperation>(&operation);
      const bool asked = self->asks_leases_ || self->transaction_.validate_only;
      if (asked && put != nullptr && put->lease_id != 0) ids.push_back(put->lease_id);
    }
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    self->AskLeases(std::move(ids));
  });
}

void EtcdCommit::AskLeases(std::vector<LeaseId> ids) {
  if (ids.empty()) return Judge();
  etcdserverpb::LeaseTimeToLiveRequest request;
  request.set_id(ids.back());
  parts_.client.LeaseTimeToLive(request, [self = shared_from_this(), ids = std::move(ids)](
                                             const RpcOutcome& outcome, const etcdserverpb::LeaseTimeToLiveResponse& response) mutable {
    if (!outcome.ok()) return self->Fail(outcome, ReadError(outcome), 0);
    if (response.ttl() < 0) self->missing_leases_.insert(ids.back());
    ids.pop_back();
    self->AskLeases(std::move(ids));
  });
}

void EtcdCommit::Judge() {
  Evaluation evaluation = EvaluateOn(*look_, transaction_, look_->revision() + 1);
  const CommitResult& result = evaluation.result;
  if (result.status.ok()) {
    if (absl::Status large = CheckBounds(evaluation.changes); !large.ok()) return Fail({}, large, look_->revision());
  }
  // Those that the transaction names are all there: it was the record's.
  if (asks_leases_ && missing_leases_.empty()) parts_.request_leases.Forget(std::exchange(suspected_, 0));
  if (!result.status.ok() || !result.changed) return Finish(std::move(evaluation.result));
  if (parts_.health.is_full()) {
    const auto puts = [](const Change& change) { return change.event.kind == EventKind::kPut; };
    if (std::any_of(evaluation.changes.begin(), evaluation.changes.end(), puts)) return Fail({}, EtcdIsFull(), look_->revision());
    return Put(std::move(evaluation), 0);
  }
  if (!has_request()) return Put(std::move(evaluation), 0);
  parts_.request_leases.Get(
      [self = shared_from_this(), evaluation = std::move(evaluation)](const RpcOutcome& outcome, LeaseId lease) mutable {
        if (!outcome.ok()) return self->Fail(outcome, ReadError(outcome), 0);
        self->Put(std::move(evaluation), lease);
      });
}

Evaluation EtcdCommit::EvaluateOn(const EtcdLook& look, const Transaction& transaction, Revision revision) const {
  Overlay overlay(&look.state());
  Rules rules;
  rules.may_use_lease = [this](LeaseId id, LeaseLoad) {
    return missing_leases_.contains(id) ? LeaseNotFound(absl::StatusCode::kFailedPrecondition, id, "put.lease_id") : absl::OkStatus();
  };
  return Evaluate(transaction, revision, rules, &overlay);
}

absl::Status EtcdCommit::CheckBounds(const std::vector<Change>& changes) const {
  const Traits& traits = parts_.traits;
  size_t bytes = 0;
  for (const Change& change : changes) {
    bytes += EntryBytes(change.event.entry) + (change.event.previous.has_value() ? EntryBytes(*change.event.previous) : 0);
  }
  if (changes.size() > static_cast<size_t>(traits.changes_max)) {
    return TransactionTooLarge(absl::StrCat("it would change ", changes.size(), " keys, at most ", traits.changes_max, " are allowed"));
  }
  if (bytes > traits.bytes_max) {
    return TransactionTooLarge(
        absl::StrCat("its new and previous entries would hold ", bytes, " bytes, at most ", traits.bytes_max, " are allowed"));
  }
  return absl::OkStatus();
}

TxnRequest EtcdCommit::MakeGuarded(const std::vector<Change>& changes, const EtcdCompanions& companions) const {
  TxnRequest request;
  for (etcdserverpb::Compare& compare : look_->Guards()) *request.add_compare() = std::move(compare);
  if (companions.has_request()) {
    *request.add_compare() = companions.IsNew();
    request.add_failure()->mutable_request_range()->set_key(companions.request_key);
  }
  const std::vector<KeyRange>& unfixed = look_->unfixed();
  for (const KeyRange& range : unfixed) {
    etcdserverpb::DeleteRangeRequest* erase = request.add_success()->mutable_request_delete_range();
    SetRange(parts_.mapping.RangeOf(range), erase);
    erase->set_prev_kv(true);
  }
  for (const Change& change : changes) {
    const auto covers = [&change](const KeyRange& range) { return range.Contains(change.event.key); };
    if (std::any_of(unfixed.begin(), unfixed.end(), covers)) continue;
    const std::string etcd_key = parts_.mapping.Encode(change.event.key);
    if (change.event.kind == EventKind::kDelete) {
      request.add_success()->mutable_request_delete_range()->set_key(etcd_key);
      continue;
    }
    etcdserverpb::PutRequest* put = request.add_success()->mutable_request_put();
    put->set_key(etcd_key);
    put->set_value(EtcdMapping::EncodeValue(change.event.entry.value));
    put->set_lease(change.event.entry.lease_id);
  }
  // Where etcd is full it takes deletes, but no puts beside them.
  if (!parts_.health.is_full()) companions.AddTo(succeeded_, request.mutable_success());
  return request;
}

void EtcdCommit::Put(Evaluation evaluation, LeaseId request_lease) {
  const EtcdCompanions companions = Companions(request_lease);
  TxnRequest request = MakeGuarded(evaluation.changes, companions);
  if (const int cost = EtcdCost(request); cost > kEtcdOperationsMax) {
    return Fail({},
                TransactionTooLarge(absl::StrCat("it takes ", cost, " operations or conditions of etcd (what it reads counts), at most ",
                                                 kEtcdOperationsMax, " are allowed")),
                look_->revision());
  }
  if (const size_t bytes = request.ByteSizeLong(); bytes > kEtcdRequestBytesMax) {
    return Fail(
        {},
        TransactionTooLarge(absl::StrCat("it is a request to etcd of ", bytes, " bytes, at most ", kEtcdRequestBytesMax, " are allowed")),
        look_->revision());
  }
  const bool is_marked = !parts_.health.is_full();
  const bool leaves_record = has_request() && is_marked;
  const EtcdClient::Repeat repeat = leaves_record ? EtcdClient::Repeat::kAnytime : EtcdClient::Repeat::kIfUnsent;
  parts_.client.Txn(std::move(request), repeat,
                    [self = shared_from_this(), request_lease, is_marked, committed = companions.committed,
                     evaluation = std::move(evaluation)](const RpcOutcome& outcome, const TxnResponse& response) mutable {
                      if (IsLeaseNotFound(outcome)) {
                        self->suspected_ = request_lease;
                        self->asks_leases_ = true;
                        return self->Again(outcome);
                      }
                      if (IsFull(outcome)) return self->OnFull(outcome);
                      if (!outcome.ok()) return self->Fail(outcome, WriteError(outcome), 0);
                      if (response.succeeded()) {
                        CommitResult& result = evaluation.result;
                        result.status = self->Complete(response, &result);
                        std::shared_ptr<const Batch> batch;
                        if (is_marked) batch = self->BatchOf(std::move(evaluation.changes), result.revision, committed);
                        return self->Finish(std::move(result), std::move(batch));
                      }
                      const bool remembered = response.responses_size() > 0 && response.responses(0).response_range().kvs_size() > 0;
                      if (remembered) return self->Replay(response.responses(0).response_range().kvs(0), response.header().revision());
                      self->Again(outcome);
                    });
}

absl::Status EtcdCommit::Complete(const TxnResponse& response, CommitResult* result) const {
  Renumber(look_->revision() + 1, response.header().revision(), &result->results);
  result->revision = response.header().revision();
  for (size_t i = 0; i < look_->unfixed().size(); ++i) {
    const etcdserverpb::DeleteRangeResponse& answer = response.responses(static_cast<int>(i)).response_delete_range();
    for (size_t j = 0; j < branch().size(); ++j) {
      const auto* erase = std::get_if<DeleteOperation>(&branch()[j]);
      if (erase == nullptr || !(erase->range == look_->unfixed()[i]) || answer.deleted() == result->results[j].deleted) continue;
      result->results[j].deleted = answer.deleted();
      if (!erase->return_previous) continue;
      absl::StatusOr<std::vector<Entry>> previous = parts_.mapping.ToEntries(answer.prev_kvs());
      if (!previous.ok()) return MadeButUnreadable(previous.status());
      std::vector<Entry>& entries = result->results[j].entries;
      entries = *std::move(previous);
      // In key order what is below an entry comes right behind it.
      for (size_t k = 1; k < entries.size(); ++k) {
        entries[k - 1].has_children = KeyRange{entries[k - 1].key, Scope::kSubtree}.Contains(entries[k].key);
      }
    }
  }
  return absl::OkStatus();
}

std::shared_ptr<const Batch> EtcdCommit::BatchOf(std::vector<Change> changes, Revision revision, absl::Time committed) const {
  // Less of it may have gone.
  if (!look_->unfixed().empty()) return nullptr;
  auto batch = std::make_shared<Batch>(Batch{.revision = revision, .committed = committed, .events = {}});
  for (Change& change : changes) {
    Entry& entry = change.event.entry;
    if (entry.create_revision == entry.mod_revision) entry.create_revision = revision;
    entry.mod_revision = revision;
    batch->events.push_back(std::move(change.event));
  }
  return batch;
}

void EtcdCommit::OnFull(const RpcOutcome& outcome) {
  parts_.health.NoteWrite(outcome);
  // Its record says what came of it.
  if (has_request()) return Again(outcome);
  Fail(outcome, WriteError(outcome), 0);
}

void EtcdCommit::Again(const RpcOutcome& outcome) {
  if (++tries_ == limits::kContendedTriesMax) return Fail(outcome, Contended(), look_->revision());
  Look();
}

void EtcdCommit::Replay(const mvccpb::KeyValue& record, Revision now) {
  absl::StatusOr<EtcdRequestRecord> request = EtcdMapping::DecodeRequest(record);
  if (!request.ok()) return Fail({}, request.status(), now);
  if (request->hash != transaction_.origin.request_hash) return Fail({}, RequestIdReused(transaction_.origin.request_id), now);
  const Revision then = record.mod_revision();
  succeeded_ = request->succeeded;
  const bool is_own = request->commit == commit_;
  if (transaction_.origin.memory == Memory::kChange && !is_own) {
    return Finish({.status = {}, .revision = then, .changed = true, .succeeded = succeeded_, .replayed = true, .results = {}});
  }
  missing_leases_.clear();  // It was allowed then.
  look_ = NewLook(then - 1);
  look_->AtConditions(transaction_.conditions, "", [self = shared_from_this(), then, now, is_own](const EtcdLook::Seen& conditions) {
    if (IsCompacted(conditions.outcome)) return self->Fail({}, AnswerCompacted(then), now);
    if (!self->Saw(conditions)) return;
    self->look_->AtOperations(self->branch(), [self, then, now, is_own](const EtcdLook::Seen& operations) {
      if (IsCompacted(operations.outcome)) return self->Fail({}, AnswerCompacted(then), now);
      if (!self->Saw(operations)) return;
      CommitResult result = self->EvaluateOn(*self->look_, self->transaction_, then).result;
      result.replayed = !is_own;
      self->Finish(std::move(result));
    });
  });
}

bool EtcdCommit::Saw(const EtcdLook::Seen& seen) {
  if (IsCompacted(seen.outcome)) {
    // By others, between two calls of the look.
    Again(seen.outcome);
    return false;
  }
  if (!seen.outcome.ok()) {
    Fail(seen.outcome, ReadError(seen.outcome), 0);
    return false;
  }
  if (!seen.status.ok()) {
    Fail(seen.outcome, seen.status, look_->revision());
    return false;
  }
  return true;
}

void EtcdCommit::Fail(const RpcOutcome& outcome, absl::Status status, Revision revision) {
  CommitResult result;
  result.status = std::move(status);
  result.revision = revision;
  std::move(done_)({outcome, std::move(result), nullptr});
}

void EtcdCommit::Finish(CommitResult result, std::shared_ptr<const Batch> batch) {
  std::move(done_)({{}, std::move(result), std::move(batch)});
}

}  // namespace scoutlight::storage
