#include "storage/etcd/etcd_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "base/mutex.h"
#include "compat/etcd/rpc.grpc.pb.h"
#include "storage/etcd/etcd_members.h"

namespace scoutlight::storage {
namespace {

using etcdserverpb::LeaseKeepAliveRequest;
using etcdserverpb::LeaseKeepAliveResponse;
using etcdserverpb::WatchRequest;
using etcdserverpb::WatchResponse;

// Between two rounds over all members.
constexpr absl::Duration kRoundPause = absl::Milliseconds(50);

RpcOutcome ToOutcome(const grpc::Status& status) {
  RpcOutcome outcome;
  outcome.code = static_cast<absl::StatusCode>(status.error_code());
  outcome.message = status.error_message();
  // gRPC says the one when no connection could take the call; nothing was written then. The other is what a member without a leader says
  // in front of everything else, for it is asked to.
  outcome.reached_etcd =
      !(outcome.code == absl::StatusCode::kUnavailable &&
        (absl::StrContains(outcome.message, "failed to connect to all addresses") || outcome.message == "etcdserver: no leader"));
  return outcome;
}

// Whether another member may do better.
bool IsMembersFault(const RpcOutcome& outcome) {
  return outcome.code == absl::StatusCode::kUnavailable || outcome.code == absl::StatusCode::kDeadlineExceeded;
}

// Tokens end by time, and with a change of users. etcd looks at them before anything else.
bool WantsToken(const RpcOutcome& outcome) {
  return outcome.code == absl::StatusCode::kUnauthenticated ||
         (outcome.code == absl::StatusCode::kInvalidArgument &&
          (absl::StrContains(outcome.message, "user name is empty") || absl::StrContains(outcome.message, "auth store is old")));
}

}  // namespace

// What is in flight, and the gRPC side of the client.
class EtcdClient::Calls {
 public:
  explicit Calls(EtcdClientOptions options) : options_(std::move(options)), members_(options_), thread_(options_.clock) {}

  // A call in flight. Held by the map until its last callback has run on the thread.
  struct Call {
    virtual ~Call() = default;
    // Goes on reading, if it has paused. On the thread only.
    virtual void Resume() {}
    std::shared_ptr<grpc::ClientContext> context;  // Of the try under way; guarded by mu_ once the call has begun.
    bool is_endless = false;                       // Ends only when it is cancelled. Constant once the call has begun.
    size_t member = 0;                             // Which it went to. Used on the thread only, once the call has begun.
  };

  // `start` is the stub's method: (member, context, request, response, callback).
  // What is done about a call that etcd refuses for want of a token.
  enum class WithoutToken { kAsks, kFails };

  template <typename Request, typename Response, typename Start>
  void Unary(Request request, Repeat repeat, Reply<Response> reply, Start start, WithoutToken without_token = WithoutToken::kAsks) {
    auto call = std::make_shared<UnaryCall<Request, Response, Start>>(std::move(request), repeat, std::move(reply), std::move(start));
    call->has_asked_token = without_token == WithoutToken::kFails;
    call->until = options_.clock->SinceBoot() + options_.call_timeout;
    if (RpcOutcome refused = Begin(call); !refused.ok()) {
      thread_.Post([call, refused] { std::move(call->reply)(refused, Response()); });
      return;
    }
    Try(call.get());
  }

  Stream<WatchRequest> Watch(etcdserverpb::WatchCreateRequest create, WatchCallbacks callbacks);
  Stream<LeaseKeepAliveRequest> KeepAlive(KeepAliveCallbacks callbacks);

  void Shutdown();

  EtcdMembers& members() { return members_; }
  SerialThread& thread() { return thread_; }

 private:
  template <typename Request, typename Response>
  class StreamCall;

  template <typename Request, typename Response, typename Start>
  struct UnaryCall : Call {
    UnaryCall(Request request, Repeat repeat, Reply<Response> reply, Start start)
        : request(std::move(request)), repeat(repeat), reply(std::move(reply)), start(std::move(start)) {}

