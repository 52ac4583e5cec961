#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/checker/registration_rules.h"

namespace scoutlight::checker {
namespace {

using discovery::InstanceName;

Nanos InNanos(absl::Duration duration) { return absl::ToInt64Nanoseconds(duration); }

// A sign of life of an owner.
struct Refresh {
  Nanos sent = 0;
  Nanos answered = kNever;
  Nanos ttl = 0;
};

// What owners have said, of one store.
class Owners {
 public:
  Owners(const RegistrationHistory& history, const StoreId& store) {
    for (const SessionStream& stream : history.sessions) {
      if (stream.opened == kNever || stream.store == store) Note(stream);
    }
    for (const RegistrationCall& call : history.calls) {
      if (call.kind == CallKind::kRegister && (call.outcome != Outcome::kOk || call.store == store)) Note(call);
    }
  }

  // Acknowledged ones of a lease.
  const std::vector<Refresh>& Of(LeaseId lease) const {
    static const std::vector<Refresh>* const none = new std::vector<Refresh>();
    const auto it = acknowledged_.find(lease);
    return it == acknowledged_.end() ? *none : it->second;
  }

  // The last sign of life, of a session or on a name, that was sent by `time`; `ttl` the longest that one of them spoke of, 0: nobody
  // knows.
  Refresh LastOf(const std::string& session, const InstanceName& name, Nanos time) const {
    Refresh last{.sent = 0, .answered = 0, .ttl = 0};
    if (const auto it = sessions_.find(session); it != sessions_.end()) Join(it->second, time, &last);
    if (const auto it = names_.find({session, name}); it != names_.end()) Join(it->second, time, &last);
    return last;
  }

 private:
  static void Join(const std::vector<Refresh>& refreshes, Nanos time, Refresh* last) {
    for (const Refresh& refresh : refreshes) {
      if (refresh.sent > time) continue;
      last->sent = std::max(last->sent, refresh.sent);
      last->answered = std::max(last->answered, std::min(refresh.answered, time));
      last->ttl = std::max(last->ttl, refresh.ttl);
    }
  }

  void Note(const SessionStream& stream) {
    const Nanos ttl = InNanos(stream.ttl);
    std::vector<Refresh>& all = sessions_[stream.session];
    // What was not answered may have been heard until the stream's end.
    const auto by = [&](Nanos answered) { return answered == kNever ? stream.ended : answered; };
    all.push_back({stream.called, by(stream.opened), ttl});
    if (stream.opened != kNever) acknowledged_[stream.lease_id].push_back({stream.called, stream.opened, ttl});
    for (const SessionStream::Declaration& declaration : stream.declarations) all.push_back({declaration.sent, stream.ended, ttl});
    for (const SessionStream::Beat& beat : stream.beats) {
      all.push_back({beat.sent, by(beat.answered), ttl});
      if (beat.answered != kNever) acknowledged_[beat.lease_id].push_back({beat.sent, beat.answered, ttl});
    }
  }

  void Note(const RegistrationCall& call) {
    if (call.ttl == absl::ZeroDuration()) return;
    const Refresh refresh{call.called, call.returned, InNanos(call.ttl)};
    names_[{call.session, call.name}].push_back(refresh);
    // A repetition renews nothing.
    if (call.outcome == Outcome::kOk && !call.replayed) acknowledged_[call.instance.lease_id].push_back(refresh);
  }

  std::map<LeaseId, std::vector<Refresh>> acknowledged_;
  std::map<std::string, std::vector<Refresh>> sessions_;
  std::map<std::pair<std::string, InstanceName>, std::vector<Refresh>> names_;
};

// Who asked that an instance goes.
class Removals {
 public:
  Removals(const RegistrationHistory& history, const RegistrationBounds& bounds) : lag_(InNanos(bounds.late)) {
    for (const RegistrationCall& call : history.calls) {
      const bool removes = call.kind == CallKind::kDeregister || call.kind == CallKind::kHandDelete;
      if (removes && call.outcome != Outcome::kFailed) calls_.insert({call.name, &call});
    }
    for (const SessionStream& stream : history.sessions) Note(stream);
  }

  // Whether that may be the removal at `revision`, of what `session` owned, which came to be between two moments.
  bool Asked(const std::string& session, const InstanceName& name, Revision revision, Nanos not_yet, Nanos known) const {
    const auto [begin, end] = calls_.equal_range(name);
    for (auto it = begin; it != end; ++it) {
      const RegistrationCall& call = *it->second;
      // An answer says when it was.
      if (call.outcome == Outcome::kOk ? call.revision == revision : call.called <= known) return true;
    }
    const auto own = sessions_.find(session);
    if (own == sessions_.end()) return false;
    return std::any_of(own->second.begin(), own->second.end(), [&](const Ask& ask) {
      return ask.sent <= known && not_yet <= ask.until && (ask.all_but ? !ask.names.contains(name) : ask.names.contains(name));
    });
  }

 private:
  struct Ask {
    Nanos sent = 0;
    Nanos until = kNever;  // What the stream has under way at its end may still be done.
    std::set<InstanceName> names;
    bool all_but = false;  // All others go.
  };

