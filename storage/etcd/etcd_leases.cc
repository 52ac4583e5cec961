#include "storage/etcd/etcd_leases.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "storage/etcd/etcd_errors.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

// Calls in flight for one list.
constexpr int kCallsAtOnce = 32;

LeaseInfo ToInfo(const etcdserverpb::LeaseTimeToLiveResponse& response) {
  LeaseInfo info;
  info.id = response.id();
  info.ttl = absl::Seconds(response.grantedttl());
  info.remaining = absl::Seconds(response.ttl());
  return info;
}

// etcd says -1 of a lease that is not there, and in some releases a granted time of 0 of one that is on its way out.
bool IsThere(const etcdserverpb::LeaseTimeToLiveResponse& response) { return response.ttl() >= 0 && response.grantedttl() > 0; }

// One list. Keeps itself alive through the callbacks it hands out; used on the client's thread only, after Start().
class LeaseLister : public std::enable_shared_from_this<LeaseLister> {
 public:
  LeaseLister(EtcdClient& client, absl::AnyInvocable<void(EtcdLeaseListResult) &&> done) : client_(client), done_(std::move(done)) {}

  void Start() {
    client_.LeaseLeases({}, [self = shared_from_this()](const RpcOutcome& outcome, const etcdserverpb::LeaseLeasesResponse& response) {
      self->result_.outcome = outcome;
      self->result_.list.revision = response.header().revision();
      for (const etcdserverpb::LeaseStatus& lease : response.leases()) self->ids_.push_back(lease.id());
      std::sort(self->ids_.begin(), self->ids_.end());
      self->GoOn();
    });
  }

 private:
  void GoOn() {
    while (result_.outcome.ok() && asked_ < ids_.size() && in_flight_ < kCallsAtOnce) Ask(ids_[asked_++]);
    if (in_flight_ > 0) return;
    std::vector<LeaseInfo>& leases = result_.list.leases;
    std::sort(leases.begin(), leases.end(), [](const LeaseInfo& a, const LeaseInfo& b) { return a.id < b.id; });
    std::move(done_)(std::move(result_));
  }

  void Ask(LeaseId id) {
    ++in_flight_;
    etcdserverpb::LeaseTimeToLiveRequest request;
    request.set_id(id);
    client_.LeaseTimeToLive(request,
                            [self = shared_from_this()](const RpcOutcome& outcome, const etcdserverpb::LeaseTimeToLiveResponse& response) {
                              --self->in_flight_;
                              if (!outcome.ok()) {
                                self->result_.outcome = outcome;
                              } else if (IsThere(response)) {
                                self->result_.list.leases.push_back(ToInfo(response));
                              }
                              self->GoOn();
                            });
  }

  EtcdClient& client_;
  absl::AnyInvocable<void(EtcdLeaseListResult) &&> done_;
  EtcdLeaseListResult result_;
  std::vector<LeaseId> ids_;
  size_t asked_ = 0;
  int in_flight_ = 0;
};

}  // namespace

void GetEtcdLease(EtcdClient& client, const EtcdMapping& mapping, LeaseId id, absl::AnyInvocable<void(EtcdLeaseResult) &&> done) {
  etcdserverpb::LeaseTimeToLiveRequest request;
  request.set_id(id);
  request.set_keys(true);
  client.LeaseTimeToLive(
      request, [&mapping, id, done = std::move(done)](RpcOutcome outcome, const etcdserverpb::LeaseTimeToLiveResponse& response) mutable {
        EtcdLeaseResult result;
        result.outcome = std::move(outcome);
        result.result.revision = response.header().revision();
        if (result.outcome.ok() && !IsThere(response)) result.result.status = LeaseNotFound(absl::StatusCode::kNotFound, id);
        if (result.outcome.ok() && IsThere(response)) {
          result.result.lease = ToInfo(response);
          for (const std::string& etcd_key : response.keys()) {
            if (absl::StatusOr<Key> key = mapping.Decode(etcd_key); key.ok()) result.result.lease.keys.push_back(*std::move(key));
          }
          std::sort(result.result.lease.keys.begin(), result.result.lease.keys.end());
        }
        std::move(done)(std::move(result));
      });
}

void ListEtcdLeases(EtcdClient& client, absl::AnyInvocable<void(EtcdLeaseListResult) &&> done) {
  std::make_shared<LeaseLister>(client, std::move(done))->Start();
}

}  // namespace scoutlight::storage
