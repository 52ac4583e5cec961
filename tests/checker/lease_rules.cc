#include "tests/checker/lease_rules.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace scoutlight::checker {
namespace {

// A grant or a renewal.
struct Refresh {
  Nanos called = 0;
  Nanos returned = 0;
  bool acknowledged = false;
  int call = 0;
};

struct Revocation {
  Nanos called = 0;
  Nanos returned = 0;
  bool acknowledged = false;
};

// What is known of one lease.
struct Life {
  Nanos ttl = 0;
  bool granted = false;            // Somebody asked for it.
  std::vector<Refresh> refreshes;  // In order of call.
  std::vector<Revocation> revocations;
  const LeaseEnd* end = nullptr;  // With keys.
};

Nanos InNanos(absl::Duration duration) { return absl::ToInt64Nanoseconds(duration); }

class LeaseChecker {
 public:
  LeaseChecker(const History& history, const std::vector<Pin>& pins, const std::vector<Nanos>& known, const ReplayResult& replayed,
               const LeaseBounds& bounds, Findings* findings)
      : history_(history), pins_(pins), known_(known), replayed_(replayed), bounds_(bounds), findings_(*findings) {}

  void Run() {
    for (size_t i = 0; i < history_.calls.size(); ++i) Note(static_cast<int>(i));
    for (const LoggedBatch& logged : history_.log) last_time_ = std::max(last_time_, logged.received);
    for (const LeaseEnd& end : replayed_.ends) NoteEnd(end);
    for (const LeaseEnd& end : replayed_.ends) CheckEnd(end);
    for (const LeaseId id : replayed_.used_at_end) CheckGone(id, lives_[id]);
    for (size_t i = 0; i < history_.calls.size(); ++i) CheckCall(static_cast<int>(i));
  }

 private:
  void Note(int index) {
    const Call& call = history_.calls[index];
    last_time_ = std::max(last_time_, call.returned);
    const bool ok = call.outcome == Outcome::kOk;
    if (const auto* grant = std::get_if<Grant>(&call.request); grant != nullptr && call.outcome != Outcome::kFailed) {
      const LeaseId id = ok ? std::get<GrantAnswer>(call.answer).id : grant->id;
      if (id == 0) unknown_ids_ = true;
      Life& life = lives_[id];
      life.granted = true;
      life.ttl = InNanos(grant->ttl);
      // A repetition begins nothing anew.
      const bool counts = ok && !IsReplayed(call);
      life.refreshes.push_back({call.called, call.returned, counts, index});
    } else if (const auto* renew = std::get_if<Renew>(&call.request); renew != nullptr && call.outcome != Outcome::kFailed) {
      for (size_t i = 0; i < renew->ids.size(); ++i) {
        const Outcome outcome = ok ? std::get<RenewAnswer>(call.answer).results[i] : Outcome::kUnknown;
        if (outcome == Outcome::kFailed) continue;
        lives_[renew->ids[i]].refreshes.push_back({call.called, call.returned, outcome == Outcome::kOk, index});
      }
    } else if (const auto* revoke = std::get_if<Revoke>(&call.request); revoke != nullptr && call.outcome != Outcome::kFailed) {
      lives_[revoke->id].revocations.push_back({call.called, call.returned, ok});
    }
  }

  void NoteEnd(const LeaseEnd& end) {
    Life& life = lives_[end.lease];
    if (life.end != nullptr) Fault(end.revision, {}, absl::StrCat("lease ", end.lease, " ends at ", life.end->revision, " and again"));
    life.end = &end;
  }

  void Fault(Revision revision, std::vector<int> calls, std::string message) {
    findings_.Add(Rule::kLease, revision, std::move(calls), std::move(message));
  }

  // From when on an old leader may end it, since by what that knew it had run out; kNever: it may not.
  static Nanos MayEndFrom(const Life& life, const Outage& old_leader) {
    bool there = false;
    Nanos known_until = 0;
    for (const Refresh& refresh : life.refreshes) {
      there = there || refresh.called < old_leader.halted;
      if (refresh.acknowledged && refresh.returned < old_leader.stopped) known_until = std::max(known_until, refresh.called + life.ttl);
    }
    return there && known_until <= old_leader.serving ? std::max(known_until, old_leader.started) : kNever;
  }

