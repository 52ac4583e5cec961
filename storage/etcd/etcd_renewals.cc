#include "storage/etcd/etcd_renewals.h"

#include <algorithm>
#include <utility>

namespace scoutlight::storage {
namespace {

constexpr size_t kWaitingMax = 100'000;
constexpr int kTriesMax = 2;

}  // namespace

void EtcdRenewals::Renew(const std::vector<int64_t>& ids, Done done) {
  if (ids.empty()) return std::move(done)({});
  auto call = std::make_shared<Call>();
  call->answers.resize(ids.size());
  call->open = ids.size();
  call->done = std::move(done);
  for (size_t i = 0; i < ids.size(); ++i) {
    const Place place{call, i};
    const auto there = waiting_.find(ids[i]);
    if (there != waiting_.end()) {
      there->second.places.push_back(place);
    } else if (waiting_.size() >= kWaitingMax) {
      Give({place}, {.outcome = {absl::StatusCode::kResourceExhausted, "too many leases wait to be renewed", false}});
    } else {
      waiting_[ids[i]] = {.since = clock_.SinceBoot(), .tries = 1, .places = {place}};
      Send(ids[i]);
    }
  }
  LookAfter();
}

void EtcdRenewals::Send(int64_t id) {
  if (!write_) Open();
  etcdserverpb::LeaseKeepAliveRequest request;
  request.set_id(id);
  write_(request);
}

void EtcdRenewals::Open() {
  const int64_t stream = ++streams_;
  auto opened =
      client_.LeaseKeepAlive({[this, stream](const etcdserverpb::LeaseKeepAliveResponse& response) { return OnResponse(stream, response); },
                              [this, stream](const RpcOutcome& outcome) { OnEnd(stream, outcome); }});
  write_ = std::move(opened.write);
  cancel_ = std::move(opened.cancel);
  member_ = opened.member;
}

EtcdClient::StreamStep EtcdRenewals::OnResponse(int64_t stream, const etcdserverpb::LeaseKeepAliveResponse& response) {
  if (stream != streams_) return EtcdClient::StreamStep::kStop;
  const auto found = waiting_.find(response.id());
  if (found == waiting_.end()) return EtcdClient::StreamStep::kGoOn;
  const std::vector<Place> places = std::move(found->second.places);
  waiting_.erase(found);
  Give(places, {.outcome = {}, .ttl = std::max<int64_t>(response.ttl(), 0)});
  return EtcdClient::StreamStep::kGoOn;
}

void EtcdRenewals::OnEnd(int64_t stream, const RpcOutcome& outcome) {
  if (stream != streams_) return;
  write_ = nullptr;
  cancel_ = nullptr;
  std::vector<int64_t> again;
  std::vector<std::vector<Place>> failed;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    if (at->second.tries < kTriesMax && outcome.code != absl::StatusCode::kCancelled) {
      ++at->second.tries;
      at->second.since = clock_.SinceBoot();
      again.push_back((at++)->first);
    } else {
      failed.push_back(std::move(at->second.places));
      waiting_.erase(at++);
    }
  }
  for (const int64_t id : again) Send(id);
  const RpcOutcome why = outcome.ok() ? RpcOutcome{absl::StatusCode::kUnavailable, "etcd ended the stream of renewals", true} : outcome;
  for (const std::vector<Place>& places : failed) Give(places, {.outcome = why});
}

void EtcdRenewals::LookAfter() {
  if (looks_after_ || waiting_.empty()) return;
  looks_after_ = true;
  client_.thread().PostAfter(timeout_ / 2, [this] {
    looks_after_ = false;
    const absl::Duration now = clock_.SinceBoot();
    const auto late = [this, now](const auto& waiting) { return now - waiting.second.since >= timeout_; };
    if (cancel_ && std::any_of(waiting_.begin(), waiting_.end(), late)) {
      client_.LeaveMember(member_);
      std::exchange(cancel_, nullptr)();
      OnEnd(streams_, {absl::StatusCode::kDeadlineExceeded, "etcd did not answer renewals in time", true});
    }
    LookAfter();
  });
}

void EtcdRenewals::Give(const std::vector<Place>& places, const Answer& answer) {
  for (const Place& place : places) {
    place.call->answers[place.index] = answer;
    if (--place.call->open == 0) std::move(place.call->done)(std::move(place.call->answers));
  }
}

}  // namespace scoutlight::storage
