#include "tests/checker/replay.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "storage/testing/reference_model.h"
#include "tests/checker/answers.h"
#include "tests/checker/claims.h"
#include "tests/checker/tree.h"
#include "tests/checker/unanswered_deletes.h"

namespace scoutlight::checker {
namespace {

// A snapshot that a watch was sent.
struct Snapshot {
  Revision revision = 0;
  const WatchChain* chain = nullptr;
  std::vector<Entry> entries;
};

// The complete snapshots of all watches, in order of revision.
std::vector<Snapshot> SnapshotsOf(const History& history) {
  std::vector<Snapshot> snapshots;
  for (const WatchChain& chain : history.watches) {
    for (const WatchStream& stream : chain.streams) {
      Snapshot snapshot{.revision = 0, .chain = &chain, .entries = {}};
      for (const Frame& frame : stream.frames) {
        if (frame.kind != Frame::Kind::kSnapshot && frame.kind != Frame::Kind::kSnapshotEnd) continue;
        if (frame.restart) snapshot.entries.clear();
        snapshot.entries.insert(snapshot.entries.end(), frame.entries.begin(), frame.entries.end());
        if (frame.kind != Frame::Kind::kSnapshotEnd) continue;
        snapshot.revision = frame.revision;
        snapshots.push_back(snapshot);
        snapshot.entries.clear();
      }
    }
  }
  std::stable_sort(snapshots.begin(), snapshots.end(), [](const Snapshot& a, const Snapshot& b) { return a.revision < b.revision; });
  return snapshots;
}

class Replayer {
 public:
  Replayer(const History& history, const std::vector<Pin>& pins, const std::vector<int>& writers, const std::vector<Nanos>& known,
           Findings* findings)
      : history_(history), pins_(pins), writers_(writers), known_(known), findings_(*findings), deletes_(history, pins) {
    for (size_t i = 0; i < pins.size(); ++i) {
      if (pins[i].kind == Pin::Kind::kRead || pins[i].kind == Pin::Kind::kPast) views_.push_back(static_cast<int>(i));
    }
    std::stable_sort(views_.begin(), views_.end(), [&](int a, int b) { return ShownBy(a) < ShownBy(b); });
    snapshots_ = SnapshotsOf(history);
  }

  ReplayResult Run() {
    CheckViews(1);
    for (const LoggedBatch& logged : history_.log) {
      const Batch& batch = logged.batch;
      CheckEvents(batch);
      CheckWriter(batch);
      tree_.Apply(batch);
      CheckViews(batch.revision);
      if (findings_.full(Rule::kReplay)) return std::move(result_);
    }
    deletes_.Match(&findings_);
    result_.used_at_end = tree_.UsedLeases();
    return std::move(result_);
  }

 private:
  // The state that a call is compared with: a repeated write is evaluated where the first one was.
  Revision ShownBy(int call) const {
    const bool changed = pins_[call].kind == Pin::Kind::kPast && std::holds_alternative<Write>(history_.calls[call].request);
    return pins_[call].revision - (changed ? 1 : 0);
  }

  // Holds the events of a batch to the state before it.
  void CheckEvents(const Batch& batch) {
    for (size_t i = 0; i < batch.events.size(); ++i) {
      const Event& event = batch.events[i];
      if (i > 0 && !(batch.events[i - 1].key < event.key)) Fault(batch, "its events are not in key order");
      const Entry* const before = tree_.Find(event.key);
      if (event.previous_known && event.previous != (before == nullptr ? std::nullopt : std::optional<Entry>(*before))) {
        Fault(batch, absl::StrCat("previous of ", event.key.path(), " is ",
                                  event.previous.has_value() ? storage::Describe(*event.previous) : "nothing", " instead of ",
                                  before == nullptr ? "nothing" : storage::Describe(*before)));
      }
      if (event.entry.mod_revision != batch.revision) Fault(batch, absl::StrCat("mod_revision of ", event.key.path(), " is another one"));
      if (event.kind == EventKind::kDelete) {
        if (before == nullptr) Fault(batch, absl::StrCat(event.key.path(), " is deleted and was not there"));
        continue;
      }
      if (event.entry.version != (before == nullptr ? 1 : before->version + 1)) {
        Fault(batch, absl::StrCat("version of ", storage::Describe(event.entry), " does not follow that before"));
      }
      if (event.entry.create_revision != (before == nullptr ? batch.revision : before->create_revision)) {
        Fault(batch, absl::StrCat("create_revision of ", storage::Describe(event.entry), " is not when it was made"));
      }
      CheckLeaseOfPut(batch, event);
    }
  }

