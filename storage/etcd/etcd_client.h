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
#include "compat/etcd/rpc.pb.h"
#include "storage/etcd/serial_thread.h"

namespace scoutlight::storage {

// What the connections to etcd are made with. PEM, not names of files. All empty: no TLS.
struct EtcdTls {
  std::string ca;           // Empty: the system's.
  std::string certificate;  // Of this client, with its key; empty: none.
  std::string key;
  bool enabled = false;
};

struct EtcdClientOptions {
  std::vector<std::string> endpoints;  // "host:port", at least one.
  EtcdTls tls;
  std::string user;                                 // Empty: none.
  std::string password;                             // With `user`.
  Clock* clock = &Clock::System();                  // Outlives the client.
  absl::Duration call_timeout = absl::Seconds(5);   // Of a call that has one answer, all its tries together.
  absl::Duration drain_timeout = absl::Seconds(1);  // How long Shutdown() lets calls that have one answer come to their end.
  size_t calls_max = 64 * 1024;                     // In flight; more end at once with kResourceExhausted. Users bound theirs before.
};

// How a call ended: the canonical code, and etcd's words.
struct RpcOutcome {
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string message;
  bool reached_etcd = true;  // False: etcd surely did not take it. True says nothing if the code is not kOk.

  bool ok() const { return code == absl::StatusCode::kOk; }
};

// A thin client of etcd's v3 wire over the members of one cluster: requests out, answers back. All calls go to one member; when that does
// not answer, to the next, and so on in a ring. Every callback is a task of thread(), in the order the answers came, never inside
// the call that took it; callbacks may make calls. Thread-safe. Nothing in it blocks but Shutdown.
//
// A call that no member took is tried again, at the next one, until `call_timeout` is over; one that may have been taken only if it is
// Repeat::kAnytime.
class EtcdClient {
 public:
  template <typename Response>
  using Reply = absl::AnyInvocable<void(RpcOutcome, Response) &&>;

  enum class Repeat {
    kAnytime,   // Doing it twice is as good as once.
    kIfUnsent,  // Only if etcd surely did not take it.
  };

  explicit EtcdClient(EtcdClientOptions options);
  ~EtcdClient();  // As Shutdown().
  EtcdClient(const EtcdClient&) = delete;
  EtcdClient& operator=(const EtcdClient&) = delete;

  void Range(etcdserverpb::RangeRequest request, Reply<etcdserverpb::RangeResponse> reply);
  void Txn(etcdserverpb::TxnRequest request, Repeat repeat, Reply<etcdserverpb::TxnResponse> reply);
  void Compact(etcdserverpb::CompactionRequest request, Reply<etcdserverpb::CompactionResponse> reply);
  // `request` names the id; a repetition may find that the lease is there.
  void LeaseGrant(etcdserverpb::LeaseGrantRequest request, Repeat repeat, Reply<etcdserverpb::LeaseGrantResponse> reply);
  void LeaseRevoke(etcdserverpb::LeaseRevokeRequest request, Reply<etcdserverpb::LeaseRevokeResponse> reply);
  void LeaseTimeToLive(etcdserverpb::LeaseTimeToLiveRequest request, Reply<etcdserverpb::LeaseTimeToLiveResponse> reply);
  void LeaseLeases(etcdserverpb::LeaseLeasesRequest request, Reply<etcdserverpb::LeaseLeasesResponse> reply);

  // kPause: nothing is read until the stream is resumed.
  enum class StreamStep { kGoOn, kPause, kStop };

  // What a stream tells. The next response is read from the wire only when on_response has returned: a slow taker holds one in memory.
  template <typename Response>
  struct StreamCallbacks {
    std::function<StreamStep(Response)> on_response;
    absl::AnyInvocable<void(RpcOutcome) &&> on_end;  // The last thing called, once; after kStop too.
  };

  // A stream that is open, or on its way. May be dropped without effect; calls after its end have none. Thread-safe.
  template <typename Request>
  struct Stream {
    std::function<void(Request)> write;  // One after the other; what waits to be written is kept, so the caller bounds it.
    std::function<void()> cancel;        // on_end follows.
    std::function<void()> resume;        // After kPause; else nothing happens.
    size_t member = 0;                   // For LeaveMember.
  };
  using WatchCallbacks = StreamCallbacks<etcdserverpb::WatchResponse>;
  using KeepAliveCallbacks = StreamCallbacks<etcdserverpb::LeaseKeepAliveResponse>;

  Stream<etcdserverpb::WatchRequest> Watch(etcdserverpb::WatchCreateRequest request, WatchCallbacks callbacks);
  Stream<etcdserverpb::LeaseKeepAliveRequest> LeaseKeepAlive(KeepAliveCallbacks callbacks);

  // From now on calls and streams go to the next member, if they still go to this one: for who finds that a stream is silent.
  void LeaveMember(size_t member);
  // That which calls go to now.
  std::string member() const;

  SerialThread& thread();

  // Ends streams with kCancelled, and what else is in flight after `drain_timeout`, so that a change is rarely left open; waits until every
  // callback and task has run, and stops the thread. Calls made meanwhile end with kCancelled at once. Not to be called on thread().
  void Shutdown();

 private:
  class Calls;
  const std::unique_ptr<Calls> calls_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_CLIENT_H_
