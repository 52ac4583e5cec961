#include "tests/checker/wire_conversion.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "tests/support/client.h"
#include "tests/support/failure.h"

namespace scoutlight::checker {
namespace {

wire::Scope ScopeOf(Scope scope) {
  switch (scope) {
    case Scope::kKey:
      return wire::SCOPE_KEY;
    case Scope::kChildren:
      return wire::SCOPE_CHILDREN;
    case Scope::kSubtree:
      return wire::SCOPE_SUBTREE;
  }
  return wire::SCOPE_UNSPECIFIED;
}

// Put, Operation::Put and Condition have the same members.
template <typename Message>
void SetValue(const Value& value, Message* out) {
  if (value.form == Value::Form::kText) {
    out->set_text(value.bytes);
  } else {
    out->set_data(value.bytes);
  }
}

template <typename Put>
void Fill(const storage::PutOperation& put, Put* out) {
  out->set_key(put.key.path());
  SetValue(put.value, out);
  out->set_lease_id(put.lease_id);
  out->set_if_absent(put.if_absent);
  if (put.expected_mod_revision.has_value()) out->set_expected_mod_revision(*put.expected_mod_revision);
  out->set_return_previous(put.return_previous);
}

template <typename Delete>
void Fill(const storage::DeleteOperation& erase, Delete* out) {
  out->set_key(erase.range.key.path());
  out->set_scope(ScopeOf(erase.range.scope));
  if (erase.expected_mod_revision.has_value()) out->set_expected_mod_revision(*erase.expected_mod_revision);
  out->set_return_previous(erase.return_previous);
}

struct FillOperation {
  wire::Operation* out;

