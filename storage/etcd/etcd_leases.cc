#include "storage/etcd/etcd_leases.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "storage/etcd/etcd_errors.h"
#include "storage/etcd/request_leases.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

// Calls in flight for one list.
constexpr size_t kCallsAtOnce = 32;

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
  LeaseLister(EtcdClient& client, LeaseId after, size_t leases_max, absl::AnyInvocable<void(EtcdLeaseListResult) &&> done)
      : client_(client), after_(after), leases_max_(leases_max), done_(std::move(done)) {}

  void Start() {
    client_.LeaseLeases({}, [self = shared_from_this()](const RpcOutcome& outcome, const etcdserverpb::LeaseLeasesResponse& response) {
      self->result_.outcome = outcome;
      self->result_.list.revision = response.header().revision();
      for (const etcdserverpb::LeaseStatus& lease : response.leases()) {
        if (lease.id() > std::max<LeaseId>(self->after_, 0) && lease.id() < RequestLeases::kIdsFrom) self->ids_.push_back(lease.id());
      }
      std::sort(self->ids_.begin(), self->ids_.end());
      self->GoOn();
    });
  }

 private:
  void GoOn() {
    // In the place of one that has ended meanwhile comes another.
    const auto has_room = [this] { return result_.list.leases.size() + in_flight_ < leases_max_ && in_flight_ < kCallsAtOnce; };
    while (result_.outcome.ok() && asked_ < ids_.size() && has_room()) Ask(ids_[asked_++]);
    if (in_flight_ > 0) return;
    result_.list.more = asked_ < ids_.size();
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
  const LeaseId after_;
  const size_t leases_max_;
  absl::AnyInvocable<void(EtcdLeaseListResult) &&> done_;
  EtcdLeaseListResult result_;
  std::vector<LeaseId> ids_;
  size_t asked_ = 0;
  size_t in_flight_ = 0;
};

// One revocation. Keeps itself alive as LeaseLister does.
class LeaseRevoker : public std::enable_shared_from_this<LeaseRevoker> {
 public:
  LeaseRevoker(EtcdClient& client, const EtcdMapping& mapping, LeaseId id, absl::AnyInvocable<void(EtcdRevokeResult) &&> done)
      : client_(client), mapping_(mapping), id_(id), done_(std::move(done)) {}

  void Start() {
    GetEtcdLease(client_, mapping_, id_, [self = shared_from_this()](const EtcdLeaseResult& lease) {
      if (!lease.outcome.ok()) return self->Finish(lease.outcome, ReadError(lease.outcome), 0);
      if (!lease.result.status.ok()) return self->Finish({}, lease.result.status, lease.result.revision);
      self->keys_ = static_cast<int64_t>(lease.result.lease.keys.size());
      self->keys_ == 0 ? self->Revoke() : self->Announce();
    });
  }

 private:
  void Announce() {
    etcdserverpb::TxnRequest request;
    etcdserverpb::PutRequest* put = request.add_success()->mutable_request_put();
    put->set_key(mapping_.RevocationKey(id_));
    put->set_lease(id_);
    client_.Txn(std::move(request), EtcdClient::Repeat::kAnytime,
                [self = shared_from_this()](const RpcOutcome& outcome, const etcdserverpb::TxnResponse&) {
                  self->announced_ = outcome.reached_etcd && !IsFull(outcome);
                  if (outcome.ok() || IsFull(outcome)) return self->Revoke();  // Full: the end is shown as an expiry, but room is made.
                  self->Fail(outcome);
                });
  }

  void Revoke() {
    etcdserverpb::LeaseRevokeRequest request;
    request.set_id(id_);
    client_.LeaseRevoke(request, [self = shared_from_this()](const RpcOutcome& outcome, const etcdserverpb::LeaseRevokeResponse& response) {
      if (!outcome.ok()) return self->Fail(outcome);
      self->Finish({}, absl::OkStatus(), response.header().revision());
    });
  }

  void Fail(const RpcOutcome& outcome) {
    if (IsLeaseNotFound(outcome)) return FinishEnded();
    RpcOutcome told = outcome;
    // What stands for the revocation may be on the lease now: whenever that ends, this is said to be why.
    told.reached_etcd |= announced_;
    Finish(outcome, WriteError(told), 0);
  }

