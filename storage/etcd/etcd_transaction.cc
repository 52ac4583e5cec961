#include "storage/etcd/etcd_transaction.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "storage/etcd/etcd_errors.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;
using etcdserverpb::TxnRequest;

// What one entry may count for, whatever is there.
const size_t kEntryNumbersBytes = EntryBytes({}) - Key().path().size();
const size_t kEntryBytesMax = limits::kKeyBytesMax + limits::kValueBytesMax + kEntryNumbersBytes;
// So many entries always fit into an answer.
const int kEntriesAnsweredMax = static_cast<int>(limits::kAnswerBytesMax / kEntryBytesMax);

Compare::CompareResult ToEtcd(Condition::Comparison comparison) {
  switch (comparison) {
    case Condition::Comparison::kEqual:
      return Compare::EQUAL;
    case Condition::Comparison::kNotEqual:
      return Compare::NOT_EQUAL;
    case Condition::Comparison::kLess:
      return Compare::LESS;
    case Condition::Comparison::kGreater:
      return Compare::GREATER;
  }
  return Compare::EQUAL;
}

Compare VersionIs(const EtcdRange& range, Compare::CompareResult result, int64_t version) {
  Compare compare;
  SetRange(range, &compare);
  compare.set_target(Compare::VERSION);
  compare.set_result(result);
  compare.set_version(version);
  return compare;
}

Compare NumberCompare(const EtcdRange& key, const Condition& condition) {
  Compare compare;
  SetRange(key, &compare);
  compare.set_result(ToEtcd(condition.comparison));
  switch (condition.target) {
    case Condition::Target::kCreateRevision:
      compare.set_target(Compare::CREATE);
      compare.set_create_revision(condition.number);
      break;
    case Condition::Target::kModRevision:
      compare.set_target(Compare::MOD);
      compare.set_mod_revision(condition.number);
      break;
    case Condition::Target::kLeaseId:
      compare.set_target(Compare::LEASE);
      compare.set_lease(condition.number);
      break;
    default:
      compare.set_target(Compare::VERSION);
      compare.set_version(condition.number);
      break;
  }
  return compare;
}

// Whether a put needs no previous pair to know what it made.
bool MakesTheKey(const PutOperation& put) { return put.if_absent || put.expected_mod_revision == 0; }

bool IsChange(const etcdserverpb::ResponseOp& response) {
  return response.has_response_put() || response.response_delete_range().deleted() > 0;
}

// One key and whether something lies below it: two ranges.
void AddGet(const EtcdMapping& mapping, const Key& key, google::protobuf::RepeatedPtrField<etcdserverpb::RequestOp>* to) {
  SetRange(mapping.RangeOf({key, Scope::kKey}), to->Add()->mutable_request_range());
  RangeRequest* below = to->Add()->mutable_request_range();
  SetRange(mapping.RangeOf({key, Scope::kChildren}), below);
  below->set_keys_only(true);
  below->set_limit(1);
}

}  // namespace

EtcdCompanions::EtcdCompanions(const EtcdMapping& mapping, const Origin& origin, absl::Time now, LeaseId request_lease)
    : committed(EtcdMapping::TimeOfMark(now)),
      mark_key(mapping.mark_key()),
      mark(EtcdMapping::EncodeMark({EtcdMark::Kind::kWrite, now})),
      request_key(origin.request_id.empty() ? "" : mapping.RequestKey(origin.caller, origin.request_id)),
      request_hash(origin.request_hash),
      request_lease(request_lease) {}

void EtcdCompanions::AddTo(bool succeeded, google::protobuf::RepeatedPtrField<etcdserverpb::RequestOp>* to) const {
  etcdserverpb::PutRequest* put = to->Add()->mutable_request_put();
  put->set_key(mark_key);
  put->set_value(mark);
  if (!has_request()) return;
  put = to->Add()->mutable_request_put();
  put->set_key(request_key);
  put->set_value(EtcdMapping::EncodeRequest({.hash = request_hash, .succeeded = succeeded, .commit = request_commit}));
  put->set_lease(request_lease);
}

Compare EtcdCompanions::IsNew() const { return VersionIs({request_key, ""}, Compare::EQUAL, 0); }