  void Note(const SessionStream& stream) {
    std::vector<Ask>& asks = sessions_[stream.session];
    const Nanos until = stream.ended == kNever ? kNever : stream.ended + lag_;
    bool first = true;
    for (const SessionStream::Declaration& declaration : stream.declarations) {
      if (declaration.replace || first) asks.push_back({declaration.sent, until, {declaration.set.begin(), declaration.set.end()}, true});
      if (!declaration.remove.empty()) {
        asks.push_back({declaration.sent, until, {declaration.remove.begin(), declaration.remove.end()}, false});
      }
      first = false;
    }
    if (stream.left != kNever) asks.push_back({stream.left, until, {}, true});
  }

  const Nanos lag_;
  std::multimap<InstanceName, const RegistrationCall*> calls_;
  std::map<std::string, std::vector<Ask>> sessions_;
};

class KeptCheck {
 public:
  KeptCheck(const RegistrationFacts& facts, const StoreFacts& store, const Removals& removals, Findings* findings)
      : facts_(facts), store_(store), removals_(removals), owners_(facts.history, store.timeline.store()), findings_(*findings) {}

  void Run() {
    for (const auto& [name, states] : store_.timeline.instances()) {
      for (size_t i = 1; i < states.size(); ++i) {
        if (!states[i].present && states[i - 1].epoch != 0) CheckEnd(name, states[i - 1], states[i]);
      }
      // What is still there at the end was there when the last call was made.
      if (states.back().present) CheckLate(name, states.back(), 0, store_.times.last_called());
    }
  }

 private:
  void CheckEnd(const InstanceName& name, const InstanceState& last, const InstanceState& end) {
    const Nanos known = store_.KnownBy(end.since, facts_.end);
    if (end.cause == EventCause::kLeaseExpired) {
      CheckEarly(name, last, end, known);
      CheckLate(name, last, end.since, store_.times.NotYetAt(end.since));
    } else if (!removals_.Asked(last.session, name, end.since, store_.times.NotYetAt(end.since), known)) {
      Fault(name, end.since, absl::StrCat("it is removed, of ", Owner(last), ", and nobody asked for that"));
    }
  }

  void CheckEarly(const InstanceName& name, const InstanceState& last, const InstanceState& end, Nanos known) {
    for (const Refresh& refresh : owners_.Of(last.lease_id)) {
      const Nanos run = RunSince(refresh, store_.times.NotYetAt(end.since), known);
      if (run >= refresh.ttl) continue;
      return Fault(name, end.since,
                   absl::StrCat("it is gone with lease ", last.lease_id, " of ", Owner(last), " at most ", run / 1'000'000,
                                " ms of serving after what was answered as a renewal for ", refresh.ttl / 1'000'000, " ms"));
    }
  }

  // The longest that the server can have run from a renewal to an end that came to be between two moments. The first start after it gives
  // the lease its whole ttl once more.
  Nanos RunSince(const Refresh& refresh, Nanos not_yet, Nanos known) const {
    const auto run = [&](Nanos from, Nanos to) { return facts_.clock.RunAtMost(from, to, facts_.bounds.unnoticed_pause); };
    const Nanos start = facts_.clock.StartAfter(refresh.answered);
    if (start >= known) return run(refresh.sent, known);
    return std::max(run(start, known), not_yet < start ? run(refresh.sent, start) : 0);
  }

  // It was still there at `seen`, if it was registered by then.
  void CheckLate(const InstanceName& name, const InstanceState& last, Revision revision, Nanos seen) {
    if (last.lease_id == 0 || store_.times.KnownBy(last.epoch) > seen) return;
    const Refresh heard = owners_.LastOf(last.session, name, seen);
    if (heard.ttl == 0) return;
    const Nanos from = std::max(heard.sent, heard.answered);
    const Nanos run = facts_.clock.RunAtLeast(from, seen);
    const Nanos most = 2 * heard.ttl + InNanos(facts_.bounds.late) * (1 + facts_.clock.StartsWithin(from, seen));
    if (run <= most) return;
    Fault(name, revision,
          absl::StrCat("it is there ", run / 1'000'000, " ms of serving after ", Owner(last), " was heard of last, ", most / 1'000'000,
                       " ms are allowed"));
  }

  static std::string Owner(const InstanceState& state) { return absl::StrCat("session \"", state.session, "\" (epoch ", state.epoch, ")"); }

  void Fault(const InstanceName& name, Revision revision, absl::string_view what) {
    findings_.Add(Rule::kKept, revision, {}, absl::StrCat(Text(name), revision == 0 ? "" : absl::StrCat(" at ", revision), ": ", what));
  }

  const RegistrationFacts& facts_;
  const StoreFacts& store_;
  const Removals& removals_;
  const Owners owners_;
  Findings& findings_;
};

}  // namespace

void CheckKept(const RegistrationFacts& facts, Findings* findings) {
  const Removals removals(facts.history, facts.bounds);
  for (const auto& store : facts.stores) KeptCheck(facts, *store, removals, findings).Run();
}

}  // namespace scoutlight::checker