  void operator()(const storage::PutOperation& put) const { Fill(put, out->mutable_put()); }
  void operator()(const storage::DeleteOperation& erase) const { Fill(erase, out->mutable_delete_()); }
  void operator()(const storage::GetOperation& get) const { out->mutable_get()->set_key(get.key.path()); }
  void operator()(const storage::ListOperation& list) const {
    out->mutable_list()->set_parent(list.range.key.path());
    out->mutable_list()->set_scope(ScopeOf(list.range.scope));
    out->mutable_list()->set_keys_only(list.keys_only);
    out->mutable_list()->set_limit(list.entries_max);
  }
};

void Fill(const storage::Condition& condition, wire::Condition* out) {
  using Target = storage::Condition::Target;
  static constexpr wire::Condition::Comparison kComparisons[] = {wire::Condition::COMPARISON_EQUAL, wire::Condition::COMPARISON_NOT_EQUAL,
                                                                 wire::Condition::COMPARISON_LESS, wire::Condition::COMPARISON_GREATER};
  out->set_key(condition.key.path());
  out->set_scope(ScopeOf(condition.scope));
  if (condition.target != Target::kExists) out->set_comparison(kComparisons[static_cast<int>(condition.comparison)]);
  switch (condition.target) {
    case Target::kVersion:
      return out->set_version(condition.number);
    case Target::kCreateRevision:
      return out->set_create_revision(condition.number);
    case Target::kModRevision:
      return out->set_mod_revision(condition.number);
    case Target::kLeaseId:
      return out->set_lease_id(condition.number);
    case Target::kValue:
      return SetValue(condition.value, out);
    case Target::kExists:
      return out->set_exists(condition.exists);
  }
}

// PutResponse and OperationResult::Put; DeleteResponse and OperationResult::Delete.
template <typename Put>
storage::OperationResult ResultOfPut(const Put& put) {
  storage::OperationResult result;
  if (put.has_previous()) result.entries.push_back(EntryOf(put.previous()));
  result.create_revision = put.create_revision();
  result.version = put.version();
  return result;
}

template <typename Delete>
storage::OperationResult ResultOfDelete(const Delete& erase) {
  storage::OperationResult result;
  result.deleted = erase.deleted();
  for (const wire::Entry& entry : erase.previous()) result.entries.push_back(EntryOf(entry));
  return result;
}

storage::OperationResult ResultOf(const wire::OperationResult& from) {
  if (from.has_put()) return ResultOfPut(from.put());
  if (from.has_delete_()) return ResultOfDelete(from.delete_());
  storage::OperationResult result;
  if (from.has_get() && from.get().has_entry()) result.entries.push_back(EntryOf(from.get().entry()));
  for (const wire::Entry& entry : from.list().entries()) result.entries.push_back(EntryOf(entry));
  result.more = from.list().more();
  return result;
}

Outcome OutcomeOf(wire::RenewResult::Outcome outcome) {
  switch (outcome) {
    case wire::RenewResult::OUTCOME_RENEWED:
      return Outcome::kOk;
    case wire::RenewResult::OUTCOME_NOT_FOUND:
      return Outcome::kFailed;
    case wire::RenewResult::OUTCOME_FAILED:
      return Outcome::kUnknown;
    default:
      ADD_FAILURE() << "a renewal has the outcome " << outcome;
      return Outcome::kUnknown;
  }
}

// A RenewResponse or a KeepAliveResponse.
template <typename Response>
RenewAnswer RenewAnswerOf(const Response& response) {
  RenewAnswer answer{.results = {}, .revision = response.revision()};
  for (const wire::RenewResult& result : response.results()) answer.results.push_back(OutcomeOf(result.outcome()));
  return answer;
}

Reason ReasonOf(const std::string& name) {
  for (int number = wire::ErrorReason_MIN; number <= wire::ErrorReason_MAX; ++number) {
    if (name == std::string(ReasonName(static_cast<Reason>(number)))) return static_cast<Reason>(number);
  }
  return Reason::kUnspecified;
}

// Of an error that names it: whether something may have changed all the same.
bool LeavesOpen(Reason reason) {
  return reason == Reason::kUnspecified || reason == Reason::kOutcomeUnknown || reason == Reason::kInternal ||
         reason == Reason::kBackendUnavailable;
}

}  // namespace

wire::PutRequest PutRequestOf(const Write& write) {
  wire::PutRequest request;
  Fill(std::get<storage::PutOperation>(write.on_success[0]), &request);
  request.set_request_id(write.request_id);
  return request;
}

wire::DeleteRequest DeleteRequestOf(const Write& write) {
  wire::DeleteRequest request;
  Fill(std::get<storage::DeleteOperation>(write.on_success[0]), &request);
  request.set_validate_only(write.validate_only);
  request.set_request_id(write.request_id);
  return request;
}

wire::TransactRequest TransactRequestOf(const Write& write) {
  wire::TransactRequest request;
  for (const storage::Condition& condition : write.conditions) Fill(condition, request.add_conditions());
  for (const storage::Operation& operation : write.on_success) std::visit(FillOperation{request.add_on_success()}, operation);
  for (const storage::Operation& operation : write.on_failure) std::visit(FillOperation{request.add_on_failure()}, operation);
  request.set_request_id(write.request_id);
  return request;
}

wire::GetRequest GetRequestOf(const Read& read) {
  wire::GetRequest request;
  request.set_key(read.query.range.key.path());
  request.set_revision(read.query.revision);
  return request;
}

wire::ListRequest ListRequestOf(const Read& read) {
  wire::ListRequest request;
  request.set_parent(read.query.range.key.path());
  request.set_scope(ScopeOf(read.query.range.scope));
  request.set_keys_only(read.query.keys_only);
  request.set_order(read.query.order == storage::Order::kKey ? wire::ORDER_KEY : wire::ORDER_CREATION);
  request.set_page_size(read.query.entries_max);
  request.set_revision(read.query.revision);
  return request;
}

wire::WatchRequest WatchRequestOf(const KeyRange& range) {
  wire::WatchRequest request;
  request.set_key(range.key.path());
  request.set_scope(ScopeOf(range.scope));
  return request;
}

wire::GrantRequest GrantRequestOf(const Grant& grant) { return testing::GrantOf(grant.ttl, grant.id, grant.request_id); }

wire::RevokeRequest RevokeRequestOf(const Revoke& revoke) {
  wire::RevokeRequest request;
  request.set_lease_id(revoke.id);
  request.set_request_id(revoke.request_id);
  return request;
}

wire::RenewRequest RenewRequestOf(const Renew& renew) {
  wire::RenewRequest request;
  request.mutable_lease_ids()->Add(renew.ids.begin(), renew.ids.end());
  return request;
}

WriteAnswer AnswerOf(const wire::PutResponse& response) {
  return {response.revision(), true, response.replayed(), {ResultOfPut(response)}};
}

WriteAnswer AnswerOf(const wire::DeleteResponse& response) {
  return {response.revision(), true, response.replayed(), {ResultOfDelete(response)}};
}

WriteAnswer AnswerOf(const wire::TransactResponse& response) {
  WriteAnswer answer{response.revision(), response.succeeded(), response.replayed(), {}};
  for (const wire::OperationResult& result : response.results()) answer.results.push_back(ResultOf(result));
  return answer;
}

ReadAnswer AnswerOf(const wire::GetResponse& response) { return {response.revision(), {EntryOf(response.entry())}, false}; }

ReadAnswer AnswerOf(const wire::ListResponse& response) {
  ReadAnswer answer{response.revision(), {}, !response.next_page_token().empty()};
  for (const wire::Entry& entry : response.entries()) answer.entries.push_back(EntryOf(entry));
  return answer;
}

GrantAnswer AnswerOf(const wire::GrantResponse& response) {
  return {response.lease().lease_id(), testing::DurationOf(response.lease().ttl()), response.revision(), response.replayed()};
}

RevokeAnswer AnswerOf(const wire::RevokeResponse& response) { return {response.deleted(), response.revision(), response.replayed()}; }

RenewAnswer AnswerOf(const wire::RenewResponse& response) { return RenewAnswerOf(response); }

RenewAnswer AnswerOf(const wire::KeepAliveResponse& response) { return RenewAnswerOf(response); }

Frame FrameOf(const wire::WatchResponse& response) {
  static_assert(wire::WatchResponse::KIND_STARTED == 1 && wire::WatchResponse::KIND_PROGRESS == 5);
  Frame frame;
  EXPECT_GE(response.kind(), wire::WatchResponse::KIND_STARTED);
  EXPECT_LE(response.kind(), wire::WatchResponse::KIND_PROGRESS);
  frame.kind = static_cast<Frame::Kind>(response.kind() - wire::WatchResponse::KIND_STARTED);
  frame.revision = response.revision();
  for (const wire::Entry& entry : response.entries()) frame.entries.push_back(EntryOf(entry));
  for (const wire::Event& from : response.events()) {
    Event event;
    event.entry = EntryOf(from.entry());
    event.key = event.entry.key;
    event.kind = from.kind() == wire::Event::KIND_PUT ? EventKind::kPut : EventKind::kDelete;
    event.cause = static_cast<EventCause>(from.cause());
    if (from.has_previous()) event.previous = EntryOf(from.previous());
    event.previous_known = from.previous_known();
    frame.events.push_back(std::move(event));
  }
  frame.fragment = response.fragment();
  frame.restart = response.restart();
  return frame;
}

Entry EntryOf(const wire::Entry& entry) {
  const auto key = Key::FromNormal(entry.key());
  EXPECT_TRUE(key.ok()) << key.status();
  Entry converted;
  converted.key = key.value_or(Key());
  if (entry.content_case() == wire::Entry::kData) {
    converted.value = {Value::Form::kData, entry.data()};
  } else {
    converted.value = {Value::Form::kText, entry.text()};
  }
  converted.create_revision = entry.create_revision();
  converted.mod_revision = entry.mod_revision();
  converted.version = entry.version();
  converted.lease_id = entry.lease_id();
  converted.has_value = entry.has_value();
  converted.has_children = entry.has_children();
  return converted;
}

void SetFailure(const grpc::Status& status, Call* call) {
  const testing::Failure seen = testing::FailureOf(status);
  Failure& failure = call->failure;
  failure.code = static_cast<absl::StatusCode>(status.error_code());  // absl and gRPC share the numbers.
  failure.reason = ReasonOf(seen.reason);
  const auto number = [&seen](const char* name) {
    const auto found = seen.metadata.find(name);
    Revision value = 0;
    return found != seen.metadata.end() && absl::SimpleAtoi(found->second, &value) ? value : 0;
  };
  failure.revision = number("revision");
  failure.oldest_revision = number("oldest_revision");
  call->outcome = LeavesOpen(failure.reason) ? Outcome::kUnknown : Outcome::kFailed;
}

}  // namespace scoutlight::checker
