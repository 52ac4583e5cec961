#include "storage/etcd/etcd_client.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "base/connect_errno.h"
#include "base/mutex.h"
#include "compat/etcd/rpc.grpc.pb.h"

namespace scoutlight::storage {
namespace {

using etcdserverpb::LeaseKeepAliveRequest;
using etcdserverpb::LeaseKeepAliveResponse;
using etcdserverpb::WatchRequest;
using etcdserverpb::WatchResponse;

// etcd closes connections that ping more often than every 5 s.
constexpr int kKeepaliveMs = 10'000;
constexpr int kKeepaliveTimeoutMs = 5'000;
constexpr int kReconnectMinMs = 50;
constexpr int kReconnectMaxMs = 2'000;

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target) {
  KeepErrnoOfConnect();
  grpc::ChannelArguments arguments;
  // etcd bounds requests, not answers.
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMinMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  // Two clients in one process share no connection, so that ending one cannot disturb the other.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

RpcOutcome ToOutcome(const grpc::Status& status) {
  RpcOutcome outcome;
  outcome.code = static_cast<absl::StatusCode>(status.error_code());
  outcome.message = status.error_message();
  // gRPC says so when no connection could take the call; nothing was written then.
  outcome.reached_etcd =
      !(outcome.code == absl::StatusCode::kUnavailable && absl::StrContains(outcome.message, "failed to connect to all addresses"));
  return outcome;
}

}  // namespace

// What is in flight, and the gRPC side of the client.
class EtcdClient::Calls {
 public:
  explicit Calls(EtcdClientOptions options)
      : options_(std::move(options)),
        channel_(MakeChannel(options_.target)),
        kv_(etcdserverpb::KV::NewStub(channel_)),
        watch_(etcdserverpb::Watch::NewStub(channel_)),
        lease_(etcdserverpb::Lease::NewStub(channel_)),
        thread_(options_.clock) {}

  // A call in flight. Held by the map until its last callback has run on the thread.
  struct Call {
    virtual ~Call() = default;
    grpc::ClientContext context;
    bool is_endless = false;  // Ends only when it is cancelled. Constant once the call has begun.
  };

  // `start` is the stub's method: (context, request, response, callback).
  template <typename Request, typename Response, typename Start>
  void Unary(Request request, Reply<Response> reply, Start start) {
    struct UnaryCall : Call {
      Request request;
      Response response;
      Reply<Response> reply;
    };
    auto call = std::make_shared<UnaryCall>();
    call->request = std::move(request);
    call->reply = std::move(reply);
    SetDeadline(&call->context);
    if (RpcOutcome refused = Begin(call); !refused.ok()) {
      thread_.Post([call, refused] { std::move(call->reply)(refused, Response()); });
      return;
    }
    // gRPC keeps its callback a little longer than the call, on a thread of its own. A context holds the channel, and a channel that goes
    // on that thread would wait for it: so the callback holds nothing.
    start(&call->context, &call->request, &call->response, [this, open = call.get()](const grpc::Status& status) {
      thread_.Post([this, open, outcome = ToOutcome(status)] {
        AwaitBegun();
        std::move(open->reply)(outcome, std::move(open->response));
        End(open);
      });
    });
  }

  void KeepAlive(std::vector<int64_t> ids, Reply<std::vector<LeaseKeepAliveResponse>> reply);
  CancelWatch Watch(etcdserverpb::WatchCreateRequest request, WatchCallbacks callbacks);

  void Shutdown() {
    {
      MutexLock lock(&mu_);
      closing_ = true;
    }
    Cancel([](const Call& call) { return call.is_endless; });
    const absl::Duration deadline = options_.clock->SinceBoot() + options_.drain_timeout;
    {
      MutexLock lock(&mu_);
      for (absl::Duration left = options_.drain_timeout; !calls_.empty() && left > absl::ZeroDuration();
           left = deadline - options_.clock->SinceBoot()) {
        idle_.WaitFor(&mu_, left);
      }
    }
    Cancel([](const Call&) { return true; });
    {
      MutexLock lock(&mu_);
      while (!calls_.empty()) idle_.Wait(&mu_);
    }
    thread_.Stop();
  }

  etcdserverpb::KV::StubInterface::async_interface* kv() { return kv_->async(); }
  etcdserverpb::Lease::StubInterface::async_interface* lease() { return lease_->async(); }
  SerialThread& thread() { return thread_; }

 private:
  class KeepAliveCall;
  class WatchCall;

  // Not ok: the call must not be made.
  RpcOutcome Begin(std::shared_ptr<Call> call) {
    MutexLock lock(&mu_);
    if (closing_) return {absl::StatusCode::kCancelled, "the client is closing", /*reached_etcd=*/false};
    if (calls_.size() >= options_.calls_max) return {absl::StatusCode::kResourceExhausted, "too many calls in flight", false};
    const Call* const key = call.get();
    calls_.emplace(key, std::move(call));
    return {};
  }

