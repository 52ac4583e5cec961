#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_COMMIT_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_COMMIT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_health.h"
#include "storage/etcd/etcd_look.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/etcd/etcd_transaction.h"
#include "storage/etcd/request_leases.h"
#include "storage/local/evaluator.h"
#include "storage/store.h"

namespace scoutlight::storage {

// Carries out one transaction over etcd. A plain one is one call (EtcdTransaction). Any other is looked at first and evaluated here, by the
// evaluator of the local stores, and its changes are put on the condition that what was looked at is still so; if not, all of that
// again, at most limits::kContendedTriesMax times. Either way it is one transaction of etcd, never more. What changes nothing is answered
// from the look.
//
// A request with an id leaves a record. Who finds it there answers as at first: evaluates the transaction on the state before its revision.
// It may be its own: etcd was asked again because it had not answered.
//
// Made by std::make_shared; used on the client's thread only, after the constructor.
class EtcdCommit : public std::enable_shared_from_this<EtcdCommit> {
 public:
  struct Parts {
    EtcdClient& client;
    const EtcdMapping& mapping;
    RequestLeases& request_leases;
    EtcdHealth& health;
    const Traits& traits;
    std::function<uint64_t()> random;
  };
  // `result` as Store::Commit's, its revision 0: not known. `outcome`: how the last call to etcd ended. `batch`: what a watch will show at
  // the result's revision; null: nothing, or not known.
  struct Ended {
    RpcOutcome outcome;
    CommitResult result;
    std::shared_ptr<const Batch> batch;
  };
  using Done = absl::AnyInvocable<void(Ended) &&>;

  // `committed`: what the mark is to say. `parts` outlives it.
  EtcdCommit(const Parts& parts, Transaction transaction, absl::Time committed, Done done)
      : parts_(parts), transaction_(std::move(transaction)), committed_(committed), done_(std::move(done)) {}

  void Start();

 private:
  bool has_request() const { return !transaction_.origin.request_id.empty(); }
  void GetRequestLease();
  void TryAtOnce(LeaseId request_lease);
  void Look();
  void LookAtBranch();
  // Which leases named in the branch there are, one after the other; then Judge().
  void AskLeases(std::vector<LeaseId> ids);
  void Judge();
  Evaluation EvaluateOn(const EtcdLook& look, const Transaction& transaction, Revision revision) const;
  EtcdCompanions Companions(LeaseId request_lease) const;
  // OK if the changes keep to the bounds of etcd's traits.
  absl::Status CheckBounds(const std::vector<Change>& changes) const;
  void Put(Evaluation evaluation, LeaseId request_lease);
  etcdserverpb::TxnRequest MakeGuarded(const std::vector<Change>& changes, const EtcdCompanions& companions) const;
  // The result of what was put, with what only etcd knows: the revision, and how much of an unfixed subtree was there.
  absl::Status Complete(const etcdserverpb::TxnResponse& response, CommitResult* result) const;
  // What it did to the state of the look; null: not known before the watch shows it.
  std::shared_ptr<const Batch> BatchOf(std::vector<Change> changes, Revision revision, absl::Time committed) const;
  // etcd takes no more puts, and may or may not have taken this one.
  void OnFull(const RpcOutcome& outcome);
  void Again(const RpcOutcome& outcome);
  void Replay(const mvccpb::KeyValue& record, Revision now);
  const std::vector<Operation>& branch() const { return succeeded_ ? transaction_.on_success : transaction_.on_failure; }
  std::shared_ptr<EtcdLook> NewLook(Revision revision) const;
  // Goes on only if nothing was wrong.
  bool Saw(const EtcdLook::Seen& seen);
  void Fail(const RpcOutcome& outcome, absl::Status status, Revision revision);
  void Finish(CommitResult result, std::shared_ptr<const Batch> batch = nullptr);

  const Parts& parts_;
  const Transaction transaction_;
  const absl::Time committed_;
  Done done_;
  uint64_t commit_ = 0;  // Of EtcdRequestRecord.
  std::shared_ptr<EtcdLook> look_;
  bool succeeded_ = false;    // Which branch the conditions chose, by the look.
  bool asks_leases_ = false;  // etcd has missed one; which, it does not say ...
  LeaseId suspected_ = 0;     // ... and this, of the record, may be it.
  absl::flat_hash_set<LeaseId> missing_leases_;
  int tries_ = 0;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_COMMIT_H_
