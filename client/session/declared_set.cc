#include "client/session/declared_set.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "client/wire/session_conversion.h"

namespace scoutlight::client {

namespace wire = discovery::v1;
using discovery::InstanceName;

namespace {

constexpr absl::string_view kSetField = "declare.set[";

std::string SetField(int place) { return absl::StrCat(kSetField, place, "]."); }

// Which element of `declare.set` a violated field is in; -1: none.
int PlaceOf(absl::string_view field) {
  if (!absl::ConsumePrefix(&field, kSetField)) return -1;
  int place = -1;
  return absl::SimpleAtoi(field.substr(0, field.find(']')), &place) ? place : -1;
}

// In a repeated field, with tag and length.
template <typename Message>
size_t BytesOf(const Message& message) {
  return message.ByteSizeLong() + sizeof(int64_t);
}

absl::Status OwnedByAnother() {
  ErrorDetails details;
  details.reason = Reason::kFenced;
  return MakeError(absl::StatusCode::kAborted, "another session owns the instance", details);
}

}  // namespace

size_t DeclaredBytes(const InstanceName& name, const discovery::Properties& properties) {
  wire::Registration registration;
  FillRegistration(name, properties, &registration);
  return BytesOf(registration);
}

// A declaration as it grows.
struct DeclaredSet::Draft {
  wire::SessionRequest::Declare declare;
  std::vector<InstanceName> set;
  size_t bytes = 0;
  bool is_first = false;
  std::optional<bool> take_over;  // What is declared together is taken over, or not, together.
  bool is_full = false;
};

void DeclaredSet::MarkDue(Entry* entry) { entry->due = due_ = true; }

void DeclaredSet::Say(Entry* entry, RegistrationState state, Revision epoch, const absl::Status& status) {
  RegistrationReport report{.name = entry->told.name, .state = state, .epoch = epoch, .status = status};
  if (report == entry->told) return;
  entry->told = std::move(report);
  tell_(entry->told);
}

DeclaredSet::Entries::iterator DeclaredSet::SayRemoved(Entries::iterator entry) {
  Say(&entry->second, RegistrationState::kRemoved, 0, absl::OkStatus());
  return entries_.erase(entry);
}

void DeclaredSet::Want(const InstanceName& name, Properties properties, IfOwned if_owned) {
  Entry& entry = entries_[name];
  entry.told.name = name;
  entry.wanted = std::move(properties);
  entry.removing = entry.fenced = entry.lapsed = false;
  entry.take_over = if_owned == IfOwned::kTakeOver;
  entry.rejected = nullptr;
  Say(&entry, RegistrationState::kPending, entry.told.epoch, absl::OkStatus());
  MarkDue(&entry);
}

void DeclaredSet::Unwant(const InstanceName& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.removing) return;
  Entry& entry = found->second;
  if (entry.fenced || !entry.sent_once) {
    SayRemoved(found);
    return;
  }
  entry.removing = true;
  entry.take_over = entry.lapsed = false;
  entry.rejected = nullptr;
  Say(&entry, RegistrationState::kPending, entry.told.epoch, absl::OkStatus());
  MarkDue(&entry);
}

void DeclaredSet::UnwantAll() {
  std::vector<InstanceName> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  for (const InstanceName& name : names) Unwant(name);
}

void DeclaredSet::SetSoftValues(const InstanceName& name, discovery::SoftValues soft) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.removing) return;
  found->second.soft = std::move(soft);
  found->second.soft_due = soft_due_ = true;
}

void DeclaredSet::BeginStream() {
  EndRound();
  declared_ = false;
  for (auto& [name, entry] : entries_) {
    entry.sent_take_over = entry.lapsed = false;
    entry.soft_due = entry.soft.has_value();
    if (!entry.fenced) MarkDue(&entry);
  }
}

const DeclaredSet::Properties& DeclaredSet::Declared(const Entry& entry, absl::Duration now) {
  return IsHeld(entry) && now < entry.retry_at ? entry.accepted : entry.wanted;
}

bool DeclaredSet::IsForLater(const Draft& draft, const Entry& entry) const {
  if (!draft.is_first) return false;
  // What is to go goes by not being named; it is named in the next one, for the answer.
  if (entry.removing) return true;
  return !MayBeRegistered(entry) && (entry.take_over || is_narrowed());
}

