#ifndef SCOUTLIGHT_STORAGE_TESTING_MODEL_COMPARISON_H_
#define SCOUTLIGHT_STORAGE_TESTING_MODEL_COMPARISON_H_

#include "absl/status/status.h"
#include "storage/store.h"
#include "storage/transaction.h"

// Whether a store answered as ReferenceModel does: of failures code and Reason, of answers everything.
namespace scoutlight::storage {

bool SameFailure(const absl::Status& a, const absl::Status& b);
bool Same(const CommitResult& a, const CommitResult& b);
bool Same(const Page& a, const Page& b);

// Without what is not promised: which of the nodes returned as they were before have something below them.
CommitResult Normalized(const Transaction& transaction, CommitResult result);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_MODEL_COMPARISON_H_
