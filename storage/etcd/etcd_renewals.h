#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_RENEWALS_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_RENEWALS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "storage/etcd/etcd_client.h"

namespace scoutlight::storage {

// Renews leases over one stream to etcd, whoever asks: a lease that is waited for already is not asked for again. When the stream breaks or
// is silent for `timeout`, what waits is asked for once more over a new one, at another member, for to renew twice is as good as once;
// then it fails. Used on the client's thread only.
class EtcdRenewals {
 public:
  // All outlive this.
  EtcdRenewals(EtcdClient& client, Clock& clock, absl::Duration timeout) : client_(client), clock_(clock), timeout_(timeout) {}

  struct Answer {
    RpcOutcome outcome;  // kResourceExhausted: more than 100,000 leases wait.
    int64_t ttl = 0;     // Seconds; 0: there is no such lease.
  };
  // `done` gets an answer for each id, in order; inside the call if there is none.
  using Done = absl::AnyInvocable<void(std::vector<Answer>) &&>;
  void Renew(const std::vector<int64_t>& ids, Done done);

 private:
  // One call of Renew.
  struct Call {
    std::vector<Answer> answers;
    size_t open = 0;
    Done done;
  };
  struct Place {
    std::shared_ptr<Call> call;
    size_t index = 0;
  };
  struct Waiting {
    absl::Duration since;  // Since boot.
    int tries = 0;
    std::vector<Place> places;
  };

  void Send(int64_t id);
  void Open();
  EtcdClient::StreamStep OnResponse(int64_t stream, const etcdserverpb::LeaseKeepAliveResponse& response);
  void OnEnd(int64_t stream, const RpcOutcome& outcome);
  void LookAfter();
  static void Give(const std::vector<Place>& places, const Answer& answer);

  EtcdClient& client_;
  Clock& clock_;
  const absl::Duration timeout_;
  std::function<void(etcdserverpb::LeaseKeepAliveRequest)> write_;  // Null: no stream is open.
  std::function<void()> cancel_;
  size_t member_ = 0;    // Of the stream.
  int64_t streams_ = 0;  // Opened so far; tells a stream whether it is still the one.
  bool looks_after_ = false;
  absl::flat_hash_map<int64_t, Waiting> waiting_;  // By lease.
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_RENEWALS_H_
