#include "client/registry.h"

#include <cstddef>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/wire/registry_conversion.h"
#include "client/wire/time_conversion.h"
#include "client/wire/wire.h"

namespace scoutlight {
namespace {

namespace wire = ::scoutlight::registry::v1;
using RegistryStub = wire::RegistryService::Stub;
using LeaseStub = wire::LeaseService::Stub;
using client::CallOptions;
using client::Repeatable;

constexpr int kPageEntries = 10'000;

CallOptions Reading(Timeout timeout) { return {.timeout = timeout, .repeatable = Repeatable::kRead}; }
CallOptions Writing(Timeout timeout) { return {.timeout = timeout, .repeatable = Repeatable::kWithId}; }

template <typename Response>
StoreState StateOf(const Response& response) {
  return {response.revision(), response.store_id()};
}

Lease LeaseOf(const wire::Lease& lease) {
  return {lease.lease_id(), client::DurationOf(lease.ttl()), client::DurationOf(lease.remaining())};
}

wire::PutRequest PutRequestOf(absl::string_view key, Value value, const PutOptions& options) {
  wire::PutRequest request;
  request.set_key(std::string(key));
  client::SetContent(std::move(value), &request);
  request.set_lease_id(options.lease_id);
  request.set_if_absent(options.if_absent);
  if (options.expected_mod_revision.has_value()) request.set_expected_mod_revision(*options.expected_mod_revision);
  request.set_return_previous(options.return_previous);
  return request;
}

absl::Status LeaseNotFound(LeaseId lease_id) {
  return MakeError(absl::StatusCode::kNotFound, absl::StrCat("there is no lease ", lease_id),
                   {.reason = Reason::kLeaseNotFound, .resource = absl::StrCat(lease_id)});
}

}  // namespace

Registry::Registry(Connection connection) : wire_(connection.wire()) {}

absl::StatusOr<GetResult> Registry::Get(absl::string_view key, GetOptions options) const {
  wire::GetRequest request;
  request.set_key(std::string(key));
  request.set_revision(options.revision);
  absl::StatusOr<wire::GetResponse> response = wire_->Call(&RegistryStub::Get, std::move(request), Reading(options.timeout));
  if (!response.ok()) return response.status();
  absl::StatusOr<Entry> entry = client::EntryOf(std::move(*response->mutable_entry()));
  if (!entry.ok()) return entry.status();
  return GetResult{*std::move(entry), StateOf(*response)};
}

absl::StatusOr<PutResult> Registry::Put(absl::string_view key, absl::string_view text) const {
  return Put(key, TextValue(std::string(text)));
}

absl::StatusOr<PutResult> Registry::Put(absl::string_view key, Value value, PutOptions options) const {
  wire::PutRequest request = PutRequestOf(key, std::move(value), options);
  request.set_request_id(wire_->NewRequestId());
  absl::StatusOr<wire::PutResponse> response = wire_->Call(&RegistryStub::Put, std::move(request), Writing(options.timeout));
  if (!response.ok()) return response.status();
  PutResult result;
  result.state = StateOf(*response);
  result.create_revision = response->create_revision();
  result.version = response->version();
  result.replayed = response->replayed();
  if (!response->has_previous()) return result;
  absl::StatusOr<Entry> previous = client::EntryOf(std::move(*response->mutable_previous()));
  if (!previous.ok()) return previous.status();
  result.previous = *std::move(previous);
  return result;
}

absl::StatusOr<PutResult> Registry::PutIfAbsent(absl::string_view key, Value value, PutOptions options) const {
  options.if_absent = true;
  return Put(key, std::move(value), std::move(options));
}

absl::StatusOr<StoreState> Registry::PutAll(const std::vector<std::pair<std::string, Value>>& entries, PutAllOptions options) const {
  Transaction transaction;
  for (const auto& [key, value] : entries) {
    transaction.Then(Operation::Put{.key = key, .value = value, .lease_id = options.lease_id, .if_absent = options.if_absent});
  }
  absl::StatusOr<TransactResult> result = Transact(transaction, options.timeout);
  if (!result.ok()) return result.status();
  return result->state;
}

absl::StatusOr<StoreState> Registry::ReadPages(absl::string_view parent, Values values, const ListOptions& options,
                                               absl::FunctionRef<absl::StatusOr<bool>(Entry)> visit) const {
  wire::ListRequest request;
  request.set_parent(std::string(parent));
  request.set_scope(client::WireScope(options.scope));
  request.set_keys_only(values == Values::kLeftOut);
  request.set_order(options.order == ListOrder::kCreation ? wire::ORDER_CREATION : wire::ORDER_KEY);
  request.set_page_size(kPageEntries);
  request.set_revision(options.revision);
  for (;;) {
    absl::StatusOr<wire::ListResponse> page = wire_->Call(&RegistryStub::List, request, Reading(options.timeout));
    if (!page.ok()) return page.status();
    for (wire::Entry& listed : *page->mutable_entries()) {
      absl::StatusOr<Entry> entry = client::EntryOf(std::move(listed));
      if (!entry.ok()) return entry.status();
      const absl::StatusOr<bool> goes_on = visit(*std::move(entry));
      if (!goes_on.ok()) return goes_on.status();
      if (!*goes_on) return StateOf(*page);
    }
    if (page->next_page_token().empty()) return StateOf(*page);
    request.set_page_token(page->next_page_token());
  }
}

absl::StatusOr<ListResult> Registry::ReadList(absl::string_view parent, Values values, const ListOptions& options) const {
  ListResult result;
  absl::StatusOr<StoreState> state = ReadPages(parent, values, options, [&](Entry entry) -> absl::StatusOr<bool> {
    if (static_cast<int64_t>(result.entries.size()) >= options.entries_max) {
      return InvalidField(Reason::kListTooLarge, "entries_max",
                          absl::StrCat("the list has more than ", options.entries_max, " entries; ForEach takes longer ones"));
    }
    result.entries.push_back(std::move(entry));
    return true;
  });
  if (!state.ok()) return state.status();
  result.state = *std::move(state);
  return result;
}

absl::StatusOr<ListResult> Registry::List(absl::string_view parent, ListOptions options) const {
  return ReadList(parent, Values::kLeftOut, options);
}

absl::StatusOr<ListResult> Registry::Fetch(absl::string_view parent, ListOptions options) const {
  return ReadList(parent, Values::kShown, options);
}

absl::StatusOr<StoreState> Registry::ForEach(absl::string_view parent, absl::FunctionRef<bool(Entry)> visit, ListOptions options) const {
  return ReadPages(parent, Values::kShown, options, [&](Entry entry) -> absl::StatusOr<bool> { return visit(std::move(entry)); });
}

absl::StatusOr<DeleteResult> Registry::Delete(absl::string_view key, DeleteOptions options) const {
  wire::DeleteRequest request;
  request.set_key(std::string(key));
  request.set_scope(client::WireScope(options.scope));
  if (options.expected_mod_revision.has_value()) request.set_expected_mod_revision(*options.expected_mod_revision);
  request.set_return_previous(options.return_previous);
  request.set_validate_only(options.validate_only);
  request.set_request_id(wire_->NewRequestId());
  absl::StatusOr<wire::DeleteResponse> response = wire_->Call(&RegistryStub::Delete, std::move(request), Writing(options.timeout));
  if (!response.ok()) return response.status();
  absl::StatusOr<std::vector<Entry>> previous = client::EntriesOf(response->mutable_previous());
  if (!previous.ok()) return previous.status();
  return DeleteResult{response->deleted(), *std::move(previous), StateOf(*response), response->replayed()};
}

absl::StatusOr<TransactResult> Registry::Transact(const Transaction& transaction, Timeout timeout) const {
  wire::TransactRequest request;
  for (const Condition& condition : transaction.conditions) client::FillCondition(condition, request.add_conditions());
  for (const Operation& operation : transaction.on_success) client::FillOperation(operation, request.add_on_success());
  for (const Operation& operation : transaction.on_failure) client::FillOperation(operation, request.add_on_failure());
  request.set_request_id(wire_->NewRequestId());
  absl::StatusOr<wire::TransactResponse> response = wire_->Call(&RegistryStub::Transact, std::move(request), Writing(timeout));
  if (!response.ok()) return response.status();
  TransactResult result;
  result.succeeded = response->succeeded();
  result.state = StateOf(*response);
  result.replayed = response->replayed();
  for (wire::OperationResult& one : *response->mutable_results()) {
    absl::StatusOr<OperationResult> read = client::ResultOf(std::move(one));
    if (!read.ok()) return read.status();
    result.results.push_back(*std::move(read));
  }
  return result;
}

absl::StatusOr<GrantResult> Registry::GrantLease(absl::Duration ttl, LeaseId lease_id, Timeout timeout) const {
  wire::GrantRequest request;
  *request.mutable_ttl() = client::WireDuration(ttl);
  request.set_lease_id(lease_id);
  request.set_request_id(wire_->NewRequestId());
  absl::StatusOr<wire::GrantResponse> response = wire_->Call(&LeaseStub::Grant, std::move(request), Writing(timeout));
  if (!response.ok()) return response.status();
  return GrantResult{LeaseOf(response->lease()), StateOf(*response), response->replayed()};
}

absl::StatusOr<RevokeResult> Registry::RevokeLease(LeaseId lease_id, Timeout timeout) const {
  wire::RevokeRequest request;
  request.set_lease_id(lease_id);
  request.set_request_id(wire_->NewRequestId());
  absl::StatusOr<wire::RevokeResponse> response = wire_->Call(&LeaseStub::Revoke, std::move(request), Writing(timeout));
  if (!response.ok()) return response.status();
  return RevokeResult{response->deleted(), StateOf(*response), response->replayed()};
}

absl::StatusOr<RenewResult> Registry::RenewLease(LeaseId lease_id, Timeout timeout) const {
  wire::RenewRequest request;
  request.add_lease_ids(lease_id);
  // A renewal twice is a renewal.
  absl::StatusOr<wire::RenewResponse> response = wire_->Call(&LeaseStub::Renew, std::move(request), Reading(timeout));
  if (!response.ok()) return response.status();
  if (response->results_size() != 1) return absl::InternalError("the server sent another number of results than was asked for");
  const wire::RenewResult& result = response->results(0);
  if (result.outcome() == wire::RenewResult::OUTCOME_RENEWED) return RenewResult{client::DurationOf(result.ttl()), StateOf(*response)};
  if (result.outcome() == wire::RenewResult::OUTCOME_NOT_FOUND) return LeaseNotFound(lease_id);
  return MakeError(absl::StatusCode::kUnavailable, absl::StrCat("the renewal of lease ", lease_id, " may or may not have been kept"),
                   {.reason = Reason::kOutcomeUnknown});
}

absl::StatusOr<GetLeaseResult> Registry::GetLease(LeaseId lease_id, LeaseKeys keys, Timeout timeout) const {
  wire::GetLeaseRequest request;
  request.set_lease_id(lease_id);
  request.set_include_keys(keys == LeaseKeys::kShown);
  absl::StatusOr<wire::GetLeaseResponse> response = wire_->Call(&LeaseStub::GetLease, std::move(request), Reading(timeout));
  if (!response.ok()) return response.status();
  return GetLeaseResult{
      LeaseOf(response->lease()), {response->keys().begin(), response->keys().end()}, response->key_count(), StateOf(*response)};
}

absl::StatusOr<ListLeasesResult> Registry::ListLeases(int leases_max, Timeout timeout) const {
  ListLeasesResult result;
  wire::ListLeasesRequest request;
  request.set_page_size(kPageEntries);
  for (;;) {
    const absl::StatusOr<wire::ListLeasesResponse> page = wire_->Call(&LeaseStub::ListLeases, request, Reading(timeout));
    if (!page.ok()) return page.status();
    for (const wire::Lease& lease : page->leases()) {
      if (static_cast<int64_t>(result.leases.size()) >= leases_max) {
        return InvalidField(Reason::kListTooLarge, "leases_max", absl::StrCat("there are more than ", leases_max, " leases"));
      }
      result.leases.push_back(LeaseOf(lease));
    }
    result.state = StateOf(*page);
    if (page->next_page_token().empty()) return result;
    request.set_page_token(page->next_page_token());
  }
}

}  // namespace scoutlight
