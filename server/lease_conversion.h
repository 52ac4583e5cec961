#ifndef SCOUTLIGHT_SERVER_LEASE_CONVERSION_H_
#define SCOUTLIGHT_SERVER_LEASE_CONVERSION_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "base/entry.h"
#include "base/key.h"
#include "scoutlight/registry/v1/lease.pb.h"
#include "storage/store.h"

namespace scoutlight::server {

// Between LeaseService's messages and the store's terms. From requests: kInvalidArgument names every field that breaks a rule, with the
// limit and the value; an origin is left empty.

absl::StatusOr<storage::GrantRequest> GrantOf(const registry::v1::GrantRequest& request, const storage::Traits& traits);
absl::StatusOr<storage::RevokeRequest> RevokeOf(const registry::v1::RevokeRequest& request);
// Of a RenewRequest or a KeepAliveRequest.
absl::StatusOr<std::vector<LeaseId>> RenewedIdsOf(const google::protobuf::RepeatedField<int64_t>& lease_ids);
absl::StatusOr<LeaseId> LeaseIdOf(const registry::v1::GetLeaseRequest& request);

struct LeasePage {
  LeaseId after = 0;
  int leases_max = 1;
};
// `store_id`: whose page tokens are good.
absl::StatusOr<LeasePage> LeasePageOf(const registry::v1::ListLeasesRequest& request, const StoreId& store_id);

registry::v1::GrantResponse GrantResponseOf(const storage::LeaseResult& result, const StoreId& store_id);
registry::v1::RevokeResponse RevokeResponseOf(const storage::CommitResult& result, const StoreId& store_id);
registry::v1::RenewResponse RenewResponseOf(const storage::Renewals& renewals, const StoreId& store_id);
registry::v1::KeepAliveResponse KeepAliveResponseOf(const storage::Renewals& renewals, const StoreId& store_id);
// `include_keys`: as many as fit.
registry::v1::GetLeaseResponse GetLeaseResponseOf(const storage::LeaseResult& result, bool include_keys, const StoreId& store_id);
registry::v1::ListLeasesResponse ListLeasesResponseOf(const storage::LeaseList& list, const StoreId& store_id);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_LEASE_CONVERSION_H_
