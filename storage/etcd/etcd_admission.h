#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_ADMISSION_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_ADMISSION_H_

#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "storage/transaction.h"

namespace scoutlight::storage {

// Bounds the transactions under way, in number and bytes, in all and for each connection, as the write queue of local stores does: so that
// one connection cannot use up the calls to etcd. Connection 0 is the server itself: without a share. Thread-safe.
class EtcdAdmission {
 public:
  // kResourceExhausted, Reason::kOverloaded: full. OK: Leave() follows, with the same numbers.
  absl::Status Enter(uint64_t connection, size_t bytes);
  void Leave(uint64_t connection, size_t bytes);

  static size_t BytesOf(const Transaction& transaction);

 private:
  struct Share {
    int transactions = 0;
    size_t bytes = 0;
  };

  Mutex mu_;
  Share all_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<uint64_t, Share> shares_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_ADMISSION_H_
