#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_LOOK_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_LOOK_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/etcd/loaded_state.h"
#include "storage/transaction.h"

namespace scoutlight::storage {

// Bounds of what one look reads: as much as one transaction may change.
struct EtcdLookBounds {
  int entries_max = 0;
  size_t bytes_max = 0;
};

// Reads the part of one state that a transaction depends on, so that it can be evaluated here (storage/local/evaluator.h), and says what
// must still be so for the evaluation to hold. Made by std::make_shared; used on the client's thread only.
class EtcdLook : public std::enable_shared_from_this<EtcdLook> {
 public:
  // At `revision`; 0: the latest, which all calls then show. `client` and `mapping` outlive it.
  EtcdLook(EtcdClient& client, const EtcdMapping& mapping, EtcdLookBounds bounds, Revision revision)
      : client_(client), mapping_(mapping), bounds_(bounds), revision_(revision) {}

  // Not ok in `outcome`: etcd did not answer. Not OK in `status`: kInvalidArgument, kTransactionTooLarge: it is more than the bounds;
  // kDataLoss: what no ScoutLight wrote.
  struct Seen {
    RpcOutcome outcome;
    absl::Status status;
  };
  using Done = absl::AnyInvocable<void(Seen) &&>;

  // Reads what the conditions ask, and the pair at `request_key` if that is not empty. First, once.
  void AtConditions(const std::vector<Condition>& conditions, std::string request_key, Done done);
  // Then what the operations of one branch read and change.
  void AtOperations(const std::vector<Operation>& operations, Done done);

  Revision revision() const { return revision_; }
  const LoadedState& state() const { return state_; }
  const std::optional<mvccpb::KeyValue>& request() const { return request_; }

  // What holds as long as what was read is as it was, in the fewest compares.
  std::vector<etcdserverpb::Compare> Guards() const;
  // Subtrees that are deleted and hold too many nodes to guard each: they are guarded only against growth, so that what a delete of the
  // whole range finds at last may be less than what was seen here, but not nothing.
  const std::vector<KeyRange>& unfixed() const { return unfixed_; }

 private:
  struct Want {
    // kAnyChild: whether there is a child with an entry of its own.
    enum class Kind { kKey, kBelow, kSubtree, kChildren, kAnyChild };
    enum class Cut { kAllowed, kTooLarge };
    enum class Purpose { kRead, kDelete };

    Kind kind = Kind::kKey;
    Key key;
    bool values = true;
    int entries_max = 0;  // Of kSubtree and kChildren.
    Cut cut = Cut::kTooLarge;
    Purpose purpose = Purpose::kRead;
    bool hide_system = false;
    // Of kChildren: values are read in order, and no more of them than an answer holds. Of kKey: it is one of those values.
    bool fills_answer = false;
  };
  struct Walk {
    Want want;
    std::string from;
    std::string end;
    int64_t limit = 0;
    int64_t limit_max = 0;
    size_t bytes = 0;
    int entries = 0;
    std::string last_child;  // Of kChildren.
    std::vector<std::pair<std::string, Revision>> pairs;
  };

  // What the operations of the branch change.
  struct Changed {
    std::vector<KeyRange> deleted;
    std::vector<KeyRange> put;
  };
  void WantOperation(const Operation& operation, const Changed& changed);
  void WantList(const ListOperation& list, const Changed& changed);
  void GoOn();
  void ReadKeys();
  void TakeKeys(const std::vector<Want>& wants, const etcdserverpb::TxnResponse& response);
  void StartWalk();
  void WalkOn();
  // Whether it is a child's own entry.
  absl::StatusOr<bool> TakeForChild(const mvccpb::KeyValue& pair);
  // False: it is enough.
  bool TakeWalked(const mvccpb::KeyValue& pair);
  void EndWalk(bool cut);
  absl::Status Keep(const mvccpb::KeyValue& pair, bool with_value);
  EtcdRange RangeOf(const Want& want) const;
  bool Answered(const RpcOutcome& outcome, const etcdserverpb::ResponseHeader& header);
  void Finish(Seen seen);

  EtcdClient& client_;
  const EtcdMapping& mapping_;
  const EtcdLookBounds bounds_;
  Revision revision_;
  LoadedState state_;
  std::string request_key_;
  std::optional<mvccpb::KeyValue> request_;
  std::vector<Want> wants_;  // Still to be read; the last is next.
  Walk walk_;
  Done done_;
  size_t bytes_ = 0;
  size_t answer_bytes_ = 0;  // Of the values of the children that are being read.

  std::map<std::string, Revision> fixed_;  // Etcd keys and their mod_revisions; 0: absent.
  std::vector<EtcdRange> empty_;           // Nothing lies there.
  std::vector<EtcdRange> not_grown_;       // Nothing there was put since.
  std::vector<KeyRange> unfixed_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_LOOK_H_