  void CheckLeaseOfPut(const Batch& batch, const Event& event) {
    const auto end = ended_.find(event.entry.lease_id);
    if (end == ended_.end()) return;
    findings_.Add(Rule::kLease, batch.revision, WriterOf(batch),
                  absl::StrCat(event.key.path(), " is put with lease ", event.entry.lease_id, ", which ended at ", end->second));
  }

  // Holds the batch to what its writer asked for.
  void CheckWriter(const Batch& batch) {
    const bool by_lease =
        std::any_of(batch.events.begin(), batch.events.end(), [](const Event& event) { return event.cause != EventCause::kWrite; });
    if (by_lease) CheckLeaseEnd(batch);
    const int writer = writers_[batch.revision];
    if (writer == kDeleter) deletes_.Add(batch, known_[batch.revision], &tree_);
    if (writer < 0) return;
    const Call& call = history_.calls[writer];
    if (const auto* revoke = std::get_if<Revoke>(&call.request)) return CheckRevoke(batch, writer, *revoke);
    const auto* const write = std::get_if<Write>(&call.request);
    if (write == nullptr) return Fault(batch, "a call that writes nothing claims it");
    const Effect effect = tree_.Evaluate(*write, batch.revision, Tree::Leases::kThere);
    if (call.outcome == Outcome::kOk) {
      const std::string fault = FaultInWrite(call, effect);
      if (!fault.empty()) Fault(batch, fault);
    } else if (effect.code != absl::StatusCode::kOk) {
      Fault(batch, absl::StrCat("it was carried out where ", std::string(ReasonName(effect.reason)), " is due"));
    }
    const std::string fault = FaultInEvents(batch.events, effect);
    if (!fault.empty()) Fault(batch, fault);
    if (by_lease) findings_.Add(Rule::kReplay, batch.revision, {writer}, "a client's write with the end of a lease as its cause");
  }

  void CheckRevoke(const Batch& batch, int writer, const Revoke& revoke) {
    const Call& call = history_.calls[writer];
    const Entry* const first = tree_.Find(batch.events.front().key);
    const bool same_lease = first != nullptr && first->lease_id == revoke.id;
    const bool is_revoked = batch.events.front().cause == EventCause::kLeaseRevoked;
    if (!same_lease || !is_revoked) {
      findings_.Add(Rule::kLease, batch.revision, {writer}, absl::StrCat("it is not the revocation of lease ", revoke.id));
      return;
    }
    if (call.outcome != Outcome::kOk || history_.over_etcd) return;
    const int64_t deleted = std::get<RevokeAnswer>(call.answer).deleted;
    if (deleted == static_cast<int64_t>(batch.events.size())) return;
    findings_.Add(Rule::kLease, batch.revision, {writer}, absl::StrCat("deleted ", deleted, ", and there were ", batch.events.size()));
  }

