#ifndef SCOUTLIGHT_STORAGE_CHECK_TRANSACTION_H_
#define SCOUTLIGHT_STORAGE_CHECK_TRANSACTION_H_

#include "absl/status/status.h"
#include "storage/store.h"
#include "storage/transaction.h"

namespace scoutlight::storage {

// Checks what can be told from a transaction alone, on both branches: numbers of conditions and operations against `traits`, sizes of
// values, no root written, no key written twice (a put twice, or a put in a range that is deleted; overlapping deletes are fine),
// combinations that make no sense. kInvalidArgument names every wrong field: "conditions[1].key", "on_success[3].put.key".
absl::Status CheckTransaction(const Transaction& transaction, const Traits& traits);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_CHECK_TRANSACTION_H_
