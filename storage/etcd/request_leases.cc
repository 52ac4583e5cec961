#include "storage/etcd/request_leases.h"

#include <utility>

#include "base/limits.h"

namespace scoutlight::storage {
namespace {

constexpr absl::Duration kUse = absl::Minutes(1);
// From when a record is given its lease until etcd has it.
constexpr absl::Duration kWay = absl::Seconds(10);
constexpr int kRecordsMax = 1'000;

}  // namespace

void RequestLeases::Get(Done done) {
  const absl::Duration now = clock_.SinceBoot();
  if (lease_ != 0 && wanted_.empty() && now - granted_ < kUse && records_ < kRecordsMax) {
    ++records_;
    return std::move(done)({}, lease_);
  }
  wanted_.push_back(std::move(done));
  if (wanted_.size() > 1) return;
  etcdserverpb::LeaseGrantRequest request;
  request.set_id(kIdsFrom | static_cast<LeaseId>(random_() >> 2));
  // Its time begins with its first record, and must last for the last one.
  request.set_ttl(absl::ToInt64Seconds(limits::kRequestIdWindow + kUse + kWay));
  granted_ = now;
  client_.LeaseGrant(request, EtcdClient::Repeat::kAnytime,
                     [this, id = request.id()](const RpcOutcome& outcome, const etcdserverpb::LeaseGrantResponse&) {
                       // A try of this very call may have made it already.
                       const bool granted = outcome.ok() || outcome.code == absl::StatusCode::kFailedPrecondition;
                       lease_ = granted ? id : 0;
                       std::vector<Done> wanted = std::exchange(wanted_, {});
                       records_ = static_cast<int>(wanted.size());
                       for (Done& waiting : wanted) std::move(waiting)(granted ? RpcOutcome() : outcome, id);
                     });
}

}  // namespace scoutlight::storage
