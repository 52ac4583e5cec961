#ifndef SCOUTLIGHT_SERVER_ANSWER_CONVERSION_H_
#define SCOUTLIGHT_SERVER_ANSWER_CONVERSION_H_

#include <cstdint>
#include <vector>

#include "base/entry.h"
#include "scoutlight/registry/v1/registry.pb.h"
#include "storage/store.h"
#include "storage/transaction.h"

namespace scoutlight::server {

namespace wire = ::scoutlight::registry::v1;

// From what the store gave back, all of it OK, to the answers of RegistryService.

// What an operation's result looks like: what of the operation is still needed once the store has taken it.
enum class ResultForm : uint8_t { kPut, kDelete, kGet, kList, kListKeys };
std::vector<ResultForm> FormsOf(const std::vector<storage::Operation>& operations);

// Requires an entry with a value in `page`.
wire::GetResponse GetResponseOf(storage::Page page, const StoreId& store_id);

// `query_hash`: of the list, for the token of the next page.
wire::ListResponse ListResponseOf(storage::Page page, const storage::Query& query, uint64_t query_hash, const StoreId& store_id);

wire::PutResponse PutResponseOf(storage::CommitResult result, const StoreId& store_id);
wire::DeleteResponse DeleteResponseOf(storage::CommitResult result, const StoreId& store_id);

// `forms` are those of the branch that was taken.
wire::TransactResponse TransactResponseOf(storage::CommitResult result, const std::vector<ResultForm>& forms, const StoreId& store_id);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_ANSWER_CONVERSION_H_
