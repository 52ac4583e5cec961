#include "storage/etcd/etcd_history.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "storage/etcd/etcd_events.h"

namespace scoutlight::storage {
namespace {

using etcdserverpb::WatchResponse;

// One walk through history. Keeps itself alive through the callbacks it hands out; used on the client's thread only, after Start().
class EtcdHistory : public std::enable_shared_from_this<EtcdHistory> {
 public:
  EtcdHistory(EtcdClient& client, const EtcdMapping& mapping, EtcdFence& fence, EtcdHistoryRequest request,
              absl::AnyInvocable<void(EtcdHistoryResult) &&> done)
      : client_(client),
        mapping_(mapping),
        fence_(fence),
        request_(std::move(request)),
        done_(std::move(done)),
        events_(mapping),
        seen_(request_.from - 1) {}

  void Start() {
    etcdserverpb::RangeRequest request;
    request.set_key(mapping_.mark_key());
    client_.Range(std::move(request), [self = shared_from_this()](const RpcOutcome& outcome, const etcdserverpb::RangeResponse& response) {
      if (!outcome.ok()) return self->OnEnd(outcome);
      if (response.kvs_size() > 0 && response.kvs(0).mod_revision() >= self->request_.to) return self->Watch();
      self->fence_.Ask([self](const RpcOutcome& fenced, Revision) { fenced.ok() ? self->Watch() : self->OnEnd(fenced); });
    });
  }

 private:
  void Watch() {
    etcdserverpb::WatchCreateRequest watch;
    SetRange(mapping_.Watched(), &watch);
    watch.set_start_revision(request_.from);
    watch.set_prev_kv(true);
    watch.set_fragment(true);
    const auto stream =
        client_.Watch(std::move(watch), {[self = shared_from_this()](const WatchResponse& response) { return self->OnResponse(response); },
                                         [self = shared_from_this()](const RpcOutcome& outcome) { self->OnEnd(outcome); }});
    client_.thread().PostAfter(request_.timeout, [cancel = stream.cancel] { cancel(); });
  }

  EtcdClient::StreamStep OnResponse(const WatchResponse& response) {
    if (response.canceled()) {
      result_.compacted = response.compact_revision();
      return EtcdClient::StreamStep::kStop;
    }
    // What nothing dates but the writes before it may be as old as they.
    absl::StatusOr<std::vector<EtcdChange>> changes = events_.Add(response, seen_, absl::InfinitePast());
    if (!changes.ok()) {
      result_.page.status = changes.status();
      complete_ = true;
      return EtcdClient::StreamStep::kStop;
    }
    for (const EtcdChange& change : *changes) {
      // etcd before 3.4.38 may begin too early, and before 3.4.24 say things twice.
      if (change.revision <= seen_) continue;
      seen_ = change.revision;
      if (change.batch != nullptr && change.revision <= request_.to && !Take(change.batch)) return EtcdClient::StreamStep::kStop;
      if (change.revision < request_.to) continue;
      result_.page.next = request_.to + 1;
      complete_ = true;
      return EtcdClient::StreamStep::kStop;
    }
    return EtcdClient::StreamStep::kGoOn;
  }

  // False: the page is full.
  bool Take(const std::shared_ptr<Batch>& batch) {
    std::erase_if(batch->events, [this](const Event& event) { return !request_.range.Contains(event.key); });
    if (batch->events.empty()) return true;
    if (batch->committed == absl::InfinitePast()) batch->committed = request_.now;
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
    if (!complete_ && outcome.ok() && result_.compacted == 0) {
      result_.outcome = {absl::StatusCode::kUnavailable, "the watch of history ended before its end"};
    }
    std::move(done_)(std::move(result_));
  }

  EtcdClient& client_;
  const EtcdMapping& mapping_;
  EtcdFence& fence_;
  const EtcdHistoryRequest request_;
  absl::AnyInvocable<void(EtcdHistoryResult) &&> done_;
  EtcdEvents events_;
  Revision seen_;  // Up to where.
  EtcdHistoryResult result_;
  size_t bytes_ = 0;
  bool complete_ = false;
};

}  // namespace

void ReadEtcdHistory(EtcdClient& client, const EtcdMapping& mapping, EtcdFence& fence, EtcdHistoryRequest request,
                     absl::AnyInvocable<void(EtcdHistoryResult) &&> done) {
  std::make_shared<EtcdHistory>(client, mapping, fence, std::move(request), std::move(done))->Start();
}

}  // namespace scoutlight::storage