void DeclaredSet::AddTo(Draft* draft, Entries::value_type* one, absl::Duration now) {
  auto& [name, entry] = *one;
  if (!entry.due || draft->is_full || IsForLater(*draft, entry)) return;
  const int instances_max = draft->is_first ? limits::kSessionInstancesMax : chunk_max_;
  if (static_cast<int>(draft->set.size()) + draft->declare.remove_size() == instances_max) {
    draft->is_full = true;
    return;
  }
  if (entry.removing) {
    FillName(name, draft->declare.add_remove());
    draft->bytes += BytesOf(*draft->declare.remove().rbegin());
    draft->is_full = draft->bytes > kDeclareBytesMax;  // A name is small against the room that is left.
    entry.due = false;
    return;
  }
  const Properties& wanted = Declared(entry, now);
  const bool as_before = draft->is_first && is_narrowed() && entry.accepted != nullptr;
  const Properties& declared = as_before ? entry.accepted : wanted;
  if (declared == nullptr) {
    entry.due = false;
    return;
  }
  // What is the session's own needs no taking over.
  const bool take_over = entry.take_over && !draft->is_first;
  if (draft->take_over.value_or(take_over) != take_over) return;
  wire::Registration registration;
  FillRegistration(name, *declared, &registration);
  draft->bytes += BytesOf(registration);
  if (draft->bytes > kDeclareBytesMax && !draft->set.empty()) {
    draft->is_full = true;
    return;
  }
  *draft->declare.add_set() = std::move(registration);
  draft->take_over = take_over;
  draft->set.push_back(name);
  entry.due = declared != wanted;
  entry.sent_once = true;
  entry.sent_take_over = take_over;
  entry.sent = declared;
}

std::optional<wire::SessionRequest::Declare> DeclaredSet::TakeDeclare(absl::Duration now) {
  Draft draft{.is_first = !declared_};
  // What may be registered goes before what is not: it must not be missing in a declaration that replaces.
  for (const bool registered : {true, false}) {
    for (auto& one : entries_) {
      if (MayBeRegistered(one.second) == registered) AddTo(&draft, &one, now);
    }
  }
  due_ = std::any_of(entries_.begin(), entries_.end(), [](const auto& one) { return one.second.due; });
  if (!draft.is_first && draft.set.empty() && draft.declare.remove_size() == 0) return std::nullopt;
  draft.declare.set_replace(draft.is_first);
  draft.declare.set_take_over(draft.take_over.value_or(false));
  declared_ = true;
  round_set_ = std::move(draft.set);
  round_removals_ = draft.declare.remove_size();
  round_replaces_ = draft.is_first;
  return std::move(draft.declare);
}

wire::SessionRequest::Heartbeat DeclaredSet::TakeHeartbeat() {
  wire::SessionRequest::Heartbeat heartbeat;
  size_t bytes = 0;
  soft_due_ = false;
  for (auto& [name, entry] : entries_) {
    if (!entry.soft_due || entry.told.state != RegistrationState::kRegistered) continue;
    if (bytes > kSoftBytesMax) {
      soft_due_ = true;
      break;
    }
    wire::SessionRequest::Heartbeat::Values& values = *heartbeat.add_values();
    FillName(name, values.mutable_name());
    FillSoftValues(*entry.soft, values.mutable_soft());
    bytes += values.ByteSizeLong();
    entry.soft_due = false;
  }
  return heartbeat;
}

void DeclaredSet::EndRound() {
  for (const InstanceName& name : round_set_) {
    const auto found = entries_.find(name);
    if (found != entries_.end()) found->second.sent = nullptr;
  }
  round_set_.clear();
  round_removals_ = 0;
}

void DeclaredSet::OnRoundTaken() {
  for (const InstanceName& name : round_set_) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) continue;
    Entry& entry = found->second;
    entry.accepted = entry.sent;
    if (entry.rejected == entry.accepted) entry.rejected = nullptr;
  }
  if (!due_) chunk_max_ = limits::kSessionInstancesMax;
  EndRound();
  for (auto& [name, entry] : entries_) {
    if (std::exchange(entry.lapsed, false)) Say(&entry, RegistrationState::kRegistered, entry.told.epoch, absl::OkStatus());
  }
}

void DeclaredSet::OnState(const wire::SessionResponse::InstanceState& state) {
  const auto found = entries_.find(NameOf(state.name()));
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  switch (state.state()) {
    case wire::SessionResponse::InstanceState::STATE_REGISTERED:
      return OnRegistered(&entry, state.epoch());
    case wire::SessionResponse::InstanceState::STATE_REFUSED:
      if (!entry.fenced && !entry.due && !IsDeclaredOtherwise(entry))
        Say(&entry, RegistrationState::kRefused, entry.told.epoch, ErrorOf(state));
      return;
    case wire::SessionResponse::InstanceState::STATE_FENCED:
      return OnFenced(found, ErrorOf(state));
    case wire::SessionResponse::InstanceState::STATE_LOST:
      entry.lapsed = false;
      if (entry.removing || entry.fenced) return;
      Say(&entry, RegistrationState::kLost, 0, absl::OkStatus());
      if (let_lost_go_) Unwant(found->first);
      return;
    case wire::SessionResponse::InstanceState::STATE_REMOVED:
      if (entry.removing && !entry.due) SayRemoved(found);
      return;
    default:
      return;
  }
}

void DeclaredSet::OnRegistered(Entry* entry, Revision epoch) {
  if (entry->removing) return;
  // Nothing earlier was taken in: then it is the round's.
  if (entry->accepted == nullptr) entry->accepted = entry->sent;
  // It was declared before what is wanted now.
  if (entry->due) return Say(entry, entry->told.state, epoch, entry->told.status);
  entry->fenced = entry->lapsed = false;
  entry->take_over = false;
  if (entry->soft.has_value()) entry->soft_due = soft_due_ = true;
  // What is registered is what was declared in place of what the server would not take in.
  if (IsDeclaredOtherwise(*entry)) return Say(entry, RegistrationState::kRefused, epoch, entry->told.status);
  Say(entry, RegistrationState::kRegistered, epoch, absl::OkStatus());
}

