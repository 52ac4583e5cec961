#include "server/fleet/shared_drain.h"

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "base/limits.h"

namespace scoutlight::server {
namespace {

void AddTo(const DrainOutcome& part, DrainOutcome* sum) {
  sum->unconfirmable_watches += part.unconfirmable_watches;
  sum->recent_resolvers += part.recent_resolvers;
  // Who has come since all had confirmed is no laggard.
  if (sum->complete) return;
  sum->laggards_omitted += part.laggards_omitted;
  for (const DrainOutcome::Laggard& laggard : part.laggards) {
    if (sum->laggards.size() == static_cast<size_t>(limits::kLaggardsMax)) {
      ++sum->laggards_omitted;
      continue;
    }
    sum->laggards.push_back(laggard);
  }
}

bool IsComplete(const DrainStanding& standing) { return standing.settled && standing.outcome.complete; }

DrainOutcome StoreSilent(absl::string_view what) {
  ErrorDetails details;
  details.reason = Reason::kBackendUnavailable;
  details.retry_after = absl::Seconds(1);
  return {.status = MakeError(absl::StatusCode::kUnavailable, absl::StrCat("the store has not told ", what), details)};
}

}  // namespace

void SharedDrain::TellHere(DrainStanding standing) {
  stayed_complete_ = stayed_complete_ && IsComplete(standing);
  here_ = std::move(standing);
  NoteComplete();
}

void SharedDrain::Tell(const std::string& server, DrainStanding standing, Revision revision) {
  if (asked_at_.has_value() && revision < *asked_at_) return;
  doubted_.erase(server);
  standings_[server] = {std::move(standing), revision};
  NoteComplete();
}

void SharedDrain::Add(const std::string& server, const std::string& address) {
  if (servers_.has_value()) servers_->insert({server, address});
  NoteComplete();
}

void SharedDrain::Drop(const std::string& server, absl::Duration now) {
  if (servers_.has_value()) servers_->erase(server);
  Hold(now);
}

void SharedDrain::Hold(absl::Duration now) {
  complete_from_ = now + limits::kSubscriberGrace;
  store_said_ = false;
}

void SharedDrain::DropUnless(const absl::flat_hash_set<std::string>& all, absl::Duration now) {
  if (!servers_.has_value()) return;
  if (absl::erase_if(*servers_, [&all](const auto& server) { return !all.contains(server.first); }) > 0) Hold(now);
}

const DrainStanding* SharedDrain::StandingOf(const std::string& server) const {
  const auto found = standings_.find(server);
  return found == standings_.end() || !asked_at_.has_value() ? nullptr : &found->second.standing;
}

template <typename Holds>
bool SharedDrain::AllHold(Holds holds) const {
  if (!here_.has_value() || !holds(*here_)) return false;
  return std::all_of(servers_->begin(), servers_->end(), [&](const auto& server) {
    const DrainStanding* const standing = StandingOf(server.first);
    return standing != nullptr && holds(*standing);
  });
}

bool SharedDrain::is_to_be_confirmed(absl::Duration now) const {
  return servers_.has_value() && !linger_until_.has_value() && now >= complete_from_ && AllHold(IsComplete);
}

void SharedDrain::NoteComplete() { store_said_ = store_said_ && servers_.has_value() && AllHold(IsComplete); }

bool SharedDrain::Confirm(const Stored& stored, absl::Duration now) {
  for (const auto& [server, address] : stored.servers) Add(server, address);
  doubted_.clear();
  for (const auto& [server, address] : *servers_) {
    // One that is not there has gone, or has come since: of both the watch tells.
    if (!stored.servers.contains(server) || !stored.complete.contains(server)) doubted_.insert(server);
  }
  store_said_ = is_to_be_confirmed(now);
  if (!doubted_.empty() || !stayed_complete_ || !store_said_) return false;
  linger_until_ = now + linger_;
  return true;
}

std::optional<DrainOutcome> SharedDrain::Decide(absl::Duration now) const {
  const bool over = now >= deadline_ + kStandingsWait;
  if (!servers_.has_value()) return over ? std::optional(StoreSilent("which other servers there are")) : std::nullopt;
  if (linger_until_.has_value()) {
    const auto is_clear = [](const DrainStanding& standing) {
      return standing.outcome.unconfirmable_watches == 0 && standing.outcome.recent_resolvers == 0;
    };
    if (now < *linger_until_ && !AllHold(is_clear)) return std::nullopt;
    return Merged();
  }
  if (is_to_be_confirmed(now)) {
    if (!over) return std::nullopt;
    return store_said_ ? Merged() : StoreSilent("whether the drain is complete on all servers, as they say");
  }
  const auto is_settled = [](const DrainStanding& standing) { return standing.settled; };
  if (now < deadline_ || !(over || AllHold(is_settled))) return std::nullopt;
  return Merged();
}

absl::Duration SharedDrain::next_due(absl::Duration now) const {
  if (linger_until_.has_value()) return *linger_until_;
  const absl::Duration end = now < deadline_ ? deadline_ : deadline_ + kStandingsWait;
  return now < complete_from_ ? std::min(end, complete_from_) : end;
}

DrainOutcome SharedDrain::Merged() const {
  DrainOutcome sum{.status = absl::OkStatus(), .complete = linger_until_.has_value()};
  for (const auto& [server, address] : *servers_) {
    const DrainStanding* const standing = StandingOf(server);
    const bool is_silent = standing == nullptr || !standing->settled || doubted_.contains(server);
    if (!sum.complete && is_silent) sum.laggards.push_back({.subscriber_id = "", .peer = address});
  }
  if (here_.has_value()) AddTo(here_->outcome, &sum);
  for (const auto& [server, address] : *servers_) {
    if (const DrainStanding* const standing = StandingOf(server); standing != nullptr) AddTo(standing->outcome, &sum);
  }
  return sum;
}

}  // namespace scoutlight::server
