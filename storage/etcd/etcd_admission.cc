#include "storage/etcd/etcd_admission.h"

#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

size_t OperationsBytes(const std::vector<Operation>& operations) {
  size_t bytes = 0;
  for (const Operation& operation : operations) {
    const auto* put = std::get_if<PutOperation>(&operation);
    bytes += sizeof(Operation) + (put == nullptr ? 0 : put->key.path().size() + put->value.bytes.size());
  }
  return bytes;
}

}  // namespace

absl::Status EtcdAdmission::Enter(uint64_t connection, size_t bytes) {
  MutexLock lock(&mu_);
  if (connection != 0) {
    if (all_.transactions >= limits::kQueuedTransactionsMax) {
      return Overloaded(
          absl::StrCat(all_.transactions, " transactions are under way, at most ", limits::kQueuedTransactionsMax, " may be"));
    }
    if (all_.bytes + bytes > limits::kQueuedBytesMax) {
      return Overloaded(absl::StrCat("transactions of ", all_.bytes, " of at most ", limits::kQueuedBytesMax, " bytes are under way"));
    }
    Share& share = shares_[connection];
    const bool full =
        share.transactions >= limits::kQueuedTransactionsPerConnectionMax || share.bytes + bytes > limits::kQueuedBytesPerConnectionMax;
    // Not the first one: it would leave an empty share behind, and is within any.
    if (full && share.transactions > 0) {
      return Overloaded(absl::StrCat("this connection's share is used up: ", share.transactions, " of ",
                                     limits::kQueuedTransactionsPerConnectionMax, " transactions and ", share.bytes, " of ",
                                     limits::kQueuedBytesPerConnectionMax, " bytes are under way"));
    }
    ++share.transactions;
    share.bytes += bytes;
  }
  ++all_.transactions;
  all_.bytes += bytes;
  return absl::OkStatus();
}

void EtcdAdmission::Leave(uint64_t connection, size_t bytes) {
  MutexLock lock(&mu_);
  --all_.transactions;
  all_.bytes -= bytes;
  const auto found = shares_.find(connection);
  if (found == shares_.end()) return;
  found->second.bytes -= bytes;
  if (--found->second.transactions == 0) shares_.erase(found);
}

size_t EtcdAdmission::BytesOf(const Transaction& transaction) {
  size_t bytes = OperationsBytes(transaction.on_success) + OperationsBytes(transaction.on_failure);
  for (const Condition& condition : transaction.conditions) {
    bytes += sizeof(Condition) + condition.key.path().size() + condition.value.bytes.size();
  }
  return bytes;
}

}  // namespace scoutlight::storage
