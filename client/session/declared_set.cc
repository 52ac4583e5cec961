#include "client/session/declared_set.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "client/wire/session_conversion.h"

namespace scoutlight::client {

namespace wire = discovery::v1;
using discovery::InstanceName;

namespace {

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
  Say(&entry, RegistrationState::kPending, entry.told.epoch, absl::OkStatus());
  MarkDue(&entry);
}

void DeclaredSet::UnwantAll() {
  std::vector<InstanceName> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  for (const InstanceName& name : names) Unwant(name);
}

std::vector<InstanceName> DeclaredSet::BeginLeaving() {
  let_lost_go_ = true;
  std::vector<InstanceName> untold, unsure;
  for (const auto& [name, entry] : entries_) {
    if (entry.removing || entry.fenced) continue;
    if (!entry.sent_once) untold.push_back(name);
    if (entry.sent_once && entry.told.state == RegistrationState::kPending) unsure.push_back(name);
  }
  for (const InstanceName& name : untold) Unwant(name);
  return unsure;
}

void DeclaredSet::SetSoftValues(const InstanceName& name, discovery::SoftValues soft) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.removing) return;
  found->second.soft = std::move(soft);
  found->second.soft_due = soft_due_ = true;
}

void DeclaredSet::BeginStream() {
  unsent_.clear();
  declared_ = false;
  for (auto& [name, entry] : entries_) {
    entry.declared = entry.lapsed = false;
    entry.soft_due = entry.soft.has_value();
    if (!entry.fenced) MarkDue(&entry);
  }
}

void DeclaredSet::AddSet(Unsent* declaration, Entries::value_type* one) {
  auto& [name, entry] = *one;
  declaration->set.emplace_back(name, entry.wanted);
  entry.declaration = declaration->number;
  entry.due = false;
  entry.sent_once = entry.declared = true;
}

void DeclaredSet::AddRemovals(Unsent* declaration) {
  // First what the server wants still, which then are no more than a session may have.
  for (const bool declared : {true, false}) {
    for (auto& [name, entry] : entries_) {
      if (!entry.removing || !entry.due || entry.declared != declared) continue;
      if (declaration->remove.size() == static_cast<size_t>(limits::kSessionInstancesMax)) return;
      declaration->remove.push_back(name);
      entry.declaration = declaration->number;
      entry.due = entry.declared = false;
    }
  }
}

void DeclaredSet::BeginDeclarations() {
  const bool is_first = !std::exchange(declared_, true);
  bool is_any = is_first;
  std::vector<Entries::value_type*> to_take_over;
  for (auto& one : entries_) {
    if (!one.second.due) continue;
    if (one.second.take_over) {
      to_take_over.push_back(&one);
    } else {
      is_any = true;
    }
  }
  if (is_any) {
    Unsent all{.number = ++number_, .replace = is_first};
    // What is to be taken over is among them: together they are what is wanted, no more.
    for (auto& one : entries_) {
      if (one.second.due && !one.second.removing) AddSet(&all, &one);
    }
    AddRemovals(&all);
    unsent_.push_back(std::move(all));
  }
  if (!to_take_over.empty()) {
    Unsent taken{.number = ++number_, .take_over = true};
    for (Entries::value_type* one : to_take_over) AddSet(&taken, one);
    unsent_.push_back(std::move(taken));
  }
  due_ = std::any_of(entries_.begin(), entries_.end(), [](const auto& one) { return one.second.due; });
}

