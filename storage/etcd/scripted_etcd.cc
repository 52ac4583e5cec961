#include "storage/etcd/scripted_etcd.h"

#include <grpcpp/grpcpp.h>

#include <map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "compat/etcd/rpc.grpc.pb.h"

namespace scoutlight::storage {
namespace {

using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;
using etcdserverpb::WatchRequest;
using etcdserverpb::WatchResponse;

// How often a watch looks whether its client has gone.
constexpr absl::Duration kLook = absl::Milliseconds(20);

}  // namespace

class ScriptedEtcd::State : public etcdserverpb::KV::Service, public etcdserverpb::Watch::Service {
 public:
  // What the test wants; see Set().
  struct Wishes {
    bool hold_watches = false;
    int hold_next = 0;          // So many of the next answers are held ...
    bool hold_answers = false;  // ... until this is taken back.
    bool lose_next = false;
    bool hold_look_backs = false;
    int refuse_look_backs = 0;  // So many of the next ones end ...
    absl::Status refusal;       // ... with this.
  };

  State() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(static_cast<etcdserverpb::KV::Service*>(this));
    builder.RegisterService(static_cast<etcdserverpb::Watch::Service*>(this));
    server_ = builder.BuildAndStart();
    target_ = absl::StrCat("127.0.0.1:", port);
  }

  ~State() override {
    {
      MutexLock lock(&mu_);
      closing_ = true;
      changed_.NotifyAll();
    }
    server_->Shutdown();
  }

  const std::string& target() const { return target_; }

  template <typename Change>
  void Set(Change change) {
    MutexLock lock(&mu_);
    change(wishes_);
    changed_.NotifyAll();
  }

  Revision Apply(const TxnRequest& request, TxnResponse* response) {
    MutexLock lock(&mu_);
    Carry(request, response);
    changed_.NotifyAll();
    return revision_;
  }

  Revision revision() const {
    MutexLock lock(&mu_);
    return revision_;
  }

  Revision EndLease(const std::vector<std::string>& keys) {
    MutexLock lock(&mu_);
    ++revision_;
    for (const std::string& key : keys) {
      mvccpb::Event event;
      event.set_type(mvccpb::Event::DELETE);
      event.mutable_kv()->set_key(key);
      event.mutable_kv()->set_mod_revision(revision_);
      pairs_.erase(key);
      Append(std::move(event));
    }
    changed_.NotifyAll();
    return revision_;
  }

  void RestoreTo(Revision revision, const std::vector<TxnRequest>& then) {
    MutexLock lock(&mu_);
    revision_ = revision;
    const std::vector<mvccpb::Event> events = std::exchange(events_, {});
    events_of_.clear();
    pairs_.clear();
    for (const mvccpb::Event& event : events) {
      if (event.kv().mod_revision() > revision) break;
      if (event.type() == mvccpb::Event::PUT) {
        pairs_[event.kv().key()] = event.kv();
      } else {
        pairs_.erase(event.kv().key());
      }
      Append(event);
    }
    for (const TxnRequest& request : then) {
      TxnResponse answer;
      Carry(request, &answer);
    }
    ++restorations_;
    changed_.NotifyAll();
  }

  int watches() const {
    MutexLock lock(&mu_);
    return watches_;
  }

  int look_backs() const {
    MutexLock lock(&mu_);
    return look_backs_;
  }
  int held_look_backs() const {
    MutexLock lock(&mu_);
    return held_look_backs_;
  }

