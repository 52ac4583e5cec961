// The set that a session wants, and how its instances are changed one by one.
#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "server/discovery/instance_conversion.h"
#include "server/discovery/session.h"

namespace scoutlight::server {

using discovery::InstanceName;
using Whose = SessionHost::Owner::Whose;

namespace {

// Whether two errors say the same, in whatever words.
bool SameError(const absl::Status& a, const absl::Status& b) {
  const ErrorDetails of_a = DetailsOf(a).value_or(ErrorDetails());
  const ErrorDetails of_b = DetailsOf(b).value_or(ErrorDetails());
  return a.code() == b.code() && of_a.reason == of_b.reason && of_a.violations == of_b.violations;
}

}  // namespace

absl::btree_map<InstanceName, Revision> Session::registered() const {
  absl::btree_map<InstanceName, Revision> registered;
  for (const auto& [name, member] : members_) {
    if (member.wanted && member.epoch != 0) registered[name] = member.epoch;
  }
  return registered;
}

Session::Wanted Session::WantedAfter(const Declaration& declaration) const {
  Wanted after;
  const bool anew = declaration.replace || !declared_;
  if (!anew) after = {.instances = members_.size() - removals_, .bytes = wanted_bytes_};
  absl::btree_set<InstanceName> given_up;
  const auto give_up = [&](const InstanceName& name) {
    const auto member = members_.find(name);
    if (anew || member == members_.end() || !member->second.wanted || !given_up.insert(name).second) return;
    --after.instances;
    after.bytes -= member->second.bytes;
  };
  for (const InstanceName& name : declaration.remove) give_up(name);
  for (const Declaration::Wanted& one : declaration.set) {
    give_up(one.name);
    ++after.instances;
    after.bytes += discovery::PropertyBytes(one.properties);
  }
  return after;
}

Session::Members::iterator Session::Add(const InstanceName& name) {
  const auto [member, is_new] = members_.try_emplace(name);
  if (is_new) host_.Follow(name);
  return member;
}

void Session::Erase(Members::iterator member) {
  if (!member->second.wanted) --removals_;
  host_.Unfollow(member->first);
  members_.erase(member);
}

absl::Status Session::CheckWanted(const Declaration& declaration) const {
  const Wanted after = WantedAfter(declaration);
  std::vector<FieldViolation> violations;
  if (after.bytes > limits::kBytesPerLeaseMax) {
    violations.push_back({"declare.set", absl::StrCat("makes ", after.bytes, " bytes of properties that the session wants, at most ",
                                                      limits::kBytesPerLeaseMax, " are allowed")});
  }
  if (after.instances > static_cast<size_t>(limits::kSessionInstancesMax)) {
    violations.push_back({"declare.set", absl::StrCat("makes ", after.instances, " instances that the session wants, at most ",
                                                      limits::kSessionInstancesMax, " are allowed")});
  }
  return violations.empty() ? absl::OkStatus() : InvalidFields(Reason::kInvalidField, std::move(violations));
}

void Session::TakeDeclaration(Declaration declaration) {
  if (declaration.replace || !declared_) {
    for (auto member = members_.begin(); member != members_.end(); ++member) {
      if (!member->second.wanted) continue;
      Unwant(member, false);
      member->second.declaration = declaration.number;
    }
  }
  if (!std::exchange(declared_, true)) {
    earlier_declaration_ = declaration.number;
    FindEarlier();
  }
  for (const InstanceName& name : declaration.remove) {
    const auto member = Add(name);
    Unwant(member, true);
    member->second.declaration = declaration.number;
  }
  for (Declaration::Wanted& wanted : declaration.set) Want(std::move(wanted), declaration);
}

void Session::Want(Declaration::Wanted wanted, const Declaration& declaration) {
  const auto member = Add(wanted.name);
  Member& of = member->second;
  if (!std::exchange(of.wanted, true)) --removals_;
  wanted_bytes_ -= of.bytes;
  of.properties = std::move(wanted.properties);
  of.bytes = discovery::PropertyBytes(of.properties);
  wanted_bytes_ += of.bytes;
  of.take_over = declaration.take_over;
  of.declaration = declaration.number;
  of.owed = true;
  MarkDue(member);
}

void Session::Unwant(Members::iterator member, bool owed) {
  Member& of = member->second;
  if (std::exchange(of.wanted, false)) ++removals_;
  of.properties.clear();
  wanted_bytes_ -= std::exchange(of.bytes, 0);
  of.take_over = false;
  of.owed = owed;
  MarkDue(member);
}

void Session::FindEarlier() {
  if (lease_before_ == 0) return;
  finding_earlier_ = true;
  host_.FindRegistered(lease_before_, std::exchange(earlier_next_, std::nullopt),
                       [this](SessionHost::Registered registered) { OnEarlierFound(std::move(registered)); });
}

void Session::OnEarlierFound(SessionHost::Registered registered) {
  finding_earlier_ = false;
  if (!registered.status.ok() && !absl::IsNotFound(registered.status)) return End(registered.status);
  earlier_.assign(std::make_move_iterator(registered.names.begin()), std::make_move_iterator(registered.names.end()));
  if (registered.more) earlier_next_ = earlier_.back();
  Pump();
}

void Session::RemoveEarlier() {
  if (phase_ != Phase::kOpen && phase_ != Phase::kLeaving) return;
  while (!earlier_.empty() && removals_ < static_cast<size_t>(limits::kSessionInstancesMax)) {
    const InstanceName name = std::move(earlier_.front());
    earlier_.pop_front();
    if (members_.contains(name)) continue;
    const std::optional<SessionHost::Owner> owner = host_.Look(name);
    if (owner.has_value() && owner->whose != Whose::kOurs) continue;
    const auto member = Add(name);
    Unwant(member, true);
    member->second.declaration = earlier_declaration_;
  }
  if (earlier_.empty() && earlier_next_.has_value()) FindEarlier();
}

void Session::MarkDue(Members::iterator member) {
  Member& of = member->second;
  of.due = true;
  of.retry = false;
  of.fill = false;
  if (of.under_way || std::exchange(of.queued, true)) return;
  due_.push_back(member->first);
}

void Session::Pump() {
  RemoveEarlier();
  while ((phase_ == Phase::kOpen || phase_ == Phase::kLeaving) && under_way_ < limits::kSessionChangesMax && !due_.empty()) {
    const auto member = members_.find(due_.front());
    due_.pop_front();
    member->second.queued = false;
    member->second.due = false;
    if (member->second.wanted) {
      StartRegistering(member);
    } else {
      StartDeregistering(member);
    }
    RemoveEarlier();
  }
  FinishLeaving();
  ReadNextIfFew();
}

void Session::StartRegistering(Members::iterator member) {
  Member& of = member->second;
  of.under_way = true;
  of.asked_under = host_.SchemasVersion();
  ++under_way_;
  SessionHost::Registering registering{.name = member->first,
                                       .properties = of.properties,
                                       .lease_id = lease_,
                                       .incarnation = incarnation_,
                                       .take_over = of.take_over,
                                       .keep_stored = std::exchange(of.fill, false)};
  host_.Register(std::move(registering), [this, member, incarnation = incarnation_](const SessionHost::Change& change) {
    if (TakeAnswer(member, incarnation, change)) OnRegistered(member, change);
    Pump();
  });
}

void Session::StartDeregistering(Members::iterator member) {
  const std::optional<SessionHost::Owner> owner = host_.Look(member->first);
  if (!owner.has_value()) return Refuse(member, CatalogLoading(), 0);
  if (owner->whose == Whose::kAnother) return LetGo(member, absl::OkStatus(), owner->revision);
  if (owner->whose == Whose::kNobody) {
    Tell(member, SessionState::kRemoved, absl::OkStatus(), owner->revision);
    return Erase(member);
  }
  member->second.under_way = true;
  ++under_way_;
  host_.Deregister(member->first, owner->epoch, incarnation_,
                   [this, member, incarnation = incarnation_](const SessionHost::Change& change) {
                     if (TakeAnswer(member, incarnation, change)) OnDeregistered(member, change);
                     Pump();
                   });
}

bool Session::TakeAnswer(Members::iterator member, Revision incarnation, const SessionHost::Change& change) {
  Member& of = member->second;
  of.under_way = false;
  --under_way_;
  if (phase_ == Phase::kEnded) return false;
  // Of a lease that has ended since.
  if (incarnation != incarnation_ || phase_ == Phase::kLapsed || phase_ == Phase::kRenewing) return MarkDue(member), false;
  const bool record_gone = change.record_found.has_value() ? *change.record_found == 0 : ReasonOf(change.status) == Reason::kLeaseNotFound;
  if (phase_ == Phase::kLeaving) {
    if (change.record_found.value_or(0) != 0) return End(OpenedElsewhere()), false;
    // With the lease it is gone.
    if (record_gone) return Erase(member), false;
    return true;
  }
  if (record_gone) {
    MarkDue(member);
    return OnLeaseEnded(), false;
  }
  if (change.record_found.has_value()) return End(OpenedElsewhere()), false;
  return true;
}

void Session::OnRegistered(Members::iterator member, const SessionHost::Change& change) {
  Member& of = member->second;
  if (change.status.ok()) of.epoch = change.epoch;
  // Something else is wanted by now.
  if (of.due) return MarkDue(member);
  if (change.status.ok()) {
    of.take_over = false;
    Tell(member, SessionState::kRegistered, change.status, change.revision);
    // What came between is no change any more for who looks later.
    return LookAt(member);
  }
  const Reason reason = ReasonOf(change.status);
  if (reason == Reason::kInstanceOwned) return LetGo(member, change.status, change.revision);
  if (reason == Reason::kInstanceNotFound) return Lose(member, change.revision);
  if (reason != Reason::kFenced) return Refuse(member, change.status, change.revision);
  const std::optional<SessionHost::Owner> owner = host_.Look(member->first);
  if (owner.has_value() && owner->whose == Whose::kAnother) return LetGo(member, change.status, change.revision);
  if (owner.has_value() && owner->whose == Whose::kOurs) return MarkDue(member);
  Lose(member, change.revision);
}

void Session::OnDeregistered(Members::iterator member, const SessionHost::Change& change) {
  Member& of = member->second;
  if (change.status.ok()) of.epoch = 0;
  if (of.due) return MarkDue(member);
  if (change.status.ok()) {
    Tell(member, SessionState::kRemoved, change.status, change.revision);
    return Erase(member);
  }
  // Whose it is by now decides.
  if (ReasonOf(change.status) == Reason::kFenced) return MarkDue(member);
  Refuse(member, change.status, change.revision);
}

void Session::OnChanged(const InstanceName& name) {
  const auto member = members_.find(name);
  if (member == members_.end()) return;
  Member& of = member->second;
  // Of one that is to be changed anyway, the change will tell; of one that is being changed, its answer.
  if (!of.wanted || of.due || of.under_way) return;
  if (of.epoch == 0 || phase_ != Phase::kOpen) return;
  LookAt(member);
  Pump();
}

void Session::LookAt(Members::iterator member) {
  const std::optional<SessionHost::Owner> owner = host_.Look(member->first);
  if (!owner.has_value()) return;
  switch (owner->whose) {
    case Whose::kNobody:
      return Lose(member, owner->revision);
    case Whose::kAnother:
      return LetGo(member, absl::OkStatus(), owner->revision);
    case Whose::kOurs:
      if (owner->epoch != member->second.epoch) {
        member->second.epoch = owner->epoch;
        Tell(member, SessionState::kRegistered, absl::OkStatus(), owner->revision);
      }
      if (owner->outdated) return MarkDue(member);
      FillUp(member);
  }
}

void Session::FillUp(Members::iterator member) {
  Member& of = member->second;
  // Of one that its schema refuses, what was registered before stays.
  if (!of.wanted || of.retry || !host_.Lacks(member->first, of.properties)) return;
  of.lacking = std::exchange(of.filled, true);
  if (of.lacking) return;
  MarkDue(member);
  of.fill = true;
}

void Session::Lose(Members::iterator member, Revision revision) {
  member->second.epoch = 0;
  MarkDue(member);
  Tell(member, SessionState::kLost, absl::OkStatus(), revision);
}

void Session::LetGo(Members::iterator member, const absl::Status& status, Revision revision) {
  if (phase_ == Phase::kLeaving) ++fenced_;
  Tell(member, SessionState::kFenced, status, revision);
  Erase(member);
}

void Session::Refuse(Members::iterator member, const absl::Status& status, Revision revision) {
  Tell(member, SessionState::kRefused, status, revision);
  Member& of = member->second;
  // What cannot be removed goes with the lease at the latest.
  if (phase_ == Phase::kLeaving || (!of.wanted && removals_ > limits::kSessionInstancesMax)) return Erase(member);
  of.retry = true;
  // A schema says the same as long as it is the same: it is not asked for nothing.
  const bool by_schema = of.wanted && absl::IsInvalidArgument(status) && ReasonOf(status) == Reason::kInvalidField;
  of.refused_under = by_schema ? of.asked_under : 0;
  // Another schema may let it in long after it was to be taken from its owner.
  if (by_schema) of.take_over = false;
}

void Session::RetryRefused() {
  const uint64_t schemas = host_.SchemasVersion();
  for (auto member = members_.begin(); member != members_.end(); ++member) {
    Member& of = member->second;
    of.filled = false;
    if (of.retry && of.refused_under != schemas) MarkDue(member);
    if (std::exchange(of.lacking, false) && !of.due && !of.under_way) FillUp(member);
  }
}

void Session::Tell(Members::iterator member, SessionState state, const absl::Status& status, Revision revision) {
  Member& of = member->second;
  const Revision epoch = state == SessionState::kRegistered ? of.epoch : 0;
  const bool same = of.told.state == state && of.told.epoch == epoch && SameError(of.told.status, status);
  if (!std::exchange(of.owed, false) && same) return;
  of.told = {.name = member->first, .state = state, .epoch = epoch, .status = status, .declaration = of.declaration, .revision = revision};
  host_.SendInstance(of.told);
}

void Session::ReadNextIfFew() {
  if (!read_pending_ || phase_ == Phase::kEnded || removals_ > limits::kSessionInstancesMax) return;
  read_pending_ = false;
  host_.ReadNext();
}

}  // namespace scoutlight::server
