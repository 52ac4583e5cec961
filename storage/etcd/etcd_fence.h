#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_FENCE_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_FENCE_H_

#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/clock.h"
#include "base/entry.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_mapping.h"

namespace scoutlight::storage {

// Makes a revision that every watch of this store is shown, so that a watch tells how far it has come when nobody writes: the mark alone,
// put. (etcd before 3.4.31 and 3.5.13 may answer a watch's request for progress in front of events.) At most one is on its way; whoever
// asks meanwhile shares the next one. Used on the client's thread only.
class EtcdFence {
 public:
  // All outlive this.
  EtcdFence(EtcdClient& client, const EtcdMapping& mapping, Clock& clock) : client_(client), mapping_(mapping), clock_(clock) {}

  // `done` gets a revision made after this call, if the outcome is ok.
  using Done = absl::AnyInvocable<void(const RpcOutcome&, Revision) &&>;
  void Ask(Done done) {
    next_.push_back(std::move(done));
    if (asked_.empty()) Put();
  }

 private:
  void Put() {
    asked_ = std::exchange(next_, {});
    etcdserverpb::TxnRequest request;
    etcdserverpb::PutRequest* put = request.add_success()->mutable_request_put();
    put->set_key(mapping_.mark_key());
    put->set_value(EtcdMapping::EncodeMark({EtcdMark::Kind::kFence, clock_.Now()}));
    client_.Txn(std::move(request), EtcdClient::Repeat::kAnytime,
                [this](const RpcOutcome& outcome, const etcdserverpb::TxnResponse& response) {
                  for (Done& done : asked_) std::move(done)(outcome, response.header().revision());
                  asked_.clear();
                  if (!next_.empty()) Put();
                });
  }

  EtcdClient& client_;
  const EtcdMapping& mapping_;
  Clock& clock_;
  std::vector<Done> asked_;  // Of the one on its way.
  std::vector<Done> next_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_FENCE_H_