    const Request request;
    const Repeat repeat;
    Reply<Response> reply;
    Start start;
    Response response;
    absl::Duration until;  // Since boot.
    size_t tries = 0;
    bool has_asked_token = false;
  };

  // Requires that the call has begun and that no try of it is under way.
  template <typename UnaryCallOf>
  void Try(UnaryCallOf* call) {
    call->member = members_.in_use();
    ++call->tries;
    call->response.Clear();
    const absl::Duration left = call->until - options_.clock->SinceBoot();
    // A silent member leaves time for another one.
    const bool may_go_on = call->repeat == Repeat::kAnytime && members_.size() > 1;
    std::shared_ptr<grpc::ClientContext> context = NewContext(may_go_on ? std::min(left, options_.call_timeout * 2 / 5) : left);
    {
      MutexLock lock(&mu_);
      call->context = context;
      // Who cancels all has passed by.
      if (cancelled_) context->TryCancel();
    }
    // gRPC keeps its callback a little longer than the call, on a thread of its own. A context holds the channel, and a channel that goes
    // on that thread would wait for it: so the callback holds nothing.
    call->start(members_.at(call->member), context.get(), &call->request, &call->response, [this, call](const grpc::Status& status) {
      thread_.RunOrPost([this, call, outcome = ToOutcome(status)] {
        AwaitBegun();
        Tried(call, outcome);
      });
    });
  }

  template <typename UnaryCallOf>
  void Tried(UnaryCallOf* call, const RpcOutcome& outcome) {
    const bool time_left = options_.clock->SinceBoot() < call->until && !closing();
    if (WantsToken(outcome) && !options_.user.empty() && !call->has_asked_token && time_left) {
      call->has_asked_token = true;
      return Authenticate([this, call](const RpcOutcome& asked) { asked.ok() ? Try(call) : Answer(call, asked); });
    }
    if (IsMembersFault(outcome)) members_.Leave(call->member);
    const bool may_repeat = !outcome.reached_etcd || call->repeat == Repeat::kAnytime;
    if (!IsMembersFault(outcome) || !may_repeat || !time_left) return Answer(call, outcome);
    if (call->tries % members_.size() != 0) return Try(call);
    thread_.PostAfter(kRoundPause, [this, call, outcome] { closing() ? Answer(call, outcome) : Try(call); });
  }

  template <typename UnaryCallOf>
  void Answer(UnaryCallOf* call, const RpcOutcome& outcome) {
    std::move(call->reply)(outcome, std::move(call->response));
    End(call);
  }

  // Gets a new token; those who ask meanwhile share the answer. On the thread only.
  void Authenticate(absl::AnyInvocable<void(const RpcOutcome&) &&> then);

  std::shared_ptr<grpc::ClientContext> NewContext(absl::Duration timeout) {
    auto context = std::make_shared<grpc::ClientContext>();
    // A member without a leader says so at once, instead of staying silent.
    context->AddMetadata("hasleader", "true");
    if (timeout != absl::InfiniteDuration()) {
      context->set_deadline(gpr_time_from_millis(std::max<int64_t>(absl::ToInt64Milliseconds(timeout), 1), GPR_TIMESPAN));
    }
    MutexLock lock(&mu_);
    if (!token_.empty()) context->AddMetadata("token", token_);
    return context;
  }

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

  bool closing() {
    MutexLock lock(&mu_);
    return closing_;
  }

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
    std::vector<std::shared_ptr<grpc::ClientContext>> open;
    {
      MutexLock lock(&mu_);
      for (const auto& [unused, call] : calls_) {
        if (predicate(*call) && call->context != nullptr) open.push_back(call->context);
      }
    }
    for (const std::shared_ptr<grpc::ClientContext>& context : open) context->TryCancel();
  }

