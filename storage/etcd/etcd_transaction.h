#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_TRANSACTION_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_TRANSACTION_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "compat/etcd/rpc.pb.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/transaction.h"

namespace scoutlight::storage {

// etcd's bound on one transaction, by default (--max-txn-ops): operations or compares on the longest way through it, nested ones included.
inline constexpr int kEtcdOperationsMax = 128;
// And on the bytes of a request (--max-request-bytes), with room for what etcd wraps around it.
inline constexpr size_t kEtcdRequestBytesMax = 1536 * 1024 - 512;

// What goes into every transaction beside its operations: the mark, and the request's record if it has an id.
struct EtcdCompanions {
  EtcdCompanions(const EtcdMapping& mapping, const Origin& origin, absl::Time now, LeaseId request_lease);

  bool has_request() const { return !request_key.empty(); }
  // Puts of both.
  void AddTo(bool succeeded, google::protobuf::RepeatedPtrField<etcdserverpb::RequestOp>* to) const;
  // Holds as long as the request was not carried out.
  etcdserverpb::Compare IsNew() const;

  absl::Time committed;  // As the mark says it.
  std::string mark_key;
  std::string mark;
  std::string request_key;  // Empty: the request has no id.
  uint64_t request_hash = 0;
  uint64_t request_commit = 0;  // Of EtcdRequestRecord.
  LeaseId request_lease = 0;    // Ends with the window in which the request is remembered.
};

// As etcd counts it against kEtcdOperationsMax.
int EtcdCost(const etcdserverpb::TxnRequest& request);

// A transaction that etcd evaluates by itself: all compares, nested ones too, on the state before; one way through them is carried out, at
// one revision. It looks so, with parts left out that have nothing to say:
//
//   if the request was not carried out before           VERSION == 0 of its record
//     if conditions                                     compares on keys; absence of a subtree is VERSION == 0 over its range
//       S: if preconditions of its puts and deletes     VERSION == 0, MOD == n
//            operations, mark, request's record         put, delete, range; a range sees the writes before it
//          else reads of the keys in preconditions      they say which one failed, on the same state
//     else F: likewise
//   else the request's record
//
// etcd bounds neither how much a transaction changes nor its answer, and does not say beforehand whether it changes anything; so this is
// for transactions of which all that is plain: puts, deletes of single keys beside a put, few reads of single keys. For any other one there
// is EtcdLook.
class EtcdTransaction {
 public:
  // `bytes_max`: of new and previous entries. nullopt: it has to be looked at first. `mapping` outlives the result.
  static std::optional<EtcdTransaction> Make(const EtcdMapping& mapping, const Transaction& transaction, size_t bytes_max,
                                             EtcdCompanions companions);

  const etcdserverpb::TxnRequest& request() const { return request_; }

  struct Answer {
    CommitResult result;
    std::shared_ptr<Batch> batch;             // What a watch will show of it; null: nothing, or not known.
    std::optional<mvccpb::KeyValue> earlier;  // The request's record: it was carried out before, and `result` says only the revision.
  };
  // What the answer to request() means. kDataLoss, or kUnknown if something was changed: it holds keys or values not made here.
  Answer Decode(const etcdserverpb::TxnResponse& response) const;

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
    bool changes = false;
    bool succeeded = false;
  };
  using Requests = google::protobuf::RepeatedPtrField<etcdserverpb::RequestOp>;
  using Responses = google::protobuf::RepeatedPtrField<etcdserverpb::ResponseOp>;

  EtcdTransaction(const EtcdMapping& mapping, EtcdCompanions companions) : mapping_(&mapping), companions_(std::move(companions)) {}

  // False: it has to be looked at first.
  bool AddCondition(const Condition& condition);
  bool SetBranch(const std::vector<Operation>& operations, bool succeeded, size_t bytes_max, Branch* branch) const;
  void Build();
  void BuildConditions(etcdserverpb::TxnRequest* to) const;
  void BuildBranch(const Branch& branch, etcdserverpb::TxnRequest* to) const;
  void BuildOperation(const Operation& operation, Requests* to) const;

  absl::Status DecodeConditions(bool succeeded, const Responses& responses, Answer* answer) const;
  absl::Status DecodeBranch(const Branch& branch, bool held, const Responses& responses, Answer* answer) const;
  absl::StatusOr<OperationResult> DecodeOperation(const Operation& operation, const Responses& responses, int* at, Revision revision) const;
  // What a put or delete changed, to which etcd answered `response`; nullopt: nothing. kDataLoss: what was there was not made here.
  absl::StatusOr<std::optional<Event>> EventOf(const Operation& operation, const etcdserverpb::ResponseOp& response,
                                               Revision revision) const;
  absl::Status Diagnose(const Branch& branch, const Responses& responses) const;

  const EtcdMapping* mapping_;
  EtcdCompanions companions_;
  Branch success_;
  Branch failure_;
  std::vector<etcdserverpb::Compare> compares_;  // Of the conditions.
  etcdserverpb::TxnRequest request_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_TRANSACTION_H_