  // Orders what was done to a call before Begin() before what follows. gRPC does too, but its own locks are invisible to ThreadSanitizer.
  void AwaitBegun() { MutexLock lock(&mu_); }

  void End(const Call* call) {
    std::shared_ptr<Call> ended;  // Goes when the lock has gone.
    MutexLock lock(&mu_);
    const auto found = calls_.find(call);
    ended = std::move(found->second);
    calls_.erase(found);
    if (calls_.empty()) idle_.NotifyAll();
  }

  template <typename Predicate>
  void Cancel(Predicate predicate) {
    std::vector<std::shared_ptr<Call>> open;
    {
      MutexLock lock(&mu_);
      for (const auto& [unused, call] : calls_) {
        if (predicate(*call)) open.push_back(call);
      }
    }
    for (const std::shared_ptr<Call>& call : open) call->context.TryCancel();
  }

  void SetDeadline(grpc::ClientContext* context) const {
    context->set_deadline(gpr_time_from_millis(absl::ToInt64Milliseconds(options_.call_timeout), GPR_TIMESPAN));
  }

  const EtcdClientOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<etcdserverpb::KV::Stub> kv_;
  const std::unique_ptr<etcdserverpb::Watch::Stub> watch_;
  const std::unique_ptr<etcdserverpb::Lease::Stub> lease_;
  SerialThread thread_;
  Mutex mu_;
  CondVar idle_;
  absl::flat_hash_map<const Call*, std::shared_ptr<Call>> calls_ ABSL_GUARDED_BY(mu_);
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
};

// Writes one id after the other and reads as many answers.
class EtcdClient::Calls::KeepAliveCall : public Call,
                                         public grpc::ClientBidiReactor<LeaseKeepAliveRequest, LeaseKeepAliveResponse>,
                                         public std::enable_shared_from_this<KeepAliveCall> {
 public:
  KeepAliveCall(Calls* calls, std::vector<int64_t> ids, Reply<std::vector<LeaseKeepAliveResponse>> reply)
      : calls_(*calls), ids_(std::move(ids)), reply_(std::move(reply)) {}

  void Start() {
    self_ = shared_from_this();
    calls_.lease()->LeaseKeepAlive(&context, this);
    WriteNext();
    StartRead(&response_);
    StartCall();
  }

  void Refuse(const RpcOutcome& refused) { std::move(reply_)(refused, {}); }

 private:
  void WriteNext() {
    if (written_ == ids_.size()) {
      StartWritesDone();
      return;
    }
    request_.set_id(ids_[written_++]);
    StartWrite(&request_);
  }

  void OnWriteDone(bool ok) override {
    if (ok) WriteNext();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    answers_.push_back(std::move(response_));
    StartRead(&response_);
  }

  void OnDone(const grpc::Status& status) override {
    RpcOutcome outcome = ToOutcome(status);
    if (outcome.ok() && answers_.size() < ids_.size()) outcome = {absl::StatusCode::kUnavailable, "etcd ended the stream early", true};
    calls_.thread_.Post([self = std::move(self_), outcome] {
      self->calls_.AwaitBegun();
      std::move(self->reply_)(outcome, std::move(self->answers_));
      self->calls_.End(self.get());
    });
  }

  Calls& calls_;
  const std::vector<int64_t> ids_;
  Reply<std::vector<LeaseKeepAliveResponse>> reply_;
  size_t written_ = 0;
  LeaseKeepAliveRequest request_;
  LeaseKeepAliveResponse response_;
  std::vector<LeaseKeepAliveResponse> answers_;
  std::shared_ptr<KeepAliveCall> self_;  // Until OnDone.
};

// Reads one response, gives it to the thread, reads the next when that has taken it. A hold keeps OnDone away meanwhile.
class EtcdClient::Calls::WatchCall : public Call,
                                     public grpc::ClientBidiReactor<WatchRequest, WatchResponse>,
                                     public std::enable_shared_from_this<WatchCall> {
 public:
  WatchCall(Calls* calls, etcdserverpb::WatchCreateRequest request, WatchCallbacks callbacks)
      : calls_(*calls), callbacks_(std::move(callbacks)) {
    *request_.mutable_create_request() = std::move(request);
    is_endless = true;
    // A member without a leader ends the stream instead of staying silent.
    context.AddMetadata("hasleader", "true");
  }

  void Start() {
    self_ = shared_from_this();
    calls_.watch_->async()->Watch(&context, this);
    StartWrite(&request_);
    StartRead(&response_);
    AddHold();
    StartCall();
  }

  void Refuse(const RpcOutcome& refused) { std::move(callbacks_.on_end)(refused); }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) {
      RemoveHold();
      return;
    }
    calls_.thread_.Post([this] {
      calls_.AwaitBegun();
      if (!stopped_ && callbacks_.on_response(std::move(response_)) == WatchStep::kStop) {
        stopped_ = true;
        context.TryCancel();
      }
      response_.Clear();
      StartRead(&response_);
    });
  }

  void OnDone(const grpc::Status& status) override {
    calls_.thread_.Post([self = std::move(self_), outcome = ToOutcome(status)] {
      std::move(self->callbacks_.on_end)(outcome);
      self->callbacks_ = {};
      self->calls_.End(self.get());
    });
  }

  Calls& calls_;
  WatchCallbacks callbacks_;
  WatchRequest request_;
  WatchResponse response_;
  bool stopped_ = false;             // Used on the thread only.
  std::shared_ptr<WatchCall> self_;  // Until OnDone.
};