 private:
  grpc::Status Range(grpc::ServerContext*, const RangeRequest* request, RangeResponse* response) override {
    MutexLock lock(&mu_);
    const bool is_look_back = request->serializable() && request->revision() > 0;
    if (is_look_back) {
      ++look_backs_;
      HoldLookBack();
    }
    if (is_look_back && wishes_.refuse_look_backs > 0) {
      --wishes_.refuse_look_backs;
      return {static_cast<grpc::StatusCode>(wishes_.refusal.code()), std::string(wishes_.refusal.message())};
    }
    if (request->revision() > revision_) {
      return {grpc::StatusCode::OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision"};
    }
    Read(*request, response);
    response->mutable_header()->set_revision(revision_);
    return grpc::Status::OK;
  }

  grpc::Status Txn(grpc::ServerContext*, const TxnRequest* request, TxnResponse* response) override {
    MutexLock lock(&mu_);
    const Revision before = revision_;
    Carry(*request, response);
    changed_.NotifyAll();
    if (revision_ == before) return grpc::Status::OK;
    if (std::exchange(wishes_.lose_next, false)) return {grpc::StatusCode::UNKNOWN, "the answer is lost"};
    if (wishes_.hold_next == 0) return grpc::Status::OK;
    --wishes_.hold_next;
    while (wishes_.hold_answers && !closing_) changed_.Wait(&mu_);
    return grpc::Status::OK;
  }

  grpc::Status Watch(grpc::ServerContext* context, grpc::ServerReaderWriter<WatchResponse, WatchRequest>* stream) override {
    const int begun = restorations();
    WatchRequest request;
    if (!stream->Read(&request)) return grpc::Status::OK;
    WatchResponse created;
    created.set_created(true);
    if (!stream->Write(created)) return grpc::Status::OK;
    {
      MutexLock lock(&mu_);
      ++watches_;
    }
    Revision next = request.create_request().start_revision();
    for (;;) {
      WatchResponse response;
      {
        MutexLock lock(&mu_);
        const auto is_over = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
          return closing_ || context->IsCancelled() || restorations_ != begun;
        };
        while ((wishes_.hold_watches || revision_ < next) && !is_over()) changed_.WaitFor(&mu_, kLook);
        if (is_over()) return grpc::Status::OK;
        for (const mvccpb::Event& event : events_) {
          if (event.kv().mod_revision() < next) continue;
          *response.add_events() = event;
          if (!request.create_request().prev_kv()) response.mutable_events()->rbegin()->clear_prev_kv();
        }
        next = revision_ + 1;
      }
      if (!stream->Write(response)) return grpc::Status::OK;
    }
  }

  int restorations() const {
    MutexLock lock(&mu_);
    return restorations_;
  }

  void HoldLookBack() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    ++held_look_backs_;
    while (wishes_.hold_look_backs && !closing_) changed_.Wait(&mu_);
    --held_look_backs_;
  }

  bool Holds(const etcdserverpb::Compare& compare) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const auto found = pairs_.find(compare.key());
    return (found == pairs_.end() ? 0 : found->second.version()) == compare.version();
  }

  void Read(const RangeRequest& request, RangeResponse* response) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const bool is_range = !request.range_end().empty();
    for (auto key = events_of_.lower_bound(request.key()); key != events_of_.end(); ++key) {
      if (is_range ? key->first >= request.range_end() : key->first != request.key()) return;
      const mvccpb::KeyValue* const pair = PairAt(key->second, request.revision());
      if (pair == nullptr) continue;
      if (request.limit() > 0 && response->kvs_size() == request.limit()) return response->set_more(true);
      *response->add_kvs() = *pair;
    }
  }

  // What these events of one key have left of it at `revision`, 0: by now; null: nothing.
  const mvccpb::KeyValue* PairAt(const std::vector<size_t>& places, Revision revision) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    for (auto place = places.rbegin(); place != places.rend(); ++place) {
      const mvccpb::Event& event = events_[*place];
      if (revision > 0 && event.kv().mod_revision() > revision) continue;
      return event.type() == mvccpb::Event::PUT ? &event.kv() : nullptr;
    }
    return nullptr;
  }

  void Append(mvccpb::Event event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    events_of_[event.kv().key()].push_back(events_.size());
    events_.push_back(std::move(event));
  }

  void Carry(const TxnRequest& request, TxnResponse* response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    bool holds = true;
    for (const etcdserverpb::Compare& compare : request.compare()) holds = holds && Holds(compare);
    response->set_succeeded(holds);
    const Revision made = revision_ + 1;
    for (const etcdserverpb::RequestOp& operation : holds ? request.success() : request.failure()) {
      etcdserverpb::ResponseOp* answer = response->add_responses();
      if (operation.has_request_range()) {
        Read(operation.request_range(), answer->mutable_response_range());
      } else if (operation.has_request_put()) {
        PutPair(operation.request_put(), made, answer->mutable_response_put());
      }
    }
    response->mutable_header()->set_revision(revision_);
  }

  void PutPair(const etcdserverpb::PutRequest& put, Revision made, etcdserverpb::PutResponse* answer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    revision_ = made;
    mvccpb::Event event;
    mvccpb::KeyValue& pair = pairs_[put.key()];
    if (pair.version() > 0) {
      *event.mutable_prev_kv() = pair;
      if (put.prev_kv()) *answer->mutable_prev_kv() = pair;
    } else {
      pair.set_key(put.key());
      pair.set_create_revision(made);
    }
    pair.set_value(put.value());
    pair.set_mod_revision(made);
    pair.set_version(pair.version() + 1);
    pair.set_lease(put.lease());
    *event.mutable_kv() = pair;
    Append(std::move(event));
  }

  std::string target_;
  std::unique_ptr<grpc::Server> server_;
  mutable Mutex mu_;
  CondVar changed_;
  Revision revision_ ABSL_GUARDED_BY(mu_) = 1;
  std::map<std::string, mvccpb::KeyValue> pairs_ ABSL_GUARDED_BY(mu_);
  std::vector<mvccpb::Event> events_ ABSL_GUARDED_BY(mu_);                     // All there were, in order.
  std::map<std::string, std::vector<size_t>> events_of_ ABSL_GUARDED_BY(mu_);  // Their places, by key.
  int watches_ ABSL_GUARDED_BY(mu_) = 0;
  int look_backs_ ABSL_GUARDED_BY(mu_) = 0;
  int held_look_backs_ ABSL_GUARDED_BY(mu_) = 0;
  int restorations_ ABSL_GUARDED_BY(mu_) = 0;
  Wishes wishes_ ABSL_GUARDED_BY(mu_);
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
};