  // Of streams that have paused, so that they notice their end.
  void ResumeAll();

  const EtcdClientOptions options_;
  EtcdMembers members_;
  SerialThread thread_;
  std::vector<absl::AnyInvocable<void(const RpcOutcome&) &&>> token_wanted_;  // Used on the thread only.
  Mutex mu_;
  CondVar idle_;
  absl::flat_hash_map<const Call*, std::shared_ptr<Call>> calls_ ABSL_GUARDED_BY(mu_);
  std::string token_ ABSL_GUARDED_BY(mu_);
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
};

void EtcdClient::Calls::Authenticate(absl::AnyInvocable<void(const RpcOutcome&) &&> then) {
  token_wanted_.push_back(std::move(then));
  if (token_wanted_.size() > 1) return;
  etcdserverpb::AuthenticateRequest request;
  request.set_name(options_.user);
  request.set_password(options_.password);
  // An old token would be refused in front of the question for a new one.
  {
    MutexLock lock(&mu_);
    token_ = "";
  }
  const auto reply = [this](const RpcOutcome& outcome, const etcdserverpb::AuthenticateResponse& response) {
    {
      MutexLock lock(&mu_);
      token_ = response.token();
    }
    for (auto& waiting : std::exchange(token_wanted_, {})) std::move(waiting)(outcome);
  };
  Unary(
      std::move(request), Repeat::kAnytime, Reply<etcdserverpb::AuthenticateResponse>(reply),
      [](const EtcdMember& member, auto... arguments) { member.auth->async()->Authenticate(arguments...); }, WithoutToken::kFails);
}

void EtcdClient::Calls::ResumeAll() {
  std::vector<std::shared_ptr<Call>> calls;
  {
    MutexLock lock(&mu_);
    for (const auto& [unused, call] : calls_) calls.push_back(call);
  }
  for (const std::shared_ptr<Call>& call : calls) call->Resume();
}

void EtcdClient::Calls::Shutdown() {
  {
    MutexLock lock(&mu_);
    closing_ = true;
  }
  Cancel([](const Call& call) { return call.is_endless; });
  thread_.Post([this] { ResumeAll(); });
  const absl::Duration deadline = options_.clock->SinceBoot() + options_.drain_timeout;
  {
    MutexLock lock(&mu_);
    for (absl::Duration left = options_.drain_timeout; !calls_.empty() && left > absl::ZeroDuration();
         left = deadline - options_.clock->SinceBoot()) {
      idle_.WaitFor(&mu_, left);
    }
    cancelled_ = true;
  }
  Cancel([](const Call&) { return true; });
  {
    MutexLock lock(&mu_);
    while (!calls_.empty()) idle_.Wait(&mu_);
  }
  thread_.Stop();
}