int EtcdCost(const TxnRequest& request) {
  int nested = 0;
  for (const auto* requests : {&request.success(), &request.failure()}) {
    for (const etcdserverpb::RequestOp& operation : *requests) {
      if (operation.has_request_txn()) nested = std::max(nested, EtcdCost(operation.request_txn()));
    }
  }
  return std::max({request.compare_size(), request.success_size(), request.failure_size()}) + nested;
}

std::optional<EtcdTransaction> EtcdTransaction::Make(const EtcdMapping& mapping, const Transaction& transaction, size_t bytes_max,
                                                     EtcdCompanions companions) {
  if (transaction.validate_only) return std::nullopt;
  EtcdTransaction made(mapping, std::move(companions));
  for (const Condition& condition : transaction.conditions) {
    if (!made.AddCondition(condition)) return std::nullopt;
  }
  if (!made.SetBranch(transaction.on_success, /*succeeded=*/true, bytes_max, &made.success_)) return std::nullopt;
  if (!made.SetBranch(transaction.on_failure, /*succeeded=*/false, bytes_max, &made.failure_)) return std::nullopt;
  // What only reads needs no such care.
  if (!made.success_.changes && !made.failure_.changes) return std::nullopt;
  made.Build();
  if (EtcdCost(made.request_) > kEtcdOperationsMax || made.request_.ByteSizeLong() > kEtcdRequestBytesMax) return std::nullopt;
  return made;
}

bool EtcdTransaction::AddCondition(const Condition& condition) {
  if (condition.target == Condition::Target::kValue || condition.scope == Scope::kChildren) return false;
  const EtcdRange range = mapping_->RangeOf({condition.key, condition.scope});
  compares_.push_back(condition.target == Condition::Target::kExists
                          ? VersionIs(range, condition.exists ? Compare::GREATER : Compare::EQUAL, 0)
                          : NumberCompare(range, condition));
  return true;
}

bool EtcdTransaction::SetBranch(const std::vector<Operation>& operations, bool succeeded, size_t bytes_max, Branch* branch) const {
  branch->succeeded = succeeded;
  branch->operations = operations;
  absl::flat_hash_set<std::string> deleted;
  size_t bytes = 0;
  int answered = 0;
  for (size_t i = 0; i < operations.size(); ++i) {
    const std::string field = absl::StrCat(succeeded ? "on_success[" : "on_failure[", i, "].");
    if (const auto* put = std::get_if<PutOperation>(&operations[i])) {
      branch->changes = true;
      bytes += put->key.path().size() + put->value.bytes.size() + kEntryNumbersBytes + (MakesTheKey(*put) ? 0 : kEntryBytesMax);
      answered += put->return_previous ? 1 : 0;
      if (put->if_absent) {
        branch->preconditions.push_back({absl::StrCat(field, "put.if_absent"), put->key, true, 0});
      } else if (put->expected_mod_revision.has_value()) {
        branch->preconditions.push_back({absl::StrCat(field, "put.expected_mod_revision"), put->key, false, *put->expected_mod_revision});
      }
    } else if (const auto* erase = std::get_if<DeleteOperation>(&operations[i])) {
      // What was there is shown with whether it had children, which etcd does not say of what it deletes.
      if (erase->range.scope != Scope::kKey || erase->return_previous) return false;
      if (!deleted.insert(erase->range.key.path()).second) return false;
      bytes += kEntryBytesMax;
      if (erase->expected_mod_revision.has_value()) {
        branch->preconditions.push_back(
            {absl::StrCat(field, "delete.expected_mod_revision"), erase->range.key, false, *erase->expected_mod_revision});
      }
    } else if (std::holds_alternative<GetOperation>(operations[i])) {
      ++answered;
    } else {
      return false;
    }
  }
  return (branch->changes || deleted.empty()) && bytes <= bytes_max && answered <= kEntriesAnsweredMax;
}

void EtcdTransaction::Build() {
  if (!companions_.has_request()) return BuildConditions(&request_);
  *request_.add_compare() = companions_.IsNew();
  TxnRequest inner;
  BuildConditions(&inner);
  if (inner.compare_size() == 0) {
    request_.mutable_success()->Swap(inner.mutable_success());
  } else {
    *request_.add_success()->mutable_request_txn() = std::move(inner);
  }
  request_.add_failure()->mutable_request_range()->set_key(companions_.request_key);
}

