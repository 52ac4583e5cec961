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
      waiting_[ids[i]] = {.tries = 1, .places = {place}};
      Send(ids[i]);
    }
  }
  LookAfter();
}

void EtcdRenewals::Send(int64_t id) {
  Stream& stream = StreamOf(id);
  if (!stream.write) Open(&stream);
  if (stream.asked.empty()) stream.heard = clock_.SinceBoot();
  stream.asked.push_back(id);
  etcdserverpb::LeaseKeepAliveRequest request;
  request.set_id(id);
  stream.write(request);
}

void EtcdRenewals::Open(Stream* stream) {
  const int64_t number = ++stream->number;
  auto opened = client_.LeaseKeepAlive(
      {[this, stream, number](const etcdserverpb::LeaseKeepAliveResponse& response) { return OnResponse(stream, number, response); },
       [this, stream, number](const RpcOutcome& outcome) { OnEnd(stream, number, outcome); }});
  stream->write = std::move(opened.write);
  stream->cancel = std::move(opened.cancel);
  stream->member = opened.member;
  stream->heard = clock_.SinceBoot();
}

EtcdClient::StreamStep EtcdRenewals::OnResponse(Stream* stream, int64_t number, const etcdserverpb::LeaseKeepAliveResponse& response) {
  if (number != stream->number) return EtcdClient::StreamStep::kStop;
  stream->heard = clock_.SinceBoot();
  const auto asked = std::find(stream->asked.begin(), stream->asked.end(), response.id());
  if (asked == stream->asked.end()) return EtcdClient::StreamStep::kGoOn;
  stream->asked.erase(asked);
  const auto found = waiting_.find(response.id());
  const std::vector<Place> places = std::move(found->second.places);
  waiting_.erase(found);
  Give(places, {.outcome = {}, .ttl = std::max<int64_t>(response.ttl(), 0)});
  return EtcdClient::StreamStep::kGoOn;
}

void EtcdRenewals::OnEnd(Stream* stream, int64_t number, const RpcOutcome& outcome) {
  if (number != stream->number) return;
  stream->write = nullptr;
  stream->cancel = nullptr;
  ++stream->number;
  const bool is_refusal = !outcome.ok() && outcome.code != absl::StatusCode::kUnavailable &&
                          outcome.code != absl::StatusCode::kDeadlineExceeded && outcome.code != absl::StatusCode::kCancelled;
  std::vector<std::vector<Place>> failed;
  std::vector<int64_t> again;
  for (const int64_t id : std::exchange(stream->asked, {})) {
    const auto waiting = waiting_.find(id);
    const bool is_oldest = again.empty() && failed.empty();
    const bool fails = is_refusal ? is_oldest : waiting->second.tries >= kTriesMax || outcome.code == absl::StatusCode::kCancelled;
    if (fails) {
      failed.push_back(std::move(waiting->second.places));
      waiting_.erase(waiting);
    } else {
      waiting->second.tries += is_refusal ? 0 : 1;
      again.push_back(id);
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
    for (Stream& stream : streams_) {
      if (!stream.cancel || stream.asked.empty() || now - stream.heard < timeout_) continue;
      client_.LeaveMember(stream.member);
      std::exchange(stream.cancel, nullptr)();
      OnEnd(&stream, stream.number, {absl::StatusCode::kDeadlineExceeded, "etcd did not answer renewals in time", true});
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
