#include "storage/etcd/etcd_follower.h"

#include <limits>
#include <memory>
#include <utility>
#include <vector>

namespace scoutlight::storage {

EtcdFollower::EtcdFollower(EtcdClient& client, const EtcdMapping& mapping, EtcdFollowerOptions options)
    : client_(client), mapping_(mapping), options_(options) {}

void EtcdFollower::Follow(Revision after, std::shared_ptr<Sink> sink) {
  sink_ = std::move(sink);
  shown_ = after;
  // What was known is the earlier sink's.
  connected_ = false;
  stale_ = false;
  problem_ = absl::OkStatus();
  client_.thread().PostAfter(options_.stale_after, [this] {
    if (!connected_) SetStale();
  });
  Watch();
}

void EtcdFollower::WhenShown(Revision revision, Task task) {
  if (sink_ == nullptr || stale_ || revision <= shown_) {
    std::move(task)();
    return;
  }
  waiting_.emplace(revision, std::move(task));
  client_.thread().PostAfter(options_.stale_after, [this, revision] {
    if (revision > shown_) SetStale();
  });
}

void EtcdFollower::Watch() {
  ++watches_;
  etcdserverpb::WatchCreateRequest request;
  SetRange(mapping_.Nodes(), &request);
  request.set_start_revision(shown_ + 1);
  request.set_prev_kv(true);
  request.set_progress_notify(true);
  client_.Watch(std::move(request),
                {[this, watch = watches_](const etcdserverpb::WatchResponse& response) { return OnResponse(watch, response); },
                 [this, watch = watches_](const RpcOutcome&) { OnEnd(watch); }});
}

EtcdClient::WatchStep EtcdFollower::OnResponse(int64_t watch, const etcdserverpb::WatchResponse& response) {
  if (watch != watches_) return EtcdClient::WatchStep::kStop;
  if (response.canceled()) {
    if (response.compact_revision() > 0) OnGap(response.compact_revision());
    return EtcdClient::WatchStep::kStop;
  }
  if (response.created()) {
    connected_ = true;
    SetFresh();
    return EtcdClient::WatchStep::kGoOn;
  }
  absl::StatusOr<std::vector<std::shared_ptr<Batch>>> batches = mapping_.ToBatches(response, options_.clock->Now());
  if (!batches.ok()) {
    // Somebody else writes under our prefix: trying again would show the same.
    problem_ = batches.status();
    SetStale();
    return EtcdClient::WatchStep::kStop;
  }
  for (const std::shared_ptr<Batch>& batch : *batches) {
    if (batch->revision <= shown_) continue;
    sink_->OnBatch(batch);
    Reached(batch->revision);
  }
  if (response.events().empty() && response.header().revision() > shown_) {
    sink_->OnProgress(response.header().revision());
    Reached(response.header().revision());
  }
  // What kept an answer waiting has arrived.
  SetFresh();
  return EtcdClient::WatchStep::kGoOn;
}

void EtcdFollower::OnGap(Revision oldest) {
  if (oldest <= shown_) return;
  sink_->OnGap(oldest);
  Reached(oldest);
}

void EtcdFollower::OnEnd(int64_t watch) {
  if (watch != watches_) return;
  connected_ = false;
  if (!problem_.ok()) return;
  const int64_t ended = watches_;
  client_.thread().PostAfter(options_.stale_after, [this, ended] {
    if (!connected_ || watches_ == ended) SetStale();
  });
  client_.thread().PostAfter(options_.retry_after, [this, ended] {
    if (watches_ == ended) Watch();
  });
}

void EtcdFollower::SetStale() {
  if (!stale_) {
    stale_ = true;
    sink_->OnStale();
  }
  RunWaiting(std::numeric_limits<Revision>::max());
}

void EtcdFollower::SetFresh() {
  if (!stale_) return;
  stale_ = false;
  sink_->OnFresh();
}

void EtcdFollower::Reached(Revision revision) {
  shown_ = revision;
  RunWaiting(revision);
}

void EtcdFollower::RunWaiting(Revision up_to) {
  while (!waiting_.empty() && waiting_.begin()->first <= up_to) {
    Task task = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    std::move(task)();
  }
}

void EtcdFollower::Close() { RunWaiting(std::numeric_limits<Revision>::max()); }

}  // namespace scoutlight::storage