  // Until when a lease must live by an acknowledged refresh.
  Nanos LivesUntil(const Life& life, const Refresh& refresh) const {
    Nanos until = refresh.called + life.ttl;
    bool restarted = false;
    for (const Outage& outage : history_.outages) {
      if (outage.kind == Outage::Kind::kOldLeader) {
        const bool comes_late = refresh.called > outage.serving + InNanos(bounds_.old_leader);
        if (!comes_late) until = std::min(until, MayEndFrom(life, outage));
        continue;
      }
      if (outage.kind == Outage::Kind::kNewLeader || outage.stopped < refresh.returned || outage.stopped >= until) continue;
      if (outage.kind == Outage::Kind::kPause) {
        until += std::max<Nanos>(0, outage.started - outage.halted - InNanos(bounds_.unnoticed_pause));
      } else if (!restarted) {
        until = std::max(until, outage.started + life.ttl);
        restarted = true;
      } else {
        until += outage.started - outage.halted;
      }
    }
    return until;
  }

  // When it must be gone, after `refresh` as the last.
  Nanos GoneBy(const Life& life, const Refresh& refresh) const {
    Nanos by = refresh.returned + life.ttl + InNanos(bounds_.late);
    bool restarted = false;
    for (const Outage& outage : history_.outages) {
      if (outage.kind == Outage::Kind::kOldLeader || outage.serving < refresh.called || outage.stopped > by) continue;
      if (outage.kind == Outage::Kind::kNewLeader) {
        by = std::max(by, outage.serving + life.ttl + InNanos(bounds_.late));
        continue;
      }
      by += outage.serving - outage.stopped + InNanos(bounds_.late);
      if (outage.kind == Outage::Kind::kRestart && !restarted) by += life.ttl;
      restarted = restarted || outage.kind == Outage::Kind::kRestart;
    }
    return by;
  }

  // The latest moment at which it may still be there, as far as anybody refreshed it by `time`; kNever: nobody knows when it was granted.
  Nanos LastDeadline(const Life& life, Nanos time) const {
    Nanos last = 0;
    for (const Refresh& refresh : life.refreshes) {
      if (refresh.called <= time) last = std::max(last, GoneBy(life, refresh));
    }
    return last == 0 ? kNever : last;
  }

  void CheckEnd(const LeaseEnd& end) {
    const Life& life = lives_[end.lease];
    const Nanos known = known_[end.revision];
    if (!life.granted && !unknown_ids_) Fault(end.revision, {}, absl::StrCat("lease ", end.lease, " ends, and nobody was granted it"));
    if (end.cause != EventCause::kLeaseExpired || !life.granted) return;
    for (const Refresh& refresh : life.refreshes) {
      const Nanos until = LivesUntil(life, refresh);
      if (!refresh.acknowledged || known >= until) continue;
      Fault(end.revision, {refresh.call},
            absl::StrCat("lease ", end.lease, " was seen to have ended ", (until - known) / 1'000'000, " ms too early"));
      break;
    }
    CheckLate(end.revision, end.lease, life, known);
  }

  void CheckGone(LeaseId id, const Life& life) {
    if (life.granted) CheckLate(0, id, life, last_time_);
  }

  void CheckLate(Revision revision, LeaseId id, const Life& life, Nanos time) {
    const Nanos deadline = LastDeadline(life, time);
    if (time <= deadline) return;
    Fault(revision, {},
          absl::StrCat("lease ", id, revision == 0 ? " has not ended" : " ended", ", ", (time - deadline) / 1'000'000, " ms too late"));
  }

