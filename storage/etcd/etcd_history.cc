#include "storage/etcd/etcd_history.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace scoutlight::storage {
namespace {

using etcdserverpb::WatchResponse;

// One walk through history. Keeps itself alive through the callbacks it hands out; used on the client's thread only, after Start().
class EtcdHistory : public std::enable_shared_from_this<EtcdHistory> {
 public:
  EtcdHistory(EtcdClient& client, const EtcdMapping& mapping, EtcdHistoryRequest request,
              absl::AnyInvocable<void(EtcdHistoryResult) &&> done)
      : client_(client), mapping_(mapping), request_(std::move(request)), done_(std::move(done)) {}

  void Start() {
    etcdserverpb::WatchCreateRequest watch;
    SetRange({std::string(1, '\0'), std::string(1, '\0')}, &watch);
    watch.set_start_revision(request_.from);
    watch.set_prev_kv(true);
    EtcdClient::CancelWatch cancel =
        client_.Watch(std::move(watch), {[self = shared_from_this()](const WatchResponse& response) { return self->OnResponse(response); },
                                         [self = shared_from_this()](const RpcOutcome& outcome) { self->OnEnd(outcome); }});
    client_.thread().PostAfter(request_.timeout, [cancel = std::move(cancel)] { cancel(); });
  }

 private:
  EtcdClient::WatchStep OnResponse(const WatchResponse& response) {
    if (response.canceled()) {
      result_.compacted = response.compact_revision();
      return EtcdClient::WatchStep::kStop;
    }
    if (response.events().empty()) return EtcdClient::WatchStep::kGoOn;
    absl::StatusOr<std::vector<std::shared_ptr<Batch>>> batches = mapping_.ToBatches(NodesOf(response), request_.seen);
    if (!batches.ok()) {
      result_.page.status = batches.status();
      complete_ = true;
      return EtcdClient::WatchStep::kStop;
    }
    for (const std::shared_ptr<Batch>& batch : *batches) {
      if (batch->revision <= request_.to && !Take(batch)) return EtcdClient::WatchStep::kStop;
    }
    if (response.events().rbegin()->kv().mod_revision() < request_.to) return EtcdClient::WatchStep::kGoOn;
    result_.page.next = request_.to + 1;
    complete_ = true;
    return EtcdClient::WatchStep::kStop;
  }

  // Without other applications' keys.
  WatchResponse NodesOf(const WatchResponse& response) const {
    const EtcdRange nodes = mapping_.Nodes();
    WatchResponse own;
    for (const mvccpb::Event& event : response.events()) {
      if (event.kv().key() >= nodes.begin && event.kv().key() < nodes.end) *own.add_events() = event;
    }
    return own;
  }

  // False: the page is full.
  bool Take(const std::shared_ptr<Batch>& batch) {
    std::erase_if(batch->events, [this](const Event& event) { return !request_.range.Contains(event.key); });
    if (batch->events.empty()) return true;
    for (const Event& event : batch->events) {
      bytes_ += EntryBytes(event.entry) + (event.previous.has_value() ? EntryBytes(*event.previous) : 0);
    }
    const Revision revision = batch->revision;
    result_.page.batches.push_back(batch);
    if (bytes_ <= request_.bytes_max || revision == request_.to) return true;
    result_.page.next = revision + 1;
    complete_ = true;
    return false;
  }

  void OnEnd(const RpcOutcome& outcome) {
    if (!complete_) result_.outcome = outcome;
    std::move(done_)(std::move(result_));
  }

  EtcdClient& client_;
  const EtcdMapping& mapping_;
  const EtcdHistoryRequest request_;
  absl::AnyInvocable<void(EtcdHistoryResult) &&> done_;
  EtcdHistoryResult result_;
  size_t bytes_ = 0;
  bool complete_ = false;
};

}  // namespace

void ReadEtcdHistory(EtcdClient& client, const EtcdMapping& mapping, EtcdHistoryRequest request,
                     absl::AnyInvocable<void(EtcdHistoryResult) &&> done) {
  std::make_shared<EtcdHistory>(client, mapping, std::move(request), std::move(done))->Start();
}

}  // namespace scoutlight::storage