void EtcdClient::Calls::KeepAlive(std::vector<int64_t> ids, Reply<std::vector<LeaseKeepAliveResponse>> reply) {
  auto call = std::make_shared<KeepAliveCall>(this, std::move(ids), std::move(reply));
  if (RpcOutcome refused = Begin(call); !refused.ok()) {
    thread_.Post([call, refused] { call->Refuse(refused); });
    return;
  }
  SetDeadline(&call->context);
  call->Start();
}

EtcdClient::CancelWatch EtcdClient::Calls::Watch(etcdserverpb::WatchCreateRequest request, WatchCallbacks callbacks) {
  auto call = std::make_shared<WatchCall>(this, std::move(request), std::move(callbacks));
  if (RpcOutcome refused = Begin(call); !refused.ok()) {
    thread_.Post([call, refused] { call->Refuse(refused); });
    return [] {};
  }
  call->Start();
  return [weak = std::weak_ptr<WatchCall>(call)] {
    if (std::shared_ptr<WatchCall> open = weak.lock()) open->context.TryCancel();
  };
}

EtcdClient::EtcdClient(EtcdClientOptions options) : calls_(std::make_unique<Calls>(std::move(options))) {}
EtcdClient::~EtcdClient() { Shutdown(); }

void EtcdClient::Range(etcdserverpb::RangeRequest request, Reply<etcdserverpb::RangeResponse> reply) {
  calls_->Unary(std::move(request), std::move(reply), [stub = calls_->kv()](auto... arguments) { stub->Range(arguments...); });
}

void EtcdClient::Txn(etcdserverpb::TxnRequest request, Reply<etcdserverpb::TxnResponse> reply) {
  calls_->Unary(std::move(request), std::move(reply), [stub = calls_->kv()](auto... arguments) { stub->Txn(arguments...); });
}

void EtcdClient::Compact(etcdserverpb::CompactionRequest request, Reply<etcdserverpb::CompactionResponse> reply) {
  calls_->Unary(std::move(request), std::move(reply), [stub = calls_->kv()](auto... arguments) { stub->Compact(arguments...); });
}

void EtcdClient::LeaseGrant(etcdserverpb::LeaseGrantRequest request, Reply<etcdserverpb::LeaseGrantResponse> reply) {
  calls_->Unary(std::move(request), std::move(reply), [stub = calls_->lease()](auto... arguments) { stub->LeaseGrant(arguments...); });
}

void EtcdClient::LeaseRevoke(etcdserverpb::LeaseRevokeRequest request, Reply<etcdserverpb::LeaseRevokeResponse> reply) {
  calls_->Unary(std::move(request), std::move(reply), [stub = calls_->lease()](auto... arguments) { stub->LeaseRevoke(arguments...); });
}

void EtcdClient::LeaseTimeToLive(etcdserverpb::LeaseTimeToLiveRequest request, Reply<etcdserverpb::LeaseTimeToLiveResponse> reply) {
  calls_->Unary(std::move(request), std::move(reply), [stub = calls_->lease()](auto... arguments) { stub->LeaseTimeToLive(arguments...); });
}

void EtcdClient::LeaseLeases(etcdserverpb::LeaseLeasesRequest request, Reply<etcdserverpb::LeaseLeasesResponse> reply) {
  calls_->Unary(std::move(request), std::move(reply), [stub = calls_->lease()](auto... arguments) { stub->LeaseLeases(arguments...); });
}

void EtcdClient::LeaseKeepAlive(std::vector<int64_t> ids, Reply<std::vector<etcdserverpb::LeaseKeepAliveResponse>> reply) {
  calls_->KeepAlive(std::move(ids), std::move(reply));
}

EtcdClient::CancelWatch EtcdClient::Watch(etcdserverpb::WatchCreateRequest request, WatchCallbacks callbacks) {
  return calls_->Watch(std::move(request), std::move(callbacks));
}

SerialThread& EtcdClient::thread() { return calls_->thread(); }

void EtcdClient::Shutdown() { calls_->Shutdown(); }

}  // namespace scoutlight::storage
