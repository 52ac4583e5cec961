#include "storage/etcd/etcd_transaction.h"

#include <algorithm>
#include <utility>

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

// Both compares with the forms of `value` that `!=` takes.
std::vector<Compare> NeitherForm(const EtcdRange& key, const Value& value) {
  std::vector<Compare> compares;
  for (std::string& encoded : EtcdMapping::EncodeBothForms(value.bytes)) {
    Compare compare;
    SetRange(key, &compare);
    compare.set_target(Compare::VALUE);
    compare.set_result(Compare::NOT_EQUAL);
    compare.set_value(std::move(encoded));
    compares.push_back(std::move(compare));
  }
  return compares;
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

// As etcd counts it against its --max-txn-ops.
int Cost(const TxnRequest& request) {
  int nested = 0;
  for (const auto* requests : {&request.success(), &request.failure()}) {
    for (const etcdserverpb::RequestOp& operation : *requests) {
      if (operation.has_request_txn()) nested = std::max(nested, Cost(operation.request_txn()));
    }
  }
  return std::max({request.compare_size(), request.success_size(), request.failure_size()}) + nested;
}

// Whether a put needs no previous pair to know what it made.
bool MakesTheKey(const PutOperation& put) { return put.if_absent || put.expected_mod_revision == 0; }

bool IsChange(const Operation& operation, const OperationResult& result) {
  return std::holds_alternative<PutOperation>(operation) || result.deleted > 0;
}

// One key and whether something lies below it: two ranges.
void AddGet(const EtcdMapping& mapping, const Key& key, bool keys_only, google::protobuf::RepeatedPtrField<etcdserverpb::RequestOp>* to) {
  RangeRequest* get = to->Add()->mutable_request_range();
  SetRange(mapping.RangeOf({key, Scope::kKey}), get);
  get->set_keys_only(keys_only);
  RangeRequest* below = to->Add()->mutable_request_range();
  SetRange(mapping.RangeOf({key, Scope::kChildren}), below);
  below->set_keys_only(true);
  below->set_limit(1);
}

// How many pairs show enough of a list: one more than asked for tells whether there are more. Between children lie others.
int64_t PairsMax(const ListOperation& list) {
  if (list.range.scope == Scope::kSubtree) return list.entries_max + 1;
  return list.keys_only ? limits::kPageEntriesMax + 1 : list.entries_max + limits::kPageEntriesDefault;
}

}  // namespace

absl::StatusOr<EtcdTransaction> EtcdTransaction::Make(const EtcdMapping& mapping, Transaction transaction) {
  if (transaction.validate_only) return Inexpressible("validate_only", "etcd has no way to evaluate a transaction and undo it");
  EtcdTransaction made(mapping);
  for (size_t i = 0; i < transaction.conditions.size(); ++i) {
    absl::Status status = made.AddCondition(transaction.conditions[i], absl::StrCat("conditions[", i, "]"));
    if (!status.ok()) return status;
  }
  if (absl::Status status = made.SetBranch(std::move(transaction.on_success), "on_success", &made.success_); !status.ok()) return status;
  if (absl::Status status = made.SetBranch(std::move(transaction.on_failure), "on_failure", &made.failure_); !status.ok()) return status;
  made.Build();
  if (const int cost = Cost(made.request_); cost > kEtcdOperationsMax) {
    return TransactionTooLarge(absl::StrCat("it takes ", cost,
                                            " operations of etcd on its longest way (a read takes two, conditions and "
                                            "preconditions count), at most ",
                                            kEtcdOperationsMax, " are allowed"));
  }
  if (const size_t bytes = made.request_.ByteSizeLong(); bytes > kEtcdRequestBytesMax) {
    return TransactionTooLarge(
        absl::StrCat("it is a request to etcd of ", bytes, " bytes, at most ", kEtcdRequestBytesMax, " are allowed"));
  }
  return made;
}