void EtcdTransaction::BuildConditions(TxnRequest* to) const {
  if (compares_.empty()) return BuildBranch(success_, to);
  for (const Compare& compare : compares_) *to->add_compare() = compare;
  for (const bool succeeded : {true, false}) {
    TxnRequest nested;
    BuildBranch(succeeded ? success_ : failure_, &nested);
    Requests* requests = succeeded ? to->mutable_success() : to->mutable_failure();
    if (nested.compare_size() == 0) {
      requests->Swap(nested.mutable_success());
    } else {
      *requests->Add()->mutable_request_txn() = std::move(nested);
    }
  }
}

void EtcdTransaction::BuildBranch(const Branch& branch, TxnRequest* to) const {
  for (const Precondition& precondition : branch.preconditions) {
    const EtcdRange key = mapping_->RangeOf({precondition.key, Scope::kKey});
    Compare* compare = to->add_compare();
    SetRange(key, compare);
    compare->set_result(Compare::EQUAL);
    compare->set_target(Compare::MOD);
    compare->set_mod_revision(precondition.expected);
    RangeRequest* read = to->add_failure()->mutable_request_range();
    SetRange(key, read);
    read->set_keys_only(true);
  }
  for (const Operation& operation : branch.operations) BuildOperation(operation, to->mutable_success());
  if (branch.changes) companions_.AddTo(branch.succeeded, to->mutable_success());
}

void EtcdTransaction::BuildOperation(const Operation& operation, Requests* to) const {
  if (const auto* put = std::get_if<PutOperation>(&operation)) {
    etcdserverpb::PutRequest* request = to->Add()->mutable_request_put();
    request->set_key(mapping_->Encode(put->key));
    request->set_value(EtcdMapping::EncodeValue(put->value));
    request->set_lease(put->lease_id);
    // Says create_revision and version, which the answer to a put does not.
    request->set_prev_kv(!MakesTheKey(*put));
  } else if (const auto* erase = std::get_if<DeleteOperation>(&operation)) {
    etcdserverpb::DeleteRangeRequest* request = to->Add()->mutable_request_delete_range();
    SetRange(mapping_->RangeOf(erase->range), request);
    request->set_prev_kv(true);
  } else if (const auto* get = std::get_if<GetOperation>(&operation)) {
    AddGet(*mapping_, get->key, to);
  }
}

EtcdTransaction::Answer EtcdTransaction::Decode(const etcdserverpb::TxnResponse& response) const {
  Answer answer;
  CommitResult& result = answer.result;
  result.revision = response.header().revision();
  const Responses* responses = &response.responses();
  bool held = response.succeeded();
  if (companions_.has_request()) {
    if (!held) {
      const RangeResponse& read = responses->at(0).response_range();
      if (read.kvs_size() > 0) answer.earlier = read.kvs(0);
      return answer;
    }
    // What has compares of its own stands in a transaction of its own.
    if (!compares_.empty() || !success_.preconditions.empty()) {
      const etcdserverpb::TxnResponse& nested = response.responses(0).response_txn();
      held = nested.succeeded();
      responses = &nested.responses();
    }
  }
  answer.batch = std::make_shared<Batch>(Batch{.revision = result.revision, .committed = companions_.committed, .events = {}});
  result.status = DecodeConditions(held, *responses, &answer);
  if (!result.status.ok()) result.results.clear();
  if (!result.status.ok() && result.changed) result.status = MadeButUnreadable(result.status);
  if (!result.changed) answer.batch = nullptr;
  return answer;
}

absl::Status EtcdTransaction::DecodeConditions(bool succeeded, const Responses& responses, Answer* answer) const {
  if (compares_.empty()) {
    answer->result.succeeded = true;
    return DecodeBranch(success_, succeeded, responses, answer);
  }
  answer->result.succeeded = succeeded;
  const Branch& branch = succeeded ? success_ : failure_;
  if (branch.preconditions.empty()) return DecodeBranch(branch, /*held=*/true, responses, answer);
  const etcdserverpb::TxnResponse& nested = responses.at(0).response_txn();
  return DecodeBranch(branch, nested.succeeded(), nested.responses(), answer);
}