// Reads one response, gives it to the thread, reads the next when that has taken it; writes what is given, one after the other. A hold
// keeps OnDone away meanwhile.
template <typename Request, typename Response>
class EtcdClient::Calls::StreamCall : public Call,
                                      public grpc::ClientBidiReactor<Request, Response>,
                                      public std::enable_shared_from_this<StreamCall<Request, Response>> {
 public:
  StreamCall(Calls* calls, StreamCallbacks<Response> callbacks) : calls_(*calls), callbacks_(std::move(callbacks)) {
    is_endless = true;
    member = calls_.members_.in_use();
    context = calls_.NewContext(absl::InfiniteDuration());
  }

  // `open` is the stub's method: (member, context, reactor).
  template <typename Open>
  Stream<Request> Start(Open open) {
    self_ = this->shared_from_this();
    // Before the call begins: its end, on another thread, takes self_.
    const std::weak_ptr<StreamCall> weak = self_;
    open(calls_.members_.at(member), context.get(), this);
    this->StartRead(&response_);
    this->AddHold();
    this->StartCall();
    return {[weak](Request request) {
              if (std::shared_ptr<StreamCall> stream = weak.lock()) stream->Write(std::move(request));
            },
            [weak] {
              if (std::shared_ptr<StreamCall> stream = weak.lock()) stream->Cancel();
            },
            [weak] {
              if (std::shared_ptr<StreamCall> stream = weak.lock()) stream->PostResume();
            },
            member};
  }

  void Refuse(const RpcOutcome& refused) { std::move(callbacks_.on_end)(refused); }

  void Resume() override {
    if (std::exchange(paused_, false)) this->StartRead(&response_);
  }

  void Write(Request request) {
    MutexLock lock(&mu_);
    if (!writable_) return;
    waiting_.push_back(std::move(request));
    if (waiting_.size() == 1) this->StartWrite(&waiting_.front());
  }

 private:
  void OnWriteDone(bool ok) override {
    MutexLock lock(&mu_);
    writable_ = ok && writable_;
    waiting_.pop_front();
    if (writable_ && !waiting_.empty()) this->StartWrite(&waiting_.front());
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      {
        MutexLock lock(&mu_);
        writable_ = false;
      }
      this->RemoveHold();
      return;
    }
    calls_.thread_.RunOrPost([this] {
      calls_.AwaitBegun();
      const StreamStep step = stopped_ ? StreamStep::kStop : callbacks_.on_response(std::move(response_));
      if (step == StreamStep::kStop && !std::exchange(stopped_, true)) context->TryCancel();
      response_.Clear();
      // The end of a stream shows only to who reads.
      paused_ = step == StreamStep::kPause && !calls_.closing();
      if (!paused_) this->StartRead(&response_);
    });
  }

  void OnDone(const grpc::Status& status) override {
    calls_.thread_.Post([self = std::move(self_), outcome = ToOutcome(status)] {
      self->calls_.AwaitBegun();
      // Not if this client has ended it, nor if it never was there.
      if (!self->stopped_ && IsMembersFault(outcome)) self->calls_.members_.Leave(self->member);
      std::move(self->callbacks_.on_end)(outcome);
      self->callbacks_ = {};
      self->calls_.End(self.get());
    });
  }

  void Cancel() {
    context->TryCancel();
    PostResume();
  }

  void PostResume() {
    calls_.thread_.Post([self = this->shared_from_this()] { self->Resume(); });
  }

  Calls& calls_;
  StreamCallbacks<Response> callbacks_;
  Response response_;
  bool stopped_ = false;  // Used on the thread only.
  bool paused_ = false;   // Likewise.
  Mutex mu_;              // Held when gRPC is called to write: it calls back on threads of its own.
  bool writable_ ABSL_GUARDED_BY(mu_) = true;
  std::deque<Request> waiting_ ABSL_GUARDED_BY(mu_);  // The first is being written.
  std::shared_ptr<StreamCall> self_;                  // Until OnDone.
};

EtcdClient::Stream<WatchRequest> EtcdClient::Calls::Watch(etcdserverpb::WatchCreateRequest create, WatchCallbacks callbacks) {
  auto call = std::make_shared<StreamCall<WatchRequest, WatchResponse>>(this, std::move(callbacks));
  if (RpcOutcome refused = Begin(call); !refused.ok()) {
    thread_.Post([call, refused] { call->Refuse(refused); });
    return {[](const WatchRequest&) {}, [] {}, [] {}, call->member};
  }
  Stream<WatchRequest> stream = call->Start(
      [](const EtcdMember& member, grpc::ClientContext* context, auto* reactor) { member.watch->async()->Watch(context, reactor); });
  WatchRequest request;
  *request.mutable_create_request() = std::move(create);
  stream.write(std::move(request));
  return stream;
}