absl::Status EtcdTransaction::AddCondition(const Condition& condition, const std::string& field) {
  const EtcdRange range = mapping_->RangeOf({condition.key, condition.scope});
  switch (condition.target) {
    case Condition::Target::kExists:
      if (condition.scope == Scope::kChildren) {
        return Inexpressible(absl::StrCat(field, ".scope"),
                             "deeper nodes lie between the children of a key; ask that the subtree of a key below it be empty");
      }
      compares_.push_back(VersionIs(range, condition.exists ? Compare::GREATER : Compare::EQUAL, 0));
      return absl::OkStatus();
    case Condition::Target::kValue:
      break;
    default:
      compares_.push_back(NumberCompare(range, condition));
      return absl::OkStatus();
  }
  std::vector<Compare> neither = NeitherForm(range, condition.value);
  switch (condition.comparison) {
    case Condition::Comparison::kNotEqual:
      for (Compare& compare : neither) compares_.push_back(std::move(compare));
      return absl::OkStatus();
    case Condition::Comparison::kEqual:
      compares_.push_back(VersionIs(range, Compare::GREATER, 0));
      neither_forms_.push_back(std::move(neither));
      return absl::OkStatus();
    default:
      return Inexpressible(absl::StrCat(field, ".comparison"), "etcd orders text in front of data; compare a value with == or !=");
  }
}

absl::Status EtcdTransaction::SetBranch(std::vector<Operation> operations, absl::string_view field, Branch* branch) const {
  std::vector<KeyRange> deleted;
  for (size_t i = 0; i < operations.size(); ++i) {
    if (const auto* put = std::get_if<PutOperation>(&operations[i])) {
      const std::string path = absl::StrCat(field, "[", i, "].put");
      if (put->if_absent) {
        branch->preconditions.push_back({absl::StrCat(path, ".if_absent"), put->key, true, 0});
      } else if (put->expected_mod_revision.has_value()) {
        branch->preconditions.push_back({absl::StrCat(path, ".expected_mod_revision"), put->key, false, *put->expected_mod_revision});
      }
    }
    const auto* erase = std::get_if<DeleteOperation>(&operations[i]);
    if (erase == nullptr) continue;
    const std::string path = absl::StrCat(field, "[", i, "].delete");
    if (erase->range.scope == Scope::kChildren) {
      return Inexpressible(absl::StrCat(path, ".scope"), "deeper nodes lie between the children of a key; delete the children by key");
    }
    if (erase->expected_mod_revision.has_value()) {
      const std::string expected = absl::StrCat(path, ".expected_mod_revision");
      for (const KeyRange& range : deleted) {
        if (range.Contains(erase->range.key)) return Inexpressible(expected, "an earlier delete of the transaction covers the key");
      }
      branch->preconditions.push_back({expected, erase->range.key, false, *erase->expected_mod_revision});
    }
    deleted.push_back(erase->range);
  }
  branch->operations = std::move(operations);
  return absl::OkStatus();
}

void EtcdTransaction::Build() {
  if (compares_.empty()) return BuildGuarded(success_, &request_);
  for (const Compare& compare : compares_) *request_.add_compare() = compare;
  BuildBranch(failure_, request_.mutable_failure());
  Requests* success = request_.mutable_success();
  for (const std::vector<Compare>& neither : neither_forms_) {
    TxnRequest* nested = success->Add()->mutable_request_txn();
    for (const Compare& compare : neither) *nested->add_compare() = compare;
    BuildBranch(failure_, nested->mutable_success());
    success = nested->mutable_failure();
  }
  BuildBranch(success_, success);
}

void EtcdTransaction::BuildBranch(const Branch& branch, Requests* to) const {
  if (!branch.preconditions.empty()) return BuildGuarded(branch, to->Add()->mutable_request_txn());
  for (const Operation& operation : branch.operations) BuildOperation(operation, to);
}

void EtcdTransaction::BuildGuarded(const Branch& branch, TxnRequest* to) const {
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
    request->set_prev_kv(erase->return_previous);
  } else if (const auto* get = std::get_if<GetOperation>(&operation)) {
    AddGet(*mapping_, get->key, /*keys_only=*/false, to);
  } else if (const auto* list = std::get_if<ListOperation>(&operation)) {
    if (list->range.scope == Scope::kKey) return AddGet(*mapping_, list->range.key, list->keys_only, to);
    for (const EtcdRange& range : mapping_->RangesWithoutSystem(list->range)) {
      RangeRequest* request = to->Add()->mutable_request_range();
      SetRange(range, request);
      request->set_keys_only(list->keys_only);
      request->set_limit(PairsMax(*list));
    }
  }
}