  // It was there when this began, and has ended since: of itself or by another, but that is shown as this revocation once it is announced,
  // which the answer must not contradict.
  void FinishEnded() {
    etcdserverpb::RangeRequest request;
    request.set_key(mapping_.RevocationKey(id_));
    request.set_count_only(true);
    client_.Range(std::move(request), [self = shared_from_this()](const RpcOutcome& outcome, const etcdserverpb::RangeResponse& now) {
      self->ended_meanwhile_ = true;
      if (outcome.ok()) return self->Finish({}, absl::OkStatus(), now.header().revision());
      RpcOutcome told = outcome;
      told.reached_etcd = true;
      self->Finish(outcome, WriteError(told), 0);
    });
  }

  void Finish(const RpcOutcome& outcome, absl::Status status, Revision revision) {
    std::move(done_)(
        {.outcome = outcome, .status = std::move(status), .revision = revision, .deleted = keys_, .ended_meanwhile = ended_meanwhile_});
  }

  EtcdClient& client_;
  const EtcdMapping& mapping_;
  const LeaseId id_;
  absl::AnyInvocable<void(EtcdRevokeResult) &&> done_;
  int64_t keys_ = 0;
  bool announced_ = false;  // Maybe.
  bool ended_meanwhile_ = false;
};

}  // namespace

void GrantEtcdLease(EtcdClient& client, EtcdGrant grant, absl::AnyInvocable<void(EtcdLeaseResult) &&> done) {
  etcdserverpb::LeaseGrantRequest request;
  request.set_id(grant.id);
  request.set_ttl(absl::ToInt64Seconds(absl::Ceil(grant.ttl, absl::Seconds(1))));
  // A second try of what a caller has named would find it in use.
  const EtcdClient::Repeat repeat = grant.is == EtcdGrant::Id::kGiven ? EtcdClient::Repeat::kIfUnsent : EtcdClient::Repeat::kAnytime;
  client.LeaseGrant(
      request, repeat,
      [&client, grant = std::move(grant), seconds = request.ttl(), done = std::move(done)](
          const RpcOutcome& outcome, const etcdserverpb::LeaseGrantResponse& response) mutable {
        EtcdLeaseResult result{.outcome = outcome, .result = {}};
        result.result.revision = response.header().revision();
        LeaseInfo& lease = result.result.lease;
        if (outcome.code != absl::StatusCode::kFailedPrecondition) {
          lease = {.id = response.id(), .ttl = absl::Seconds(response.ttl()), .remaining = absl::Seconds(response.ttl()), .keys = {}};
          return std::move(done)(std::move(result));
        }
        etcdserverpb::LeaseTimeToLiveRequest look;
        look.set_id(grant.id);
        client.LeaseTimeToLive(look, [grant = std::move(grant), seconds, done = std::move(done)](
                                         const RpcOutcome& looked, const etcdserverpb::LeaseTimeToLiveResponse& there) mutable {
          EtcdLeaseResult result{.outcome = looked, .result = {}};
          result.result.revision = there.header().revision();
          if (looked.ok() && (grant.is == EtcdGrant::Id::kGiven || !IsThere(there))) {
            result.result.status = LeaseExists(grant.id);
          } else if (looked.ok() && grant.is == EtcdGrant::Id::kDrawnFromRequest && there.grantedttl() != seconds) {
            result.result.status = RequestIdReused(grant.request_id);
          } else if (looked.ok()) {
            result.result.lease = ToInfo(there);
            result.result.replayed = grant.is == EtcdGrant::Id::kDrawnFromRequest;
          }
          std::move(done)(std::move(result));
        });
      });
}

void RevokeEtcdLease(EtcdClient& client, const EtcdMapping& mapping, LeaseId id, absl::AnyInvocable<void(EtcdRevokeResult) &&> done) {
  std::make_shared<LeaseRevoker>(client, mapping, id, std::move(done))->Start();
}

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

void ListEtcdLeases(EtcdClient& client, LeaseId after, int leases_max, absl::AnyInvocable<void(EtcdLeaseListResult) &&> done) {
  std::make_shared<LeaseLister>(client, after, static_cast<size_t>(leases_max), std::move(done))->Start();
}

}  // namespace scoutlight::storage