  // All keys of one lease, and nothing else.
  void CheckLeaseEnd(const Batch& batch) {
    const Event& first = batch.events.front();
    const Entry* const before = tree_.Find(first.key);
    const LeaseId lease = before == nullptr ? 0 : before->lease_id;
    const auto fault = [&](const std::string& message) { findings_.Add(Rule::kLease, batch.revision, WriterOf(batch), message); };
    if (lease == 0) return fault(absl::StrCat(first.key.path(), " goes with a lease that it does not have"));
    const std::set<Key>& due = tree_.KeysOf(lease);
    for (const Event& event : batch.events) {
      if (event.kind != EventKind::kDelete || event.cause != first.cause) return fault("the end of a lease does more than end it");
      if (!due.contains(event.key)) return fault(absl::StrCat(event.key.path(), " goes with lease ", lease, ", which it does not have"));
    }
    if (batch.events.size() != due.size()) {
      fault(absl::StrCat("lease ", lease, " ends and takes ", batch.events.size(), " of its ", due.size(), " keys"));
    }
    ended_[lease] = batch.revision;
    result_.ends.push_back({lease, batch.revision, first.cause});
  }

  // Reads and snapshots that show `revision`, which is the tree's state.
  void CheckViews(Revision revision) {
    for (; next_view_ < views_.size() && ShownBy(views_[next_view_]) <= revision; ++next_view_) {
      const int index = views_[next_view_];
      const std::string fault = FaultInView(history_.calls[index]);
      if (!fault.empty()) findings_.Add(Rule::kReplay, pins_[index].revision, {index}, fault);
    }
    for (; next_snapshot_ < snapshots_.size() && snapshots_[next_snapshot_].revision <= revision; ++next_snapshot_) {
      const Snapshot& snapshot = snapshots_[next_snapshot_];
      const std::string fault = FaultInSnapshot(snapshot.entries, snapshot.chain->range, tree_);
      if (!fault.empty()) findings_.Add(Rule::kWatch, snapshot.revision, {}, fault);
    }
  }

  std::string FaultInView(const Call& call) {
    if (std::holds_alternative<Read>(call.request)) {
      return call.failure.code == absl::StatusCode::kOutOfRange ? "" : FaultInRead(call, tree_);
    }
    if (const auto* write = std::get_if<Write>(&call.request)) {
      const bool no_lease = call.failure.reason == Reason::kLeaseNotFound;
      const Revision at = pins_[&call - history_.calls.data()].revision;
      const bool changed = pins_[&call - history_.calls.data()].kind == Pin::Kind::kPast;
      return FaultInWrite(call, tree_.Evaluate(*write, changed ? at : at + 1, no_lease ? Tree::Leases::kMissing : Tree::Leases::kThere));
    }
    if (const auto* revoke = std::get_if<Revoke>(&call.request); revoke != nullptr && call.outcome == Outcome::kOk) {
      const bool is_past = pins_[&call - history_.calls.data()].kind == Pin::Kind::kPast;
      if (!is_past && !tree_.KeysOf(revoke->id).empty()) return "it says that the lease has no keys, and it has";
    }
    return "";
  }

  std::vector<int> WriterOf(const Batch& batch) const {
    const int writer = writers_[batch.revision];
    return writer >= 0 ? std::vector<int>{writer} : std::vector<int>{};
  }

  void Fault(const Batch& batch, std::string message) { findings_.Add(Rule::kReplay, batch.revision, WriterOf(batch), std::move(message)); }

  const History& history_;
  const std::vector<Pin>& pins_;
  const std::vector<int>& writers_;
  const std::vector<Nanos>& known_;
  Findings& findings_;
  Tree tree_;
  UnansweredDeletes deletes_;
  std::vector<int> views_;  // Calls that show a state, in order of it.
  size_t next_view_ = 0;
  std::vector<Snapshot> snapshots_;
  size_t next_snapshot_ = 0;
  absl::flat_hash_map<LeaseId, Revision> ended_;
  ReplayResult result_;
};

}  // namespace

ReplayResult Replay(const History& history, const std::vector<Pin>& pins, const std::vector<int>& writers, const std::vector<Nanos>& known,
                    Findings* findings) {
  return Replayer(history, pins, writers, known, findings).Run();
}

}  // namespace scoutlight::checker
