#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_TRANSACTION_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_TRANSACTION_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compat/etcd/rpc.pb.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/transaction.h"

namespace scoutlight::storage {

// etcd's bounds on one transaction: operations or compares on the longest way through it, nested ones included; bytes of the request.
inline constexpr int kEtcdOperationsMax = 128;
inline constexpr size_t kEtcdRequestBytesMax = 1536 * 1024;

// One of our transactions as one etcd transaction, never more: etcd evaluates all compares, nested ones too, on the state before, takes one
// way through them, and carries that out at one revision. It looks so, with parts left out that have nothing to say:
//
//   if conditions                                       compares on keys; absence of a subtree is VERSION == 0 over its range
//     unless value of k is neither form of v: else F    for each condition value(k) == v, see below
//       S: if preconditions of its puts and deletes     VERSION == 0, MOD == n
//            operations                                 put, delete range, range; a range sees the writes before it
//          else reads of the keys in preconditions      they say which one failed, on the same state
//   else F: likewise
//
// Values compare whatever their form, and a form is a byte of the etcd value. `!=` is two compares. `==` is "not neither of both", for
// which a nested transaction swaps its branches, and F stands in it once more; k is there is a compare of its own, since any compare
// with a missing value is false. `<` and `>` would take the disjunction of two ranges and are refused.
//
// Also refused, with the reason (kInvalidArgument): what takes more than kEtcdOperationsMax or kEtcdRequestBytesMax; a delete of
// children alone and the condition that there are none (deeper nodes lie between them, so they are no range); an expected revision of a
// key that an earlier delete of the same branch covers; validate_only.
//
// What etcd cannot bound before it commits, this does not either: how many keys a delete removes, how long an answer is.
class EtcdTransaction {
 public:
  // `mapping` outlives the result.
  static absl::StatusOr<EtcdTransaction> Make(const EtcdMapping& mapping, Transaction transaction);

  const etcdserverpb::TxnRequest& request() const { return request_; }

  // What the answer to request() means. kDataLoss: it holds keys or values not made here; what was to be done is done.
  CommitResult Decode(etcdserverpb::TxnResponse response) const;

 private:
  // A put's or delete's own condition.
  struct Precondition {
    std::string field;  // "on_success[2].put.if_absent"
    Key key;
    bool if_absent = false;
    Revision expected = 0;  // 0: the key is absent.
  };
  struct Branch {
    std::vector<Operation> operations;
    std::vector<Precondition> preconditions;
  };
  using Requests = google::protobuf::RepeatedPtrField<etcdserverpb::RequestOp>;
  using Responses = google::protobuf::RepeatedPtrField<etcdserverpb::ResponseOp>;

  explicit EtcdTransaction(const EtcdMapping& mapping) : mapping_(&mapping) {}

  absl::Status AddCondition(const Condition& condition, const std::string& field);
  absl::Status SetBranch(std::vector<Operation> operations, absl::string_view field, Branch* branch) const;
  void Build();
  void BuildGuarded(const Branch& branch, etcdserverpb::TxnRequest* to) const;
  void BuildBranch(const Branch& branch, Requests* to) const;
  void BuildOperation(const Operation& operation, Requests* to) const;

  absl::Status DecodeTree(const etcdserverpb::TxnResponse& response, CommitResult* result) const;
  absl::Status DecodeBranch(const Branch& branch, const Responses& responses, CommitResult* result) const;
  absl::Status DecodeGuarded(const Branch& branch, bool held, const Responses& responses, CommitResult* result) const;
  absl::StatusOr<OperationResult> DecodeOperation(const Operation& operation, const Responses& responses, int* at, Revision revision) const;
  absl::StatusOr<OperationResult> DecodeList(const ListOperation& list, const Responses& responses, int* at) const;
  absl::Status Diagnose(const Branch& branch, const Responses& responses) const;

  const EtcdMapping* mapping_;
  Branch success_;
  Branch failure_;
  std::vector<etcdserverpb::Compare> compares_;                    // Of the outermost level.
  std::vector<std::vector<etcdserverpb::Compare>> neither_forms_;  // For each value(k) == v: that k holds neither form of v.
  etcdserverpb::TxnRequest request_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_TRANSACTION_H_