CommitResult EtcdTransaction::Decode(etcdserverpb::TxnResponse response) const {
  CommitResult result;
  result.revision = response.header().revision();
  result.status = DecodeTree(response, &result);
  if (!result.status.ok()) result.results.clear();
  return result;
}

absl::Status EtcdTransaction::DecodeTree(const etcdserverpb::TxnResponse& response, CommitResult* result) const {
  if (compares_.empty()) {
    result->succeeded = true;
    return DecodeGuarded(success_, response.succeeded(), response.responses(), result);
  }
  result->succeeded = response.succeeded();
  const Responses* responses = &response.responses();
  for (size_t i = 0; i < neither_forms_.size() && result->succeeded; ++i) {
    const etcdserverpb::TxnResponse& nested = responses->at(0).response_txn();
    result->succeeded = !nested.succeeded();
    responses = &nested.responses();
  }
  return DecodeBranch(result->succeeded ? success_ : failure_, *responses, result);
}

absl::Status EtcdTransaction::DecodeBranch(const Branch& branch, const Responses& responses, CommitResult* result) const {
  if (branch.preconditions.empty()) return DecodeGuarded(branch, /*held=*/true, responses, result);
  const etcdserverpb::TxnResponse& nested = responses.at(0).response_txn();
  return DecodeGuarded(branch, nested.succeeded(), nested.responses(), result);
}

absl::Status EtcdTransaction::DecodeGuarded(const Branch& branch, bool held, const Responses& responses, CommitResult* result) const {
  if (!held) return Diagnose(branch, responses);
  int at = 0;
  absl::Status first_error;
  for (const Operation& operation : branch.operations) {
    absl::StatusOr<OperationResult> decoded = DecodeOperation(operation, responses, &at, result->revision);
    if (!decoded.ok()) {
      first_error.Update(decoded.status());
      continue;
    }
    result->changed |= IsChange(operation, *decoded);
    result->results.push_back(*std::move(decoded));
  }
  return first_error;
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
    const etcdserverpb::DeleteRangeResponse& response = responses.at((*at)++).response_delete_range();
    result.deleted = response.deleted();
    absl::StatusOr<std::vector<Entry>> previous = mapping_->ToEntries(response.prev_kvs());
    if (!previous.ok()) return previous.status();
    result.entries = *std::move(previous);
    return result;
  }
  const auto* list = std::get_if<ListOperation>(&operation);
  if (list != nullptr && list->range.scope != Scope::kKey) return DecodeList(*list, responses, at);
  const RangeResponse& here = responses.at((*at)++).response_range();
  const RangeResponse& below = responses.at((*at)++).response_range();
  absl::StatusOr<std::vector<Entry>> entries = mapping_->ToEntries(here.kvs());
  if (!entries.ok()) return entries.status();
  result.entries = *std::move(entries);
  if (!result.entries.empty()) result.entries[0].has_children = below.kvs_size() > 0;
  return result;
}

absl::StatusOr<OperationResult> EtcdTransaction::DecodeList(const ListOperation& list, const Responses& responses, int* at) const {
  EntryCollector collector(*mapping_, list.range, EntryCollector::System::kHidden);
  OperationResult result;
  const size_t pieces = mapping_->RangesWithoutSystem(list.range).size();
  for (size_t i = 0; i < pieces; ++i) {
    const RangeResponse& piece = responses.at((*at)++).response_range();
    // What lies behind a cut is not to be shown.
    if (result.more) continue;
    for (const mvccpb::KeyValue& pair : piece.kvs()) {
      if (absl::Status status = collector.Add(pair); !status.ok()) return status;
    }
    result.more = piece.more();
  }
  if (result.more && collector.last_is_open()) collector.entries().pop_back();
  result.entries = std::move(collector.entries());
  if (result.entries.size() > static_cast<size_t>(list.entries_max)) {
    result.entries.resize(list.entries_max);
    result.more = true;
  }
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