std::optional<DeclaredSet::Declare> DeclaredSet::TakeDeclare() {
  if (unsent_.empty()) BeginDeclarations();
  if (unsent_.empty()) return std::nullopt;
  Unsent& next = unsent_.front();
  Declare declare;
  declare.set_number(next.number);
  declare.set_replace(next.replace);
  declare.set_take_over(next.take_over);
  size_t bytes = 0;
  for (; !next.set.empty(); next.set.pop_front()) {
    wire::Registration registration;
    FillRegistration(next.set.front().first, *next.set.front().second, &registration);
    bytes += BytesOf(registration);
    if (bytes > kDeclareBytesMax && declare.set_size() > 0) break;
    *declare.add_set() = std::move(registration);
  }
  // A name is small against the room that is left.
  for (; next.set.empty() && !next.remove.empty() && bytes <= kDeclareBytesMax; next.remove.pop_front()) {
    FillName(next.remove.front(), declare.add_remove());
    bytes += BytesOf(*declare.remove().rbegin());
  }
  declare.set_more(!next.set.empty() || !next.remove.empty());
  if (!declare.more()) unsent_.pop_front();
  return declare;
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

void DeclaredSet::OnRoundTaken() {
  for (auto& [name, entry] : entries_) {
    if (std::exchange(entry.lapsed, false)) Say(&entry, RegistrationState::kRegistered, entry.told.epoch, absl::OkStatus());
  }
}

bool DeclaredSet::IsStale(const Entry& entry, const wire::SessionResponse::InstanceState& state) {
  return entry.due || state.declaration() < entry.declaration;
}

void DeclaredSet::OnState(const wire::SessionResponse::InstanceState& state) {
  const auto found = entries_.find(NameOf(state.name()));
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  if (IsStale(entry, state)) return OnStale(found, state);
  switch (state.state()) {
    case wire::SessionResponse::InstanceState::STATE_REGISTERED:
      return OnRegistered(&entry, state.epoch());
    case wire::SessionResponse::InstanceState::STATE_REFUSED:
      if (!entry.fenced) Say(&entry, RegistrationState::kRefused, entry.told.epoch, ErrorOf(state));
      return;
    case wire::SessionResponse::InstanceState::STATE_FENCED:
      return OnFenced(found, ErrorOf(state));
    case wire::SessionResponse::InstanceState::STATE_LOST:
      return OnLost(found);
    case wire::SessionResponse::InstanceState::STATE_REMOVED:
      if (entry.removing) SayRemoved(found);
      return;
    default:
      return;
  }
}

void DeclaredSet::OnStale(Entries::iterator found, const wire::SessionResponse::InstanceState& state) {
  Entry& entry = found->second;
  if (entry.removing || entry.told.state != RegistrationState::kPending) return;
  switch (state.state()) {
    case wire::SessionResponse::InstanceState::STATE_REGISTERED:
      return Say(&entry, RegistrationState::kPending, state.epoch(), entry.told.status);
    case wire::SessionResponse::InstanceState::STATE_FENCED:
      return Say(&entry, RegistrationState::kPending, 0, entry.told.status);
    case wire::SessionResponse::InstanceState::STATE_LOST:
      Say(&entry, RegistrationState::kPending, 0, entry.told.status);
      if (let_lost_go_) Unwant(found->first);
      return;
    default:
      return;
  }
}

void DeclaredSet::OnRegistered(Entry* entry, Revision epoch) {
  if (entry->removing) return;
  entry->fenced = entry->lapsed = false;
  entry->take_over = false;
  if (entry->soft.has_value()) entry->soft_due = soft_due_ = true;
  Say(entry, RegistrationState::kRegistered, epoch, absl::OkStatus());
}

void DeclaredSet::OnFenced(Entries::iterator found, const absl::Status& status) {
  Entry& entry = found->second;
  Say(&entry, RegistrationState::kFenced, 0, status.ok() ? OwnedByAnother() : status);
  if (entry.removing) {
    SayRemoved(found);
    return;
  }
  entry.fenced = true;
  entry.take_over = entry.lapsed = entry.declared = false;
}

void DeclaredSet::OnLost(Entries::iterator found) {
  Entry& entry = found->second;
  entry.lapsed = false;
  if (entry.removing || entry.fenced) return;
  Say(&entry, RegistrationState::kLost, 0, absl::OkStatus());
  if (let_lost_go_) Unwant(found->first);
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
  unsent_.clear();
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (entry->second.removing) {
      entry = SayRemoved(entry);
      continue;
    }
    entry->second.fenced = true;
    entry->second.take_over = entry->second.due = false;
    Say(&entry->second, RegistrationState::kFenced, 0, status);
    ++entry;
  }
}

void DeclaredSet::RemoveAll() {
  unsent_.clear();
  for (auto entry = entries_.begin(); entry != entries_.end();) entry = entry->second.fenced ? std::next(entry) : SayRemoved(entry);
}

}  // namespace scoutlight::client
