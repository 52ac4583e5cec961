#include "server/fleet/coordinator.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "server/fleet/fleet_records.h"
#include "storage/store_errors.h"

namespace scoutlight::server {
namespace {

// Of a drain's record with all that is told below it. Where it is complete, that is a hundred bytes a server.
constexpr size_t kReadBackBytesMax = (kOtherServersMax + 1) * kStandingBytesMax;

}  // namespace

Coordinator::Drain* Coordinator::Find(const std::string& id) {
  const auto found = drains_.find(id);
  return found == drains_.end() ? nullptr : found->second.get();
}

void Coordinator::Await(uint64_t number, const DrainWait& wait, DrainWaits::Done done) {
  const absl::Duration now = parts_.clock->SinceBoot();
  const std::string id = absl::StrCat(absl::Hex(parts_.random(), absl::kZeroPad16));
  Drain* const drain = (drains_[id] = std::make_unique<Drain>(wait, now)).get();
  drain->id = id;
  drain->number = number;
  drain->done = std::move(done);
  by_number_[number] = drain;
  parts_.local.follow(number, wait, [this, id, post = post_](DrainStanding standing) {
    post([this, id, standing = std::move(standing)]() mutable {
      Drain* const told = Find(id);
      if (told == nullptr) return;
      told->shared.TellHere(std::move(standing));
      Advance(told, parts_.clock->SinceBoot());
    });
  });
  Advance(drain, now);
}

void Coordinator::End(uint64_t number, const absl::Status& status) {
  const auto found = by_number_.find(number);
  if (found == by_number_.end()) return;
  Drain* const drain = found->second;
  Answer(drain, {.status = status});
  Advance(drain, parts_.clock->SinceBoot());
}

void Coordinator::EndAll(const absl::Status& status) {
  while (!by_number_.empty()) End(by_number_.begin()->first, status);
}

void Coordinator::OnIdentity() {
  const absl::Duration now = parts_.clock->SinceBoot();
  if (!membership_.identity().has_value()) {
    for (const auto& [id, drain] : drains_) drain->shared.Hold(now);
  }
  AdvanceAll();
}

void Coordinator::OnServer(const std::string& server, const std::string& address) {
  servers_[server] = address;
  gone_.erase(server);
  for (const auto& [id, drain] : drains_) drain->shared.Add(server, address);
  AdvanceAll();
}

void Coordinator::OnServerGone(const std::string& server) {
  servers_.erase(server);
  if (!drains_.empty()) gone_.insert(server);
  const absl::Duration now = parts_.clock->SinceBoot();
  for (const auto& [id, drain] : drains_) drain->shared.Drop(server, now);
  AdvanceAll();
}

void Coordinator::OnServers(const absl::flat_hash_set<std::string>& servers, Revision revision) {
  for (const auto& [id, drain] : drains_) {
    if (drain->read_at <= revision) drain->shared.DropUnless(servers, parts_.clock->SinceBoot());
  }
  AdvanceAll();
}

void Coordinator::OnStanding(const std::string& drain, const std::string& server, DrainStanding standing, Revision revision) {
  Drain* const told = Find(drain);
  if (told == nullptr) return;
  told->shared.Tell(server, std::move(standing), revision);
  Advance(told, parts_.clock->SinceBoot());
}

void Coordinator::Serve(absl::Duration now) {
  std::vector<Drain*> due;
  for (const auto& [id, drain] : drains_) {
    if (drain->due <= now) due.push_back(drain.get());
  }
  for (Drain* drain : due) Advance(drain, now);
}

absl::Duration Coordinator::next_due() const {
  absl::Duration next = absl::InfiniteDuration();
  for (const auto& [id, drain] : drains_) next = std::min(next, drain->due);
  return next;
}

void Coordinator::AdvanceAll() {
  const absl::Duration now = parts_.clock->SinceBoot();
  std::vector<Drain*> all;
  for (const auto& [id, drain] : drains_) all.push_back(drain.get());
  for (Drain* drain : all) Advance(drain, now);
  NoteCounts();
}

void Coordinator::NoteCounts() {
  others_.store(static_cast<int>(servers_.size()), std::memory_order_relaxed);
  leaving_.store(static_cast<int>(drains_.size() - by_number_.size()), std::memory_order_relaxed);
}

void Coordinator::Advance(Drain* drain, absl::Duration now) {
  if (drain->done) {
    if (std::optional<DrainOutcome> outcome = drain->shared.Decide(now); outcome.has_value()) Answer(drain, *std::move(outcome));
  }
  // What is on a lease that was lost is gone with it.
  const std::optional<ServerIdentity>& identity = membership_.identity();
  if (drain->lease_id != 0 && !drain->asking && (!identity.has_value() || identity->lease_id != drain->lease_id)) {
    drain->lease_id = 0;
    drain->put = false;
    drain->stands = std::nullopt;
    drain->shared.NotAsked();
  }
  drain->due = absl::InfiniteDuration();
  if (!drain->asking && now >= drain->retry_at) {
    if (!drain->done) {
      if (drain->lease_id == 0) return Forget(drain->id);
      return DeleteRecords(drain);
    }
    if (!drain->shared.has_servers()) {
      drain->asking = true;
      ListServers(drain->id, 0, &Coordinator::OnServersRead);
    } else if (identity.has_value() && drain->shared.waits_for_others() && !drain->put) {
      drain->stands.has_value() ? PutRecord(drain, *identity, now) : FindRecord(drain);
    } else if (identity.has_value() && drain->shared.is_to_be_confirmed(now)) {
      ReadBack(drain);
    }
  }
  if (!drain->asking && drain->retry_at > now) drain->due = drain->retry_at;
  if (drain->done) drain->due = std::min(drain->due, drain->shared.next_due(now));
}

void Coordinator::Answer(Drain* drain, DrainOutcome outcome) {
  parts_.local.end(drain->number);
  by_number_.erase(drain->number);
  DrainWaits::Done done = std::exchange(drain->done, nullptr);
  NoteCounts();
  std::move(done)(std::move(outcome));
}

void Coordinator::ListServers(const std::string& id, Revision revision, void (Coordinator::*then)(Drain*, const storage::Page&)) {
  storage::Query query;
  query.range = {ServersTree(), Scope::kChildren};
  query.revision = revision;
  query.show_system = true;
  query.entries_max = 2 * kOtherServersMax;
  query.bytes_max = limits::kMiB;
  parts_.store->Read(std::move(query), [this, id, then, post = post_](storage::Page page) {
    post([this, id, then, page = std::move(page)] { (this->*then)(Find(id), page); });
  });
}

void Coordinator::TryAgain(Drain* drain) {
  drain->asking = false;
  const absl::Duration now = parts_.clock->SinceBoot();
  if (drain->done) drain->retry_at = now + kFleetRetry;
  Advance(drain, now);
}

bool Coordinator::AddOthers(const storage::Page& page, absl::btree_map<std::string, std::string>* servers) const {
  for (const Entry& entry : page.entries) {
    const std::optional<FleetKey> key = ReadFleetKey(entry.key.path());
    if (!key.has_value() || gone_.contains(key->server) || membership_.IsOwn(key->server)) continue;
    const absl::StatusOr<ServerRecord> record = ParseServerRecord(entry.value.bytes);
    servers->insert({key->server, record.ok() ? record->address : key->server});
  }
  return !page.more && servers->size() <= static_cast<size_t>(kOtherServersMax);
}

absl::Status Coordinator::TooManyServers(size_t servers) {
  return storage::Overloaded(absl::StrCat(servers, " or more other servers share the store, a drain waits for at most ", kOtherServersMax));
}

void Coordinator::OnServersRead(Drain* drain, const storage::Page& page) {
  if (!page.status.ok()) return TryAgain(drain);
  drain->asking = false;
  absl::btree_map<std::string, std::string> servers = servers_;
  if (!AddOthers(page, &servers) && drain->done) Answer(drain, {.status = TooManyServers(servers.size())});
  drain->read_at = page.revision;
  drain->shared.SetServers(std::move(servers));
  Advance(drain, parts_.clock->SinceBoot());
}

void Coordinator::ReadBack(Drain* drain) {
  drain->asking = true;
  drain->told_complete.clear();
  drain->shared.BeginConfirm();
  // Alone it has no record.
  if (!drain->put) return ListServers(drain->id, 0, &Coordinator::OnServersReadBack);
  storage::Query query;
  query.range = {DrainKey(drain->id), Scope::kSubtree};
  query.show_system = true;
  query.entries_max = limits::kPageEntriesMax;
  query.bytes_max = kReadBackBytesMax;
  parts_.store->Read(std::move(query), [this, id = drain->id, post = post_](storage::Page page) {
    post([this, id, page = std::move(page)] { OnRecordsReadBack(Find(id), page); });
  });
}

void Coordinator::OnRecordsReadBack(Drain* drain, const storage::Page& page) {
  // Cut, it is more than servers have to say on which it is complete.
  bool is_there = false;
  for (const Entry& entry : page.entries) {
    const std::optional<FleetKey> key = ReadFleetKey(entry.key.path());
    if (!key.has_value()) continue;
    if (key->kind == FleetKey::Kind::kDrain) {
      is_there = entry.mod_revision == drain->put_at;
    } else if (const absl::StatusOr<DrainStanding> standing = ParseStanding(entry.value.bytes); standing.ok()) {
      // Below a record that was put again may stand what was told of it before.
      const bool is_of_record = entry.mod_revision > drain->put_at;
      if (is_of_record && standing->settled && standing->outcome.complete) drain->told_complete.insert(key->server);
    }
  }
  if (!page.status.ok() || page.more || !is_there) return TryAgain(drain);
  ListServers(drain->id, page.revision, &Coordinator::OnServersReadBack);
}

void Coordinator::OnServersReadBack(Drain* drain, const storage::Page& page) {
  const std::optional<ServerIdentity>& identity = membership_.identity();
  const bool is_there = std::any_of(page.entries.begin(), page.entries.end(), [&](const Entry& entry) {
    return identity.has_value() && entry.key == ServerKey(identity->id) && entry.lease_id == identity->lease_id;
  });
  // Without its record the others do not wait for whom it serves: what they say is of their own.
  if (!page.status.ok() || !is_there) return TryAgain(drain);
  drain->read_at = page.revision;
  SharedDrain::Stored stored{.servers = {}, .complete = std::move(drain->told_complete)};
  if (!AddOthers(page, &stored.servers) && drain->done) Answer(drain, {.status = TooManyServers(stored.servers.size())});
  const absl::Duration now = parts_.clock->SinceBoot();
  if (!drain->shared.Confirm(stored, now)) return TryAgain(drain);
  drain->asking = false;
  Advance(drain, now);
}

void Coordinator::FindRecord(Drain* drain) {
  drain->asking = true;
  storage::Query query;
  query.range = {DrainKey(drain->id), Scope::kKey};
  query.show_system = true;
  parts_.store->Read(std::move(query), [this, id = drain->id, post = post_](storage::Page page) {
    post([this, id, page = std::move(page)] { OnRecordFound(Find(id), page); });
  });
}

void Coordinator::OnRecordFound(Drain* drain, const storage::Page& page) {
  if (!page.status.ok()) return TryAgain(drain);
  drain->asking = false;
  drain->stands = page.entries.empty() ? 0 : page.entries.front().mod_revision;
  Advance(drain, parts_.clock->SinceBoot());
}

void Coordinator::PutRecord(Drain* drain, const ServerIdentity& identity, absl::Duration now) {
  drain->asking = true;
  drain->lease_id = identity.lease_id;
  const DrainRecord record{
      .name = drain->wait.name, .revision = drain->wait.revision, .timeout = drain->shared.TimeoutLeft(now), .linger = drain->wait.linger};
  storage::Transaction transaction;
  transaction.on_success.push_back(storage::PutOperation{.key = DrainKey(drain->id),
                                                         .value = {Value::Form::kText, EncodeDrainRecord(record)},
                                                         .lease_id = drain->lease_id,
                                                         // One whose answer was lost may come later: not after the next one.
                                                         .expected_mod_revision = drain->stands});
  parts_.store->Commit(std::move(transaction), [this, id = drain->id, post = post_](const storage::CommitResult& result) {
    post([this, id, status = result.status, revision = result.revision] { OnPut(id, status, revision); });
  });
}

void Coordinator::OnPut(const std::string& id, const absl::Status& status, Revision revision) {
  Drain* const drain = Find(id);
  drain->asking = false;
  const absl::Duration now = parts_.clock->SinceBoot();
  drain->put = status.ok();
  drain->put_at = revision;
  drain->stands = status.ok() ? std::optional(revision) : std::nullopt;
  // One whose answer was lost may be there, and others may have told of it.
  drain->put ? drain->shared.Asked(revision) : drain->shared.NotAsked();
  // It may be there all the same.
  if (!drain->put) drain->retry_at = now + kFleetRetry;
  Advance(drain, now);
}

void Coordinator::DeleteRecords(Drain* drain) {
  drain->asking = true;
  storage::Transaction transaction;
  transaction.on_success.push_back(storage::DeleteOperation{.range = {DrainKey(drain->id), Scope::kSubtree}});
  parts_.store->Commit(std::move(transaction), [this, id = drain->id, post = post_](const storage::CommitResult& result) {
    post([this, id, status = result.status] { OnDeleted(id, status); });
  });
}

void Coordinator::OnDeleted(const std::string& id, const absl::Status& status) {
  Drain* const drain = Find(id);
  drain->asking = false;
  if (status.ok()) return Forget(id);
  const absl::Duration now = parts_.clock->SinceBoot();
  drain->retry_at = now + kFleetRetry;
  Advance(drain, now);
}

void Coordinator::Forget(const std::string& id) {
  drains_.erase(id);
  if (drains_.empty()) gone_.clear();
  NoteCounts();
}

}  // namespace scoutlight::server
