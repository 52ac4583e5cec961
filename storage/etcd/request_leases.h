#ifndef SCOUTLIGHT_STORAGE_ETCD_REQUEST_LEASES_H_
#define SCOUTLIGHT_STORAGE_ETCD_REQUEST_LEASES_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/entry.h"
#include "storage/etcd/etcd_client.h"

namespace scoutlight::storage {

// The leases that the records of requests hang on, so that etcd forgets those by itself: each takes the records of a minute, at most 1,000,
// is never renewed, and ends when the last of them has been remembered for limits::kRequestIdWindow. Their ids are of a range of their own,
// which callers neither get nor may name. (Not negative: etcd before 3.4.20 and 3.5.3 loses those at a restart.) Used on the client's
// thread only.
class RequestLeases {
 public:
  // Ids from here on are of such leases.
  static constexpr LeaseId kIdsFrom = LeaseId{1} << 62;

  // `random` draws ids. All outlive this.
  RequestLeases(EtcdClient& client, Clock& clock, std::function<uint64_t()> random)
      : client_(client), clock_(clock), random_(std::move(random)) {}

  // The lease for one more record: inside the call if there is one. Not ok: etcd has not granted one.
  using Done = absl::AnyInvocable<void(const RpcOutcome&, LeaseId) &&>;
  void Get(Done done);
  // If `lease` is the one in use, the next Get() grants another: it may be gone.
  void Forget(LeaseId lease) {
    if (lease == lease_) lease_ = 0;
  }

 private:
  EtcdClient& client_;
  Clock& clock_;
  const std::function<uint64_t()> random_;
  LeaseId lease_ = 0;         // 0: none.
  absl::Duration granted_;    // Since boot.
  int records_ = 0;           // That hang on it.
  std::vector<Done> wanted_;  // While one is being granted; each is a call in flight, whose number is bounded.
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_REQUEST_LEASES_H_