absl::Status EtcdTransaction::DecodeBranch(const Branch& branch, bool held, const Responses& responses, Answer* answer) const {
  if (!held) return Diagnose(branch, responses);
  CommitResult& result = answer->result;
  bool shows_all = true;
  int at = 0;
  absl::Status first_error;
  for (const Operation& operation : branch.operations) {
    absl::StatusOr<std::optional<Event>> event = EventOf(operation, responses.at(at), result.revision);
    shows_all = shows_all && event.ok();
    result.changed |= IsChange(responses.at(at));
    if (event.ok() && event->has_value()) answer->batch->events.push_back(**std::move(event));
    absl::StatusOr<OperationResult> decoded = DecodeOperation(operation, responses, &at, result.revision);
    if (!decoded.ok()) {
      first_error.Update(decoded.status());
      continue;
    }
    result.results.push_back(*std::move(decoded));
  }
  std::vector<Event>& events = answer->batch->events;
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.key < b.key; });
  if (!shows_all) answer->batch = nullptr;
  return first_error;
}

absl::StatusOr<std::optional<Event>> EtcdTransaction::EventOf(const Operation& operation, const etcdserverpb::ResponseOp& response,
                                                              Revision revision) const {
  Event event;
  const mvccpb::KeyValue* previous = nullptr;
  if (const auto* put = std::get_if<PutOperation>(&operation)) {
    if (response.response_put().has_prev_kv()) previous = &response.response_put().prev_kv();
    event.kind = EventKind::kPut;
    event.entry = {.key = put->key,
                   .value = put->value,
                   .create_revision = previous == nullptr ? revision : previous->create_revision(),
                   .mod_revision = revision,
                   .version = previous == nullptr ? 1 : previous->version() + 1,
                   .lease_id = put->lease_id,
                   .has_value = true};
  } else if (const auto* erase = std::get_if<DeleteOperation>(&operation)) {
    if (response.response_delete_range().prev_kvs_size() == 0) return std::nullopt;
    previous = &response.response_delete_range().prev_kvs(0);
    event.kind = EventKind::kDelete;
    event.entry.key = erase->range.key;
    event.entry.mod_revision = revision;
  } else {
    return std::nullopt;
  }
  event.key = event.entry.key;
  event.previous_known = true;
  if (previous == nullptr) return event;
  absl::StatusOr<Entry> decoded = mapping_->ToEntry(*previous);
  if (!decoded.ok()) return decoded.status();
  event.previous = *std::move(decoded);
  return event;
}

absl::StatusOr<OperationResult> EtcdTransaction::DecodeOperation(const Operation& operation, const Responses& responses, int* at,
                                                                 Revision revision) const {
  OperationResult result;
  if (const auto* put = std::get_if<PutOperation>(&operation)) {
    const etcdserverpb::PutResponse& response = responses.at((*at)++).response_put();
    result.create_revision = response.has_prev_kv() ? response.prev_kv().create_revision() : revision;
    result.version = response.prev_kv().version() + 1;
    if (!put->return_previous || !response.has_prev_kv()) return result;
    absl::StatusOr<Entry> previous = mapping_->ToEntry(response.prev_kv());
    if (!previous.ok()) return previous.status();
    result.entries.push_back(*std::move(previous));
    return result;
  }
  if (std::holds_alternative<DeleteOperation>(operation)) {
    result.deleted = responses.at((*at)++).response_delete_range().deleted();
    return result;
  }
  const RangeResponse& here = responses.at((*at)++).response_range();
  const RangeResponse& below = responses.at((*at)++).response_range();
  absl::StatusOr<std::vector<Entry>> entries = mapping_->ToEntries(here.kvs());
  if (!entries.ok()) return entries.status();
  result.entries = *std::move(entries);
  if (!result.entries.empty()) result.entries[0].has_children = below.kvs_size() > 0;
  return result;
}

absl::Status EtcdTransaction::Diagnose(const Branch& branch, const Responses& responses) const {
  for (size_t i = 0; i < branch.preconditions.size(); ++i) {
    const Precondition& precondition = branch.preconditions[i];
    const RangeResponse& response = responses.at(i).response_range();
    const Revision actual = response.kvs_size() == 0 ? 0 : response.kvs(0).mod_revision();
    if (actual == precondition.expected) continue;
    if (precondition.if_absent) return KeyExists(precondition.key, precondition.field);
    return UnexpectedRevision(precondition.key, precondition.expected, actual, precondition.field);
  }
  return absl::InternalError("etcd refused preconditions that all held");
}

}  // namespace scoutlight::storage
