#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_OPENING_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_OPENING_H_

#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/mutex.h"
#include "compat/etcd/rpc.pb.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/etcd/etcd_store.h"

// What opening a store and restoring one share. Here alone answers of etcd are waited for: never on the client's thread.
namespace scoutlight::storage {

// Waits for the answer to a call.
template <typename Answer>
class Waiter {
 public:
  void Take(Answer answer) {
    MutexLock lock(&mu_);
    answer_ = std::move(answer);
    changed_.NotifyAll();
  }

  Answer Wait() {
    MutexLock lock(&mu_);
    while (!answer_.has_value()) changed_.Wait(&mu_);
    return *std::exchange(answer_, std::nullopt);
  }

  // Waits for nothing.
  void Pause(absl::Duration duration) {
    MutexLock lock(&mu_);
    changed_.WaitFor(&mu_, duration);
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::optional<Answer> answer_ ABSL_GUARDED_BY(mu_);
};

EtcdClientOptions ClientOptionsOf(const EtcdStoreOptions& options);

// Asks until etcd answers, at most `options.open_timeout`. What came of an earlier try must not matter to the transaction. kUnavailable: it
// did not answer.
absl::StatusOr<etcdserverpb::TxnResponse> TxnNow(EtcdClient& client, const EtcdStoreOptions& options,
                                                 const etcdserverpb::TxnRequest& request);

// 32 hexadecimal digits.
StoreId DrawStoreId(const EtcdStoreOptions& options);

// A condition that the identity is `value`, as EtcdMapping encodes it; empty: that there is none.
etcdserverpb::Compare IdentityIs(const EtcdMapping& mapping, const std::string& value);

// The id of the store that is there; if there is none, one is made. kFailedPrecondition: a backup is being restored there, or that did not
// end; or the format is a later one.
absl::StatusOr<StoreId> FindOrMakeStore(EtcdClient& client, const EtcdMapping& mapping, const EtcdStoreOptions& options);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_OPENING_H_
