#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_RENEWALS_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_RENEWALS_H_

#include <array>
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

// Renews leases over few streams to etcd, whoever asks: a lease that is waited for already is not asked for again. Each lease has its
// stream, on which etcd answers in order: one that takes long there holds up a part of the others only. When a stream breaks or is silent
// for `timeout` though it is asked, what waits on it is asked for once more over a new one, at another member, for to renew twice is as
// good as once; then it fails. What etcd refuses is the oldest's fault, and fails it alone. Used on the client's thread only.
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
    int tries = 0;
    std::vector<Place> places;
  };
  struct Stream {
    std::function<void(etcdserverpb::LeaseKeepAliveRequest)> write;  // Null: it is not open.
    std::function<void()> cancel;
    size_t member = 0;
    int64_t number = 0;         // How often it has been opened; tells what comes late.
    std::deque<int64_t> asked;  // The leases that wait on it, in order.
    absl::Duration heard;       // Since boot: when it said something, or was asked while nothing waited on it.
  };
  static constexpr size_t kStreams = 4;

  Stream& StreamOf(int64_t id) { return streams_[static_cast<uint64_t>(id) % kStreams]; }
  void Send(int64_t id);
  void Open(Stream* stream);
  EtcdClient::StreamStep OnResponse(Stream* stream, int64_t number, const etcdserverpb::LeaseKeepAliveResponse& response);
  void OnEnd(Stream* stream, int64_t number, const RpcOutcome& outcome);
  void LookAfter();
  static void Give(const std::vector<Place>& places, const Answer& answer);

  EtcdClient& client_;
  Clock& clock_;
  const absl::Duration timeout_;
  std::array<Stream, kStreams> streams_;
  bool looks_after_ = false;
  absl::flat_hash_map<int64_t, Waiting> waiting_;  // By lease.
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_RENEWALS_H_
