#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_CLIENT_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/limits.h"
#include "compat/etcd/rpc.pb.h"
#include "storage/etcd/serial_thread.h"

namespace scoutlight::storage {

struct EtcdClientOptions {
  std::string target;                                 // As gRPC names servers: "127.0.0.1:2379", "ipv4:10.0.0.1:2379,10.0.0.2:2379".
  Clock* clock = &Clock::System();                    // Outlives the client.
  absl::Duration call_timeout = absl::Seconds(5);     // Of a call that has one answer.
  absl::Duration drain_timeout = absl::Seconds(1);    // How long Shutdown() lets calls that have one answer come to their end.
  size_t calls_max = limits::kQueuedTransactionsMax;  // In flight; more end at once with kResourceExhausted.
};

// How a call ended: the canonical code, and etcd's words.
struct RpcOutcome {
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string message;
  bool reached_etcd = true;  // False: etcd surely never saw it. True says nothing if the code is not kOk.

  bool ok() const { return code == absl::StatusCode::kOk; }
};

// A thin client of etcd's v3 wire: requests out, answers back, nothing retried. Every callback runs on the client's thread(), in the
// order the answers came, never inside the call that took it; callbacks may make calls. Thread-safe. Nothing in it blocks but Shutdown.
class EtcdClient {
 public:
  template <typename Response>
  using Reply = absl::AnyInvocable<void(RpcOutcome, Response) &&>;

  explicit EtcdClient(EtcdClientOptions options);
  ~EtcdClient();  // As Shutdown().
  EtcdClient(const EtcdClient&) = delete;
  EtcdClient& operator=(const EtcdClient&) = delete;

  void Range(etcdserverpb::RangeRequest request, Reply<etcdserverpb::RangeResponse> reply);
  void Txn(etcdserverpb::TxnRequest request, Reply<etcdserverpb::TxnResponse> reply);
  void Compact(etcdserverpb::CompactionRequest request, Reply<etcdserverpb::CompactionResponse> reply);
  void LeaseGrant(etcdserverpb::LeaseGrantRequest request, Reply<etcdserverpb::LeaseGrantResponse> reply);
  void LeaseRevoke(etcdserverpb::LeaseRevokeRequest request, Reply<etcdserverpb::LeaseRevokeResponse> reply);
  void LeaseTimeToLive(etcdserverpb::LeaseTimeToLiveRequest request, Reply<etcdserverpb::LeaseTimeToLiveResponse> reply);
  void LeaseLeases(etcdserverpb::LeaseLeasesRequest request, Reply<etcdserverpb::LeaseLeasesResponse> reply);
  // One answer for each id, in order; fewer if the outcome is not kOk.
  void LeaseKeepAlive(std::vector<int64_t> ids, Reply<std::vector<etcdserverpb::LeaseKeepAliveResponse>> reply);

  enum class WatchStep { kGoOn, kStop };

  // What a watch tells. The next response is read from the wire only when OnResponse has returned: a slow taker holds one in memory.
  struct WatchCallbacks {
    std::function<WatchStep(etcdserverpb::WatchResponse)> on_response;
    absl::AnyInvocable<void(RpcOutcome) &&> on_end;  // The last thing called, once; after kStop too.
  };
  // Lets go of a watch; OnEnd follows. May be dropped without effect. Thread-safe.
  using CancelWatch = std::function<void()>;
  CancelWatch Watch(etcdserverpb::WatchCreateRequest request, WatchCallbacks callbacks);

  SerialThread& thread();

  // Ends watches with kCancelled, and what else is in flight after `drain_timeout`, so that a change is rarely left open; waits until every
  // callback and task has run, and stops the thread. Calls made meanwhile end with kCancelled at once. Not to be called on thread().
  void Shutdown();

 private:
  class Calls;
  const std::unique_ptr<Calls> calls_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_CLIENT_H_