EtcdClient::Stream<LeaseKeepAliveRequest> EtcdClient::Calls::KeepAlive(KeepAliveCallbacks callbacks) {
  auto call = std::make_shared<StreamCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse>>(this, std::move(callbacks));
  if (RpcOutcome refused = Begin(call); !refused.ok()) {
    thread_.Post([call, refused] { call->Refuse(refused); });
    return {[](const LeaseKeepAliveRequest&) {}, [] {}, [] {}, call->member};
  }
  return call->Start([](const EtcdMember& member, grpc::ClientContext* context, auto* reactor) {
    member.lease->async()->LeaseKeepAlive(context, reactor);
  });
}

EtcdClient::EtcdClient(EtcdClientOptions options) : calls_(std::make_unique<Calls>(std::move(options))) {}
EtcdClient::~EtcdClient() { Shutdown(); }

void EtcdClient::Range(etcdserverpb::RangeRequest request, Reply<etcdserverpb::RangeResponse> reply) {
  calls_->Unary(std::move(request), Repeat::kAnytime, std::move(reply),
                [](const EtcdMember& member, auto... arguments) { member.kv->async()->Range(arguments...); });
}

void EtcdClient::Txn(etcdserverpb::TxnRequest request, Repeat repeat, Reply<etcdserverpb::TxnResponse> reply) {
  calls_->Unary(std::move(request), repeat, std::move(reply),
                [](const EtcdMember& member, auto... arguments) { member.kv->async()->Txn(arguments...); });
}

void EtcdClient::Compact(etcdserverpb::CompactionRequest request, Reply<etcdserverpb::CompactionResponse> reply) {
  calls_->Unary(std::move(request), Repeat::kAnytime, std::move(reply),
                [](const EtcdMember& member, auto... arguments) { member.kv->async()->Compact(arguments...); });
}

void EtcdClient::LeaseGrant(etcdserverpb::LeaseGrantRequest request, Repeat repeat, Reply<etcdserverpb::LeaseGrantResponse> reply) {
  calls_->Unary(std::move(request), repeat, std::move(reply),
                [](const EtcdMember& member, auto... arguments) { member.lease->async()->LeaseGrant(arguments...); });
}

void EtcdClient::LeaseRevoke(etcdserverpb::LeaseRevokeRequest request, Reply<etcdserverpb::LeaseRevokeResponse> reply) {
  calls_->Unary(std::move(request), Repeat::kIfUnsent, std::move(reply),
                [](const EtcdMember& member, auto... arguments) { member.lease->async()->LeaseRevoke(arguments...); });
}

void EtcdClient::LeaseTimeToLive(etcdserverpb::LeaseTimeToLiveRequest request, Reply<etcdserverpb::LeaseTimeToLiveResponse> reply) {
  calls_->Unary(std::move(request), Repeat::kAnytime, std::move(reply),
                [](const EtcdMember& member, auto... arguments) { member.lease->async()->LeaseTimeToLive(arguments...); });
}

void EtcdClient::LeaseLeases(etcdserverpb::LeaseLeasesRequest request, Reply<etcdserverpb::LeaseLeasesResponse> reply) {
  calls_->Unary(std::move(request), Repeat::kAnytime, std::move(reply),
                [](const EtcdMember& member, auto... arguments) { member.lease->async()->LeaseLeases(arguments...); });
}

EtcdClient::Stream<WatchRequest> EtcdClient::Watch(etcdserverpb::WatchCreateRequest request, WatchCallbacks callbacks) {
  return calls_->Watch(std::move(request), std::move(callbacks));
}

EtcdClient::Stream<LeaseKeepAliveRequest> EtcdClient::LeaseKeepAlive(KeepAliveCallbacks callbacks) {
  return calls_->KeepAlive(std::move(callbacks));
}

void EtcdClient::LeaveMember(size_t member) { calls_->members().Leave(member); }

std::string EtcdClient::member() const { return calls_->members().at(calls_->members().in_use()).endpoint; }

SerialThread& EtcdClient::thread() { return calls_->thread(); }

void EtcdClient::Shutdown() { calls_->Shutdown(); }

}  // namespace scoutlight::storage