  // Whether the lease must have been there all the time of `call`.
  bool MustLive(LeaseId id, const Call& call) const {
    const auto it = lives_.find(id);
    if (it == lives_.end() || !it->second.granted) return false;
    const Life& life = it->second;
    const bool revoked = std::any_of(life.revocations.begin(), life.revocations.end(), [&](const Revocation& revocation) {
      return revocation.called <= call.returned && revocation.called != call.called;
    });
    if (revoked) return false;
    return std::any_of(life.refreshes.begin(), life.refreshes.end(), [&](const Refresh& refresh) {
      return refresh.acknowledged && refresh.returned <= call.called && call.returned < LivesUntil(life, refresh);
    });
  }

  // Whether it must have been gone when `call` was made.
  bool MustBeGone(LeaseId id, const Call& call) const {
    const auto it = lives_.find(id);
    if (it == lives_.end() || !it->second.granted) return !unknown_ids_;
    const Life& life = it->second;
    if (life.end != nullptr && known_[life.end->revision] < call.called) return true;
    return std::any_of(life.revocations.begin(), life.revocations.end(),
                       [&](const Revocation& revocation) { return revocation.acknowledged && revocation.returned < call.called; });
  }

  void CheckCall(int index) {
    const Call& call = history_.calls[index];
    const bool missing = call.outcome == Outcome::kFailed && call.failure.reason == Reason::kLeaseNotFound;
    if (IsReplayed(call)) return;
    if (const auto* renew = std::get_if<Renew>(&call.request); renew != nullptr && call.outcome == Outcome::kOk) {
      const auto& results = std::get<RenewAnswer>(call.answer).results;
      for (size_t i = 0; i < renew->ids.size(); ++i) {
        if (results[i] == Outcome::kOk) CheckFound(index, renew->ids[i]);
        if (results[i] == Outcome::kFailed) CheckMissing(index, {renew->ids[i]});
      }
    } else if (const auto* revoke = std::get_if<Revoke>(&call.request)) {
      if (missing) CheckMissing(index, {revoke->id});
      if (call.outcome == Outcome::kOk) CheckFound(index, revoke->id);
    } else if (const auto* write = std::get_if<Write>(&call.request)) {
      std::vector<LeaseId> named;
      ForEachPut(*write, [&named](const storage::PutOperation& put) {
        if (put.lease_id != 0) named.push_back(put.lease_id);
      });
      if (missing) CheckMissing(index, named);
      if (pins_[index].kind == Pin::Kind::kWrite && call.outcome == Outcome::kOk) CheckPutsFound(index, *write);
    }
  }

  void CheckPutsFound(int index, const Write& write) {
    const bool succeeded = std::get<WriteAnswer>(history_.calls[index].answer).succeeded;
    for (const storage::Operation& operation : succeeded ? write.on_success : write.on_failure) {
      const auto* const put = std::get_if<storage::PutOperation>(&operation);
      if (put != nullptr && put->lease_id != 0) CheckFound(index, put->lease_id);
    }
  }

  void CheckFound(int index, LeaseId id) {
    if (!MustBeGone(id, history_.calls[index])) return;
    Fault(pins_[index].revision, {index}, absl::StrCat("it finds lease ", id, ", which nobody was granted or which had ended"));
  }

  // One of `ids` was said to be missing.
  void CheckMissing(int index, const std::vector<LeaseId>& ids) {
    const bool all_there = std::all_of(ids.begin(), ids.end(), [&](LeaseId id) { return MustLive(id, history_.calls[index]); });
    if (all_there) Fault(pins_[index].revision, {index}, "it misses a lease that was alive");
  }

  const History& history_;
  const std::vector<Pin>& pins_;
  const std::vector<Nanos>& known_;
  const ReplayResult& replayed_;
  const LeaseBounds bounds_;
  Findings& findings_;
  absl::flat_hash_map<LeaseId, Life> lives_;
  bool unknown_ids_ = false;  // A grant without an answer left it to the store to draw the id.
  Nanos last_time_ = 0;
};

}  // namespace

void CheckLeases(const History& history, const std::vector<Pin>& pins, const std::vector<Nanos>& known, const ReplayResult& replayed,
                 const LeaseBounds& bounds, Findings* findings) {
  LeaseChecker(history, pins, known, replayed, bounds, findings).Run();
}

}  // namespace scoutlight::checker
