#ifndef SCOUTLIGHT_SERVER_REQUEST_CONVERSION_H_
#define SCOUTLIGHT_SERVER_REQUEST_CONVERSION_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "base/entry.h"
#include "base/key.h"
#include "scoutlight/registry/v1/registry.pb.h"
#include "storage/store.h"
#include "storage/transaction.h"

namespace scoutlight::server {

namespace wire = ::scoutlight::registry::v1;

// From requests of RegistryService to the store's terms. kInvalidArgument names every field that breaks a rule of its own, with the
// limit and the value; rules between the operations of a transaction (storage::CheckTransaction) are looked at when those hold. Origin
// is left empty but for the request id.

absl::StatusOr<storage::Query> QueryOf(const wire::GetRequest& request);

struct ListQuery {
  storage::Query query;
  uint64_t query_hash = 0;  // Of the list that the pages belong to: for page tokens.
};
// `store_id`: whose page tokens are good.
absl::StatusOr<ListQuery> ListQueryOf(const wire::ListRequest& request, const StoreId& store_id);

// A put and a delete become the sole operation of a transaction; the store puts these before the fields it complains of.
inline constexpr absl::string_view kSolePut = "on_success[0].put.";
inline constexpr absl::string_view kSoleDelete = "on_success[0].delete.";
absl::StatusOr<storage::Transaction> TransactionOf(const wire::PutRequest& request, const storage::Traits& traits);
absl::StatusOr<storage::Transaction> TransactionOf(const wire::DeleteRequest& request, const storage::Traits& traits);
absl::StatusOr<storage::Transaction> TransactionOf(const wire::TransactRequest& request, const storage::Traits& traits);

// What a converted request touches, for authorization: each range named in it, in order.
std::vector<KeyRange> RangesOf(const storage::Query& query);
std::vector<KeyRange> RangesOf(const ListQuery& list);
std::vector<KeyRange> RangesOf(const storage::Transaction& transaction);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_REQUEST_CONVERSION_H_
