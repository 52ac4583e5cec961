#include "server/fleet/fleet.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/error.h"
#include "base/limits.h"
#include "storage/store_errors.h"

namespace scoutlight::server {

bool IsShared(const storage::Store& store) { return !store.backend().members.empty(); }

Fleet::Fleet(FleetParts parts, DrainAwaiter* places)
    : parts_(std::move(parts)),
      places_(*places),
      post_([inbox = inbox_](HubInbox::Task task) { inbox->Post(std::move(task)); }),
      membership_({.store = parts_.store,
                   .clock = parts_.clock,
                   .random = parts_.random,
                   .post = post_,
                   .on_changed = [this](const std::optional<ServerIdentity>& identity) { OnIdentity(identity); }}),
      coordinator_(&parts_, &membership_, post_),
      participant_(&parts_, &membership_, post_) {}

Fleet::~Fleet() { Stop(); }

void Fleet::Start(WatchHub* hub, std::string address) {
  hub_ = hub;
  membership_.Join({.address = std::move(address), .started_at = parts_.clock->Now()});
  watch_due_ = parts_.clock->SinceBoot();
  admit_due_ = unseen_due_ = watch_due_ + kAdmittedAfter;
  thread_ = std::thread([this] { Loop(); });
}

void Fleet::Drain(absl::Status reason) {
  // By then this may have ended: so has the inbox.
  parts_.local.end_subscribers(reason, [this, post = post_, reason] { post([this, reason] { Leave(reason); }); });
}

void Fleet::Stop() {
  if (thread_.joinable()) {
    absl::Notification left;
    inbox_->Post([this, &left] {
      Leave(absl::UnavailableError("the server stops"));
      left.Notify();
    });
    left.WaitForNotification();
  }
  inbox_->Close();
  if (thread_.joinable()) thread_.join();
}

void Fleet::Leave(const absl::Status& reason) {
  if (!left_.ok()) return;
  left_ = reason;
  membership_.Leave();
  coordinator_.OnIdentity();
  coordinator_.EndAll(reason);
  participant_.EndAll();
  if (watch_ != nullptr) {
    watch_->Detach();
    hub_->OnCancelled(watch_.get());
  }
  watch_due_ = reach_due_ = admit_due_ = unseen_due_ = absl::InfiniteDuration();
}

std::string Fleet::problem() const {
  MutexLock lock(&mu_);
  return problem_;
}

void Fleet::SetProblem(std::string problem) {
  MutexLock lock(&mu_);
  problem_ = std::move(problem);
}

absl::StatusOr<uint64_t> Fleet::TakeDrainPlace() {
  if (const std::string unseen = problem(); !unseen.empty()) {
    ErrorDetails details;
    details.reason = Reason::kBackendUnavailable;
    details.retry_after = kFleetRetry;
    return MakeError(absl::StatusCode::kUnavailable, unseen, details);
  }
  if (coordinator_.others() > kOtherServersMax) {
    return storage::Overloaded(
        absl::StrCat(coordinator_.others() + 1, " servers share the store, at most ", kOtherServersMax + 1, " can wait for a drain"));
  }
  const int busy = participant_.drains() + coordinator_.leaving();
  if (busy >= limits::kDrainsMax) {
    return storage::Overloaded(absl::StrCat(busy, " drains of other servers wait or are being cleared away, at most ", limits::kDrainsMax,
                                            " are allowed beside one that begins"));
  }
  return places_.TakeDrainPlace();
}

void Fleet::AwaitConfirmed(uint64_t number, DrainWait wait, DrainWaits::Done done) {
  inbox_->Post([this, number, wait = std::move(wait), done = std::move(done)]() mutable {
    if (!left_.ok()) return std::move(done)({.status = left_});
    coordinator_.Await(number, wait, std::move(done));
  });
}

void Fleet::EndWait(uint64_t number) {
  inbox_->Post([this, number] { coordinator_.End(number, absl::CancelledError("the caller has gone")); });
}

void Fleet::Loop() {
  while (true) {
    std::optional<HubInbox::Round> round = inbox_->Take(NextDue(parts_.clock->SinceBoot()));
    if (!round.has_value()) return;
    for (HubInbox::Task& task : round->tasks) std::move(task)();
    const absl::Duration now = parts_.clock->SinceBoot();
    membership_.Serve(now);
    coordinator_.Serve(now);
    participant_.Serve(now);
    if (watch_due_ <= now) OpenWatch();
    if (reach_due_ <= now) Reach(reach_);
    if (unseen_due_ <= now) NoteUnseen();
    if (admit_due_ <= now) Admit();
  }
}

void Fleet::NoteUnseen() {
  unseen_due_ = absl::InfiniteDuration();
  const absl::Status& why = membership_.trouble();
  std::string problem = absl::StrCat(
      "the other servers of the store do not see this one: no drain begins here, and those that begin elsewhere do not wait for its "
      "subscribers; it is tried again",
      why.ok() ? "" : ": ", why.message());
  parts_.warn(problem);
  SetProblem(std::move(problem));
}

absl::Duration Fleet::NextDue(absl::Duration now) const {
  return std::min(
             {membership_.next_due(), coordinator_.next_due(), participant_.next_due(), watch_due_, reach_due_, admit_due_, unseen_due_}) -
         now;
}

void Fleet::OpenWatch() {
  watch_due_ = absl::InfiniteDuration();
  watch_ = std::make_shared<FleetWatch>(
      hub_, post_,
      FleetWatch::Events{.on_put = [this](const FleetKey& key, const std::string& text, Revision revision,
                                          LeaseId lease_id) { OnPut(key, text, revision, lease_id); },
                         .on_gone = [this](const FleetKey& key) { OnGone(key); },
                         .on_state = [this](FleetKey::Kind kind, const absl::flat_hash_set<std::string>& names,
                                            Revision revision) { OnState(kind, names, revision); },
                         .on_end = [this](const absl::Status& /*why*/) { watch_due_ = parts_.clock->SinceBoot() + kFleetRetry; }});
  if (!watch_->Open().ok()) watch_due_ = parts_.clock->SinceBoot() + kFleetRetry;
}

void Fleet::OnPut(const FleetKey& key, const std::string& text, Revision revision, LeaseId lease_id) {
  switch (key.kind) {
    case FleetKey::Kind::kServer: {
      if (membership_.IsOwn(key.server)) return;
      servers_.insert(key.server);
      const absl::StatusOr<ServerRecord> record = ParseServerRecord(text);
      return coordinator_.OnServer(key.server, record.ok() ? record->address : key.server);
    }
    case FleetKey::Kind::kDrain: {
      if (coordinator_.Has(key.drain)) return;
      const absl::StatusOr<DrainRecord> record = ParseDrainRecord(text);
      // Its coordinator names this server when the timeout is over.
      if (!record.ok()) return parts_.warn(absl::StrCat("the record of drain ", key.drain, " ", record.status().message()));
      return participant_.OnDrain(key.drain, *record, revision, lease_id);
    }
    case FleetKey::Kind::kStanding: {
      if (!coordinator_.Has(key.drain)) return;
      absl::StatusOr<DrainStanding> standing = ParseStanding(text);
      if (!standing.ok()) return parts_.warn(absl::StrCat("what server ", key.server, " says of a drain ", standing.status().message()));
      return coordinator_.OnStanding(key.drain, key.server, *std::move(standing), revision);
    }
  }
}

void Fleet::OnGone(const FleetKey& key) {
  if (key.kind == FleetKey::Kind::kServer) return OnServerGone(key.server);
  if (key.kind == FleetKey::Kind::kDrain) participant_.OnDrainGone(key.drain);
}

void Fleet::OnState(FleetKey::Kind kind, const absl::flat_hash_set<std::string>& names, Revision revision) {
  if (kind == FleetKey::Kind::kDrain) return participant_.OnDrains(names);
  std::vector<std::string> gone;
  for (const std::string& server : servers_) {
    if (!names.contains(server)) gone.push_back(server);
  }
  for (const std::string& server : gone) OnServerGone(server);
  coordinator_.OnServers(names, revision);
}

void Fleet::OnServerGone(const std::string& server) {
  // OnIdentity() follows.
  if (membership_.IsOwn(server)) return membership_.OnGone(server);
  servers_.erase(server);
  // Before any drain is without it.
  parts_.local.on_server_gone();
  coordinator_.OnServerGone(server);
}

void Fleet::OnIdentity(const std::optional<ServerIdentity>& identity) {
  if (identity.has_value()) {
    unseen_due_ = absl::InfiniteDuration();
    SetProblem("");
  } else {
    if (problem().empty()) unseen_due_ = std::min(unseen_due_, parts_.clock->SinceBoot() + kAdmittedAfter);
    // It may have been away for long: others may have come and gone unseen.
    parts_.local.on_server_gone();
  }
  coordinator_.OnIdentity();
  participant_.OnIdentity();
  if (identity.has_value() && !admitted_) Reach(identity->revision);
}

void Fleet::Reach(Revision revision) {
  reach_ = revision;
  reach_due_ = absl::InfiniteDuration();
  parts_.local.when_at(revision, [this, post = post_](absl::Status status) {
    post([this, status = std::move(status)] {
      if (admitted_ || !left_.ok()) return;
      if (status.ok()) return Admit();
      reach_due_ = parts_.clock->SinceBoot() + kFleetRetry;
    });
  });
}

void Fleet::Admit() {
  reach_due_ = admit_due_ = absl::InfiniteDuration();
  admitted_ = true;
  parts_.local.on_admitted();
}

}  // namespace scoutlight::server