void DeclaredSet::OnFenced(Entries::iterator found, const absl::Status& status) {
  Entry& entry = found->second;
  if (entry.removing) {
    Say(&entry, RegistrationState::kFenced, 0, status.ok() ? OwnedByAnother() : status);
    SayRemoved(found);
    return;
  }
  // It was declared without being taken over, for the time being.
  if (entry.take_over && !entry.sent_take_over) {
    entry.told.epoch = 0;
    return MarkDue(&entry);
  }
  entry.fenced = true;
  entry.take_over = entry.lapsed = entry.due = false;
  entry.rejected = nullptr;
  Say(&entry, RegistrationState::kFenced, 0, status.ok() ? OwnedByAnother() : status);
}

bool DeclaredSet::OnRejected(const absl::Status& status, absl::Duration now) {
  if (round_set_.empty() && round_removals_ == 0) return false;
  const ErrorDetails details = DetailsOf(status).value_or(ErrorDetails());
  std::map<int, std::vector<FieldViolation>> by_place;
  for (const FieldViolation& violation : details.violations) {
    const int place = PlaceOf(violation.field);
    if (place >= 0 && place < static_cast<int>(round_set_.size())) by_place[place].push_back(violation);
  }
  for (auto& [place, violations] : by_place) {
    Reject(round_set_[place], StripFields(InvalidFields(details.reason, std::move(violations)), SetField(place)), now);
  }
  if (by_place.empty()) {
    // Which of them it was, fewer at a time will tell.
    const int declared = static_cast<int>(round_set_.size() + round_removals_);
    const bool is_one = declared == 1 && !round_set_.empty();
    // Nothing was in it but what was taken in before and must not be missing.
    if (!is_one && round_replaces_ && is_narrowed()) {
      EndRound();
      return false;
    }
    if (is_one) Reject(round_set_.front(), status, now);
    chunk_max_ = std::max(1, declared / 2);
  }
  EndRound();
  return true;
}

void DeclaredSet::Reject(const InstanceName& name, const absl::Status& status, absl::Duration now) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  const Properties sent = entry.sent;
  if (sent == nullptr || entry.removing) return;
  if (entry.accepted == sent) entry.accepted = nullptr;
  if (sent != entry.wanted) return;
  entry.retry_after = entry.rejected == sent ? std::min(entry.retry_after * 2, kRejectedRetryMax) : kRejectedRetryMin;
  entry.rejected = sent;
  entry.retry_at = now + entry.retry_after;
  Say(&entry, RegistrationState::kRefused, entry.told.epoch, status);
}

void DeclaredSet::OnLapse(const absl::Status& status) {
  for (auto& [name, entry] : entries_) {
    if (entry.told.state != RegistrationState::kRegistered) continue;
    entry.lapsed = true;
    // The epoch is kept for when it turns out to be there still.
    Say(&entry, RegistrationState::kLost, entry.told.epoch, status);
  }
}

void DeclaredSet::OnUnreachable(const absl::Status& status) {
  for (auto& [name, entry] : entries_) {
    const RegistrationReport& told = entry.told;
    const bool is_waiting = told.state == RegistrationState::kPending || told.state == RegistrationState::kLost;
    // The words may differ from try to try; that is no news.
    if (is_waiting && told.status.code() != status.code()) Say(&entry, told.state, told.epoch, status);
  }
}

void DeclaredSet::RefuseAll(const absl::Status& status) {
  for (auto& [name, entry] : entries_) {
    const bool is_news = entry.told.state != RegistrationState::kRefused || entry.told.status.code() != status.code();
    if (!entry.fenced && is_news) Say(&entry, RegistrationState::kRefused, entry.told.epoch, status);
  }
}

void DeclaredSet::FenceAll(const absl::Status& status) {
  EndRound();
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (entry->second.removing) {
      entry = SayRemoved(entry);
      continue;
    }
    entry->second.fenced = true;
    entry->second.take_over = entry->second.due = false;
    entry->second.rejected = nullptr;
    Say(&entry->second, RegistrationState::kFenced, 0, status);
    ++entry;
  }
}

void DeclaredSet::RemoveAll() {
  EndRound();
  for (auto entry = entries_.begin(); entry != entries_.end();) entry = entry->second.fenced ? std::next(entry) : SayRemoved(entry);
}

std::optional<absl::Duration> DeclaredSet::next_retry() const {
  std::optional<absl::Duration> next;
  for (const auto& [name, entry] : entries_) {
    if (IsHeld(entry)) next = std::min(next.value_or(entry.retry_at), entry.retry_at);
  }
  return next;
}

void DeclaredSet::RetryRejected(absl::Duration now) {
  for (auto& [name, entry] : entries_) {
    if (IsHeld(entry) && now >= entry.retry_at) MarkDue(&entry);
  }
}

}  // namespace scoutlight::client