ScriptedEtcd::ScriptedEtcd() : state_(std::make_unique<State>()) {}
ScriptedEtcd::~ScriptedEtcd() = default;

std::string ScriptedEtcd::target() const { return state_->target(); }

void ScriptedEtcd::HoldWatches() {
  state_->Set([](State::Wishes& wishes) { wishes.hold_watches = true; });
}

void ScriptedEtcd::ReleaseWatches() {
  state_->Set([](State::Wishes& wishes) { wishes.hold_watches = false; });
}

void ScriptedEtcd::HoldNextAnswers(int answers) {
  state_->Set([answers](State::Wishes& wishes) {
    wishes.hold_next = answers;
    wishes.hold_answers = true;
  });
}

void ScriptedEtcd::ReleaseAnswers() {
  state_->Set([](State::Wishes& wishes) { wishes.hold_answers = false; });
}

void ScriptedEtcd::HoldLookBacks() {
  state_->Set([](State::Wishes& wishes) { wishes.hold_look_backs = true; });
}

void ScriptedEtcd::ReleaseLookBacks() {
  state_->Set([](State::Wishes& wishes) { wishes.hold_look_backs = false; });
}

void ScriptedEtcd::RefuseLookBacks(int reads, absl::Status refusal) {
  state_->Set([reads, &refusal](State::Wishes& wishes) {
    wishes.refuse_look_backs = reads;
    wishes.refusal = std::move(refusal);
  });
}

Revision ScriptedEtcd::EndLease(const std::vector<std::string>& keys) { return state_->EndLease(keys); }

int ScriptedEtcd::held_look_backs() const { return state_->held_look_backs(); }

void ScriptedEtcd::RestoreTo(Revision revision, const std::vector<TxnRequest>& then) { state_->RestoreTo(revision, then); }

int ScriptedEtcd::watches() const { return state_->watches(); }

int ScriptedEtcd::look_backs() const { return state_->look_backs(); }

void ScriptedEtcd::LoseNextAnswer() {
  state_->Set([](State::Wishes& wishes) { wishes.lose_next = true; });
}

Revision ScriptedEtcd::Put(const TxnRequest& puts) {
  TxnResponse response;
  return state_->Apply(puts, &response);
}

Revision ScriptedEtcd::revision() const { return state_->revision(); }

}  // namespace scoutlight::storage
