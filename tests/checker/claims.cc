#include "tests/checker/claims.h"

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace scoutlight::checker {
namespace {

class Claims {
 public:
  Claims(const History& history, std::vector<Pin>* pins, Findings* findings)
      : history_(history), pins_(*pins), findings_(*findings), last_(static_cast<Revision>(history.log.size()) + 1) {}

  std::vector<int> Run() {
    if (!IsContiguous()) return {};
    writers_.assign(last_ + 1, kNobody);
    GroupRepetitions();
    for (size_t i = 0; i < pins_.size(); ++i) Claim(static_cast<int>(i));
    NoteValues();
    for (const LoggedBatch& logged : history_.log) {
      if (writers_[logged.batch.revision] == kNobody) writers_[logged.batch.revision] = FindWriter(logged.batch);
    }
    for (const auto& [id, calls] : repetitions_) CheckCarriedOutOnce(calls);
    return std::move(writers_);
  }

 private:
  bool IsContiguous() {
    Revision expected = 2;
    for (const LoggedBatch& logged : history_.log) {
      const Revision revision = logged.batch.revision;
      if (revision != expected) {
        findings_.Add(Rule::kContiguity, revision, {},
                      absl::StrCat("the log goes on with revision ", revision, " where ", expected, " is due"));
        return false;
      }
      if (logged.batch.events.empty() && !history_.has_gaps) {
        findings_.Add(Rule::kContiguity, revision, {}, "the revision changes nothing");
      }
      ++expected;
    }
    return true;
  }

  bool IsGap(Revision revision) const { return revision >= 2 && history_.log[revision - 2].batch.events.empty(); }

  void GroupRepetitions() {
    for (size_t i = 0; i < history_.calls.size(); ++i) {
      const std::string& id = RequestIdOf(history_.calls[i]);
      if (!id.empty()) repetitions_[id].push_back(static_cast<int>(i));
    }
  }

  bool SameRequest(int a, int b) const {
    const std::string& id = RequestIdOf(history_.calls[a]);
    return a == b || (!id.empty() && id == RequestIdOf(history_.calls[b]));
  }

  void Claim(int call) {
    Pin& pin = pins_[call];
    if (pin.kind == Pin::Kind::kNone) return;
    if (pin.revision > last_) {
      findings_.Add(Rule::kContiguity, pin.revision, {call},
                    absl::StrCat("an answer names revision ", pin.revision, ", and the log ends at ", last_));
      pin.kind = Pin::Kind::kNone;
      return;
    }
    if (pin.kind != Pin::Kind::kWrite) return;
    if (IsGap(pin.revision)) {
      findings_.Add(Rule::kContiguity, pin.revision, {call}, absl::StrCat("it claims revision ", pin.revision, ", which changed nothing"));
      pin.kind = Pin::Kind::kNone;
      return;
    }
    int& writer = writers_[pin.revision];
    if (writer == kNobody) {
      writer = call;
      return;
    }
    // Two calls say that they made it: one request, answered twice, or a fault.
    const bool one_is_replayed = IsReplayed(history_.calls[call]) || IsReplayed(history_.calls[writer]);
    if (!SameRequest(call, writer) || !one_is_replayed) {
      findings_.Add(Rule::kContiguity, pin.revision, {writer, call}, absl::StrCat("two calls claim revision ", pin.revision));
      pin.kind = Pin::Kind::kNone;
      return;
    }
    int other = call;
    if (IsReplayed(history_.calls[writer])) std::swap(writer, other);
    pins_[other].kind = Pin::Kind::kPast;
  }

  void NoteValues() {
    for (size_t i = 0; i < history_.calls.size(); ++i) {
      const auto* const write = std::get_if<Write>(&history_.calls[i].request);
      if (write == nullptr) continue;
      const int call = static_cast<int>(i);
      ForEachPut(*write, [&](const storage::PutOperation& put) {
        const auto [it, is_new] = putters_.try_emplace(put.value.bytes, call);
        if (!is_new && !SameRequest(it->second, call)) {
          findings_.Add(Rule::kHistory, 0, {it->second, call}, absl::StrCat("two calls put the value \"", put.value.bytes, "\""));
        }
      });
    }
  }

  int FindWriter(const Batch& batch) {
    if (batch.events.empty()) return kNobody;
    const Event& first = batch.events.front();
    if (first.cause == EventCause::kLeaseExpired) return kTheStore;
    if (first.cause == EventCause::kLeaseRevoked) return FindRevoker(batch);
    for (const Event& event : batch.events) {
      if (event.kind == EventKind::kPut) return FindPutter(batch.revision, event);
    }
    return kDeleter;
  }

  int FindPutter(Revision revision, const Event& event) {
    const auto it = putters_.find(event.entry.value.bytes);
    if (it == putters_.end()) {
      findings_.Add(Rule::kContiguity, revision, {},
                    absl::StrCat("nobody wrote revision ", revision, " (", event.key.path(), " = \"", event.entry.value.bytes, "\")"));
      return kNobody;
    }
    const int unanswered = Unanswered(it->second);
    if (unanswered == kNobody) {
      const bool refused = history_.calls[it->second].outcome == Outcome::kFailed;
      findings_.Add(
          Rule::kContiguity, revision, {it->second},
          absl::StrCat("revision ", revision, " carries out a call that ", refused ? "was refused" : "is answered with another one"));
      return kNobody;
    }
    Take(unanswered, revision);
    return unanswered;
  }

  int FindRevoker(const Batch& batch) {
    const LeaseId lease = batch.events.front().previous.value_or(Entry()).lease_id;
    std::vector<int> others;
    for (size_t i = 0; i < history_.calls.size(); ++i) {
      const auto* const revoke = std::get_if<Revoke>(&history_.calls[i].request);
      const int call = static_cast<int>(i);
      if (revoke == nullptr || revoke->id != lease) continue;
      if (Unanswered(call) == call || MayHaveRevoked(call, batch.revision)) {
        Take(call, batch.revision);
        return call;
      }
      others.push_back(call);
    }
    findings_.Add(Rule::kContiguity, batch.revision, others, absl::StrCat("nobody revoked lease ", lease, " at revision ", batch.revision));
    return kNobody;
  }

  // Over etcd an answer does not say whether the lease still had keys.
  bool MayHaveRevoked(int call, Revision revision) const {
    const Pin& pin = pins_[call];
    const bool ok = history_.calls[call].outcome == Outcome::kOk && !IsReplayed(history_.calls[call]);
    return history_.over_etcd && ok && pin.kind == Pin::Kind::kRead && pin.revision >= revision;
  }

  // The first call without an answer, and not yet with a revision, among the repetitions of `call`; kNobody: there is none.
  int Unanswered(int call) const {
    const auto is_open = [this](int one) {
      return history_.calls[one].outcome == Outcome::kUnknown && pins_[one].kind == Pin::Kind::kNone;
    };
    const auto group = repetitions_.find(RequestIdOf(history_.calls[call]));
    if (group == repetitions_.end()) return is_open(call) ? call : kNobody;
    const auto found = std::find_if(group->second.begin(), group->second.end(), is_open);
    return found == group->second.end() ? kNobody : *found;
  }

  void Take(int call, Revision revision) { pins_[call] = {Pin::Kind::kWrite, revision, history_.calls[call].called}; }

  // `calls` are one request. What it changed, it changed at one revision; and once it has, no later call is refused.
  void CheckCarriedOutOnce(const std::vector<int>& calls) {
    int writer = kNobody;
    for (const int call : calls) {
      if (pins_[call].kind != Pin::Kind::kWrite) continue;
      if (writer != kNobody) {
        findings_.Add(Rule::kRepetition, pins_[call].revision, {writer, call}, "one request is carried out twice");
        return;
      }
      writer = call;
    }
    if (writer == kNobody) return;
    for (const int call : calls) {
      const Call& refused = history_.calls[call];
      const bool after = pins_[call].kind == Pin::Kind::kRead && pins_[call].revision >= pins_[writer].revision;
      const bool open_later = std::any_of(calls.begin(), calls.end(), [&](int other) {
        return history_.calls[other].called > refused.called && history_.calls[other].outcome != Outcome::kFailed;
      });
      if (!after || refused.outcome != Outcome::kFailed || open_later) continue;
      findings_.Add(Rule::kRepetition, pins_[call].revision, {writer, call}, "a request that was carried out is refused when repeated");
    }
  }

  const History& history_;
  std::vector<Pin>& pins_;
  Findings& findings_;
  const Revision last_;
  std::vector<int> writers_;
  absl::flat_hash_map<absl::string_view, std::vector<int>> repetitions_;  // By request id, in order of call.
  absl::flat_hash_map<absl::string_view, int> putters_;                   // By value.
};

}  // namespace

std::vector<int> ClaimRevisions(const History& history, std::vector<Pin>* pins, Findings* findings) {
  return Claims(history, pins, findings).Run();
}

}  // namespace scoutlight::checker
