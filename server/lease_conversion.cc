#include "server/lease_conversion.h"

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/stable_hash.h"
#include "server/page_token.h"
#include "server/request_fields.h"
#include "server/violations.h"

namespace scoutlight::server {
namespace {

namespace wire = registry::v1;

// Of an answer for everything but its keys.
constexpr size_t kAnswerSlackBytes = 4 * limits::kKiB;
constexpr size_t kBytesPerKey = 4;  // Beside the key: its tag and length.

// Tells tokens of lists of leases from those of entries.
uint64_t LeasesQuery() { return StableHash().Add("ListLeases").value(); }

LeaseId ReadLeaseId(int64_t id, absl::string_view field, Violations* violations) {
  if (id <= 0) violations->Add(Reason::kInvalidField, field, absl::StrCat("is ", id, ", must be positive"));
  return id;
}

absl::Duration ReadTtl(const wire::GrantRequest& request, const storage::Traits& traits, Violations* violations) {
  if (request.has_ttl()) return ReadDuration(request.ttl(), traits.ttl_min, traits.ttl_max, "ttl", violations);
  violations->Add(
      Reason::kInvalidField, "ttl",
      absl::StrCat("is missing, must be from ", absl::FormatDuration(traits.ttl_min), " to ", absl::FormatDuration(traits.ttl_max)));
  return traits.ttl_min;
}

void FillLease(const storage::LeaseInfo& lease, wire::Lease* out) {
  out->set_lease_id(lease.id);
  FillDuration(lease.ttl, out->mutable_ttl());
  FillDuration(lease.remaining, out->mutable_remaining());
}

// A RenewResponse or a KeepAliveResponse.
template <typename Response>
Response RenewalsOf(const storage::Renewals& renewals, const StoreId& store_id) {
  Response response;
  response.mutable_results()->Reserve(static_cast<int>(renewals.results.size()));
  for (const storage::RenewResult& renewal : renewals.results) {
    wire::RenewResult* const result = response.add_results();
    result->set_lease_id(renewal.id);
    if (renewal.status.ok()) {
      result->set_outcome(wire::RenewResult::OUTCOME_RENEWED);
      FillDuration(renewal.ttl, result->mutable_ttl());
    } else {
      result->set_outcome(absl::IsNotFound(renewal.status) ? wire::RenewResult::OUTCOME_NOT_FOUND : wire::RenewResult::OUTCOME_FAILED);
    }
  }
  response.set_revision(renewals.revision);
  response.set_store_id(store_id);
  return response;
}

}  // namespace

absl::StatusOr<storage::GrantRequest> GrantOf(const wire::GrantRequest& request, const storage::Traits& traits) {
  Violations violations;
  storage::GrantRequest grant;
  grant.ttl = ReadTtl(request, traits, &violations);
  grant.id = ReadCount(request.lease_id(), "lease_id", &violations);
  CheckRequestId(request.request_id(), &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return grant;
}

absl::StatusOr<storage::RevokeRequest> RevokeOf(const wire::RevokeRequest& request) {
  Violations violations;
  storage::RevokeRequest revoke;
  revoke.id = ReadLeaseId(request.lease_id(), "lease_id", &violations);
  CheckRequestId(request.request_id(), &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return revoke;
}

absl::StatusOr<std::vector<LeaseId>> RenewedIdsOf(const google::protobuf::RepeatedField<int64_t>& lease_ids) {
  if (lease_ids.empty() || lease_ids.size() > limits::kLeasesPerRenewalMax) {
    return InvalidField(Reason::kInvalidField, "lease_ids",
                        absl::StrCat("are ", lease_ids.size(), ", must be from 1 to ", limits::kLeasesPerRenewalMax));
  }
  Violations violations;
  std::vector<LeaseId> ids;
  ids.reserve(lease_ids.size());
  for (int i = 0; i < lease_ids.size(); ++i) {
    if (lease_ids.Get(i) > 0) {
      ids.push_back(lease_ids.Get(i));
    } else {
      ReadLeaseId(lease_ids.Get(i), absl::StrCat("lease_ids[", i, "]"), &violations);
    }
  }
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return ids;
}

absl::StatusOr<LeaseId> LeaseIdOf(const wire::GetLeaseRequest& request) {
  Violations violations;
  const LeaseId id = ReadLeaseId(request.lease_id(), "lease_id", &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return id;
}

absl::StatusOr<LeasePage> LeasePageOf(const wire::ListLeasesRequest& request, const StoreId& store_id) {
  Violations violations;
  LeasePage page;
  page.leases_max = ReadEntriesMax(request.page_size(), "page_size", &violations);
  if (!request.page_token().empty()) {
    const absl::StatusOr<PageToken> token = DecodePageToken(request.page_token(), LeasesQuery(), store_id);
    if (token.ok()) {
      page.after = token->position.create_revision;
    } else {
      violations.Add(token.status());
    }
  }
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return page;
}

wire::GrantResponse GrantResponseOf(const storage::LeaseResult& result, const StoreId& store_id) {
  wire::GrantResponse response;
  FillLease(result.lease, response.mutable_lease());
  response.set_revision(result.revision);
  response.set_store_id(store_id);
  response.set_replayed(result.replayed);
  return response;
}

wire::RevokeResponse RevokeResponseOf(const storage::CommitResult& result, const StoreId& store_id) {
  wire::RevokeResponse response;
  if (!result.results.empty()) response.set_deleted(result.results.front().deleted);
  response.set_revision(result.revision);
  response.set_store_id(store_id);
  response.set_replayed(result.replayed);
  return response;
}

wire::RenewResponse RenewResponseOf(const storage::Renewals& renewals, const StoreId& store_id) {
  return RenewalsOf<wire::RenewResponse>(renewals, store_id);
}

wire::KeepAliveResponse KeepAliveResponseOf(const storage::Renewals& renewals, const StoreId& store_id) {
  return RenewalsOf<wire::KeepAliveResponse>(renewals, store_id);
}

wire::GetLeaseResponse GetLeaseResponseOf(const storage::LeaseResult& result, bool include_keys, const StoreId& store_id) {
  wire::GetLeaseResponse response;
  FillLease(result.lease, response.mutable_lease());
  if (include_keys) {
    response.set_key_count(static_cast<int64_t>(result.lease.keys.size()));
    size_t bytes = kAnswerSlackBytes;
    for (const Key& key : result.lease.keys) {
      bytes += key.path().size() + kBytesPerKey;
      if (bytes > limits::kAnswerBytesMax) break;
      response.add_keys(std::string(key.path()));
    }
  }
  response.set_revision(result.revision);
  response.set_store_id(store_id);
  return response;
}

wire::ListLeasesResponse ListLeasesResponseOf(const storage::LeaseList& list, const StoreId& store_id) {
  wire::ListLeasesResponse response;
  for (const storage::LeaseInfo& lease : list.leases) FillLease(lease, response.add_leases());
  if (list.more && !list.leases.empty()) {
    // A lease's id stands where a list of entries has the last one's creation.
    response.set_next_page_token(EncodePageToken({store_id, list.revision, LeasesQuery(), {Key(), list.leases.back().id}}));
  }
  response.set_revision(list.revision);
  response.set_store_id(store_id);
  return response;
}

}  // namespace scoutlight::server
