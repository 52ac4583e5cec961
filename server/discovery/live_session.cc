#include "server/discovery/live_session.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/catalog.h"
#include "discovery/stored_instance.h"
#include "discovery/system_records.h"
#include "server/clean_text.h"
#include "storage/transaction.h"

namespace scoutlight::server {

using discovery::InstanceName;
using storage::Condition;
using storage::Transaction;

namespace {

// A client that does not read what it is told of so many instances is not read from either.
constexpr size_t kUntoldMax = 2 * limits::kSessionInstancesMax;

Transaction IfRecordIs(const Key& key, Revision expected) {
  Transaction transaction;
  transaction.conditions.push_back({.key = key, .target = Condition::Target::kModRevision, .number = expected});
  transaction.on_failure.push_back(storage::GetOperation{.key = key});
  return transaction;
}

// The instances whose records are on a lease: by name, the first ones after `after`.
SessionHost::Registered InstancesOf(const std::vector<Key>& keys, const std::optional<InstanceName>& after) {
  std::vector<InstanceName> names;
  for (const Key& key : keys) {
    const std::optional<discovery::SystemKey> read = discovery::ReadSystemKey(key);
    if (!read.has_value() || read->kind != discovery::SystemKey::Kind::kInstance) continue;
    InstanceName name{std::string(read->cluster), std::string(read->service), std::string(read->name)};
    if (!after.has_value() || *after < name) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  const bool more = names.size() > limits::kSessionInstancesMax;
  if (more) names.resize(limits::kSessionInstancesMax);
  return {.names = std::move(names), .more = more};
}

// What the client is to be told of an error, for each instance of a session one: see FillError().
absl::Status CutToWhatIsTold(const absl::Status& status) {
  std::optional<ErrorDetails> details = DetailsOf(status);
  if (!details.has_value()) return status;
  size_t told = 0;
  const auto cut = std::find_if(details->violations.begin(), details->violations.end(), [&told](const FieldViolation& violation) {
    told += violation.field.size() + violation.description.size();
    return told > limits::kErrorViolationsBytesMax;
  });
  if (cut == details->violations.end()) return status;
  details->violations.erase(cut, details->violations.end());
  return MakeError(status.code(), CleanText(status.message(), limits::kErrorMessageBytesMax), *details);
}

}  // namespace

LiveSession::LiveSession(SessionHub* hub, std::shared_ptr<SessionStream> stream, uint64_t connection)
    : hub_(*hub), stream_(std::move(stream)), connection_(connection), outbox_(hub_.parts_.store->store_id()) {}

template <typename T>
SessionHost::Done<T> LiveSession::Later(Done<T> done) {
  hub_.BeginCall();
  return [hub = &hub_, weak = weak_from_this(), done = std::move(done)](T value) mutable {
    hub->EndCall([weak = std::move(weak), done = std::move(done), value = std::move(value)]() mutable {
      const std::shared_ptr<LiveSession> self = weak.lock();
      if (self == nullptr || self->end_.has_value()) return;
      std::move(done)(std::move(value));
    });
  };
}

void LiveSession::Take(absl::StatusOr<SessionStep> step) {
  if (end_.has_value()) return;
  const absl::Status wrong = step.ok() ? TakeStep(*std::move(step)) : step.status();
  if (!wrong.ok()) Stop(wrong);
}

absl::Status LiveSession::TakeStep(SessionStep step) {
  if (const auto* opening = std::get_if<SessionOpening>(&step)) {
    if (session_.has_value()) return InvalidField(Reason::kInvalidField, "open", "is not the first message of its stream, as it must be");
    id_ = opening->id;
    ttl_ = opening->ttl;
    session_.emplace(this, ttl_);
    hub_.TakeOver(id_, this);
    session_->Open();
    return absl::OkStatus();
  }
  if (!session_.has_value()) return InvalidField(Reason::kInvalidField, "step", "must be open in the first message of a stream");
  if (auto* declaration = std::get_if<Declaration>(&step)) return session_->Declare(std::move(*declaration));
  if (const auto* heartbeat = std::get_if<SessionHeartbeat>(&step)) {
    session_->Heartbeat(heartbeat->updates);
  } else {
    session_->Leave();
  }
  return absl::OkStatus();
}

void LiveSession::OnWritten() {
  writing_ = false;
  Flush();
}

void LiveSession::OnChanged(const InstanceName& name) {
  if (!end_.has_value() && session_.has_value()) session_->OnChanged(name);
}

void LiveSession::Stop(const absl::Status& status) {
  if (!end_.has_value()) end_ = status;
  if (std::exchange(finished_, true)) return;
  stream_->Finish(status);
}

void LiveSession::UnfollowAll() {
  for (const InstanceName& name : followed_) hub_.follows_.Unfollow(this, name);
  followed_.clear();
}

void LiveSession::Flush() {
  if (finished_) return;
  WriteNext();
  if (finished_ || !read_wanted_ || end_.has_value() || outbox_.alive() || outbox_.instances() > kUntoldMax) return;
  read_wanted_ = false;
  stream_->ReadNext();
}

void LiveSession::WriteNext() {
  if (writing_) return;
  if (std::optional<std::string> frame = outbox_.Next(); frame.has_value()) {
    writing_ = true;
    stream_->Write(std::make_shared<const std::string>(*std::move(frame)));
  } else if (end_.has_value()) {
    Stop(*end_);
  }
}

void LiveSession::ReadRecord(Done<RecordRead> done) {
  storage::Query query{.range = {discovery::SessionKey(id_), Scope::kKey}, .entries_max = 1, .bytes_max = limits::kValueBytesMax};
  hub_.parts_.store->Read(std::move(query), [done = Later(std::move(done))](const storage::Page& page) mutable {
    RecordRead read{.status = page.status};
    if (page.status.ok() && !page.entries.empty() && page.entries.front().has_value) {
      const Entry& entry = page.entries.front();
      read.record_revision = entry.mod_revision;
      if (auto record = discovery::ParseSessionRecord(entry.value.bytes); record.ok()) read.record = *std::move(record);
    }
    std::move(done)(std::move(read));
  });
}

void LiveSession::CommitRecord(Transaction transaction, Done<RecordChange> done) {
  transaction.origin.connection = connection_;
  hub_.parts_.store->Commit(std::move(transaction), [done = Later(std::move(done))](const storage::CommitResult& result) mutable {
    RecordChange change{.status = result.status, .revision = result.revision};
    change.held = result.status.ok() && result.succeeded;
    if (change.held) {
      change.record_revision = result.revision;
    } else if (result.status.ok() && !result.results.empty() && !result.results.front().entries.empty()) {
      change.record_revision = result.results.front().entries.front().mod_revision;
    }
    std::move(done)(std::move(change));
  });
}

void LiveSession::PutRecord(const discovery::SessionRecord& record, Revision expected, Done<RecordChange> done) {
  const Key key = discovery::SessionKey(id_);
  Transaction transaction = IfRecordIs(key, expected);
  transaction.on_success.push_back(storage::PutOperation{
      .key = key, .value = {Value::Form::kText, discovery::EncodeSessionRecord(record)}, .lease_id = record.lease_id});
  CommitRecord(std::move(transaction), std::move(done));
}

void LiveSession::DeleteRecord(Revision expected, Done<RecordChange> done) {
  const Key key = discovery::SessionKey(id_);
  Transaction transaction = IfRecordIs(key, expected);
  transaction.on_success.push_back(storage::DeleteOperation{.range = {key, Scope::kKey}});
  CommitRecord(std::move(transaction), std::move(done));
}

void LiveSession::Grant(absl::Duration ttl, Done<Lease> done) {
  storage::GrantRequest grant{.ttl = ttl, .origin = {}};
  grant.origin.connection = connection_;
  hub_.parts_.store->GrantLease(std::move(grant), [done = Later(std::move(done))](const storage::LeaseResult& result) mutable {
    std::move(done)({.status = result.status, .id = result.lease.id, .ttl = result.lease.ttl, .revision = result.revision});
  });
}

void LiveSession::Renew(LeaseId id, Done<Lease> done) {
  hub_.parts_.store->RenewLeases({id}, connection_, [done = Later(std::move(done)), id](const storage::Renewals& renewals) mutable {
    const storage::RenewResult& result = renewals.results.front();
    std::move(done)({.status = result.status, .id = id, .ttl = result.ttl, .revision = renewals.revision});
  });
}

void LiveSession::Revoke(LeaseId id, Done<Lease> done) {
  storage::RevokeRequest revoke{.id = id, .origin = {}};
  revoke.origin.connection = connection_;
  hub_.parts_.store->RevokeLease(std::move(revoke), [done = Later(std::move(done)), id](const storage::CommitResult& result) mutable {
    std::move(done)({.status = result.status, .id = id, .revision = result.revision});
  });
}

void LiveSession::FindRegistered(LeaseId id, std::optional<InstanceName> after, Done<Registered> done) {
  hub_.parts_.store->GetLease(
      id, [feed = hub_.parts_.feed, after = std::move(after), done = Later(std::move(done))](const storage::LeaseResult& result) mutable {
        if (!result.status.ok()) return std::move(done)({.status = result.status});
        feed->WhenAt(result.revision, [found = InstancesOf(result.lease.keys, after), done = std::move(done)](absl::Status status) mutable {
          found.status = std::move(status);
          std::move(done)(std::move(found));
        });
      });
}

Guard LiveSession::GuardOf(Revision incarnation) const { return {.key = discovery::SessionKey(id_), .revision = incarnation}; }

void LiveSession::Register(Registering registering, Done<Change> done) {
  Registration registration{.name = std::move(registering.name),
                            .properties = std::move(registering.properties),
                            .lease_id = registering.lease_id,
                            .take_over = registering.take_over,
                            .keep_status = true,
                            .keep_stored = registering.keep_stored,
                            .session = id_,
                            .guard = GuardOf(registering.incarnation)};
  registration.origin.connection = connection_;
  hub_.parts_.registrar->Register(std::move(registration), [done = Later(std::move(done))](const ChangedInstance& changed) mutable {
    std::move(done)({.status = CutToWhatIsTold(changed.status),
                     .revision = changed.revision,
                     .epoch = changed.instance == nullptr ? 0 : changed.instance->epoch,
                     .record_found = changed.guard_found});
  });
}

void LiveSession::Deregister(const InstanceName& name, Revision epoch, Revision incarnation, Done<Change> done) {
  Deregistration deregistration{.name = name, .epoch = epoch, .guard = GuardOf(incarnation)};
  deregistration.origin.connection = connection_;
  hub_.parts_.registrar->Deregister(std::move(deregistration), [done = Later(std::move(done))](const ChangedInstance& changed) mutable {
    std::move(done)({.status = changed.status, .revision = changed.revision, .record_found = changed.guard_found});
  });
}

std::optional<SessionHost::Owner> LiveSession::Look(const InstanceName& name) {
  const std::shared_ptr<discovery::Catalog> catalog = hub_.parts_.feed->catalog();
  if (catalog == nullptr) return std::nullopt;
  Owner owner{.revision = catalog->revision()};
  const std::optional<discovery::Ownership> ownership = catalog->FindOwnership(name);
  if (!ownership.has_value() || ownership->epoch == 0) return owner;
  owner.whose = ownership->session == id_ ? Owner::Whose::kOurs : Owner::Whose::kAnother;
  owner.epoch = ownership->epoch;
  const discovery::Schema* const schema = catalog->claims()->SchemaOf(name.cluster, name.service);
  owner.outdated = schema != nullptr && !ownership->schema.empty() && ownership->schema != schema->name;
  if (owner.whose == Owner::Whose::kOurs && followed_.contains(name)) hub_.follows_.Expect(name);
  return owner;
}

bool LiveSession::Lacks(const InstanceName& name, const discovery::Properties& properties) {
  const std::shared_ptr<discovery::Catalog> catalog = hub_.parts_.feed->catalog();
  if (catalog == nullptr) return false;
  const std::optional<discovery::StoredInstance> stored = catalog->FindStored(name);
  const discovery::Schema* const schema = catalog->claims()->SchemaOf(name.cluster, name.service);
  if (!stored.has_value() || !stored->exists() || schema == nullptr) return false;
  const discovery::Properties found = discovery::StoredProperties(*stored, *schema).properties;
  return std::any_of(properties.begin(), properties.end(),
                     [&found](const auto& property) { return discovery::FindProperty(found, property.first) == nullptr; });
}

uint64_t LiveSession::SchemasVersion() {
  const std::shared_ptr<discovery::Catalog> catalog = hub_.parts_.feed->catalog();
  if (catalog == nullptr) return schemas_version_;
  const std::shared_ptr<const discovery::Claims>& now = catalog->claims();
  if (schemas_.owner_before(now) || now.owner_before(schemas_)) {
    schemas_ = now;
    ++schemas_version_;
  }
  return schemas_version_;
}

void LiveSession::SetSoftValues(const InstanceName& name, Revision epoch, discovery::SoftValues soft) {
  hub_.parts_.feed->SetSoftValues(name, {.epoch = epoch, .session = id_}, std::move(soft));
}

void LiveSession::Follow(const InstanceName& name) {
  if (followed_.insert(name).second) hub_.follows_.Follow(this, name);
}

void LiveSession::Unfollow(const InstanceName& name) {
  if (followed_.erase(name) > 0) hub_.follows_.Unfollow(this, name);
}

void LiveSession::SendOpened(LeaseId lease_id, bool resumed, Revision revision) {
  outbox_.AddOpened(lease_id, ttl_, resumed, revision);
  Flush();
}

void LiveSession::SendAlive(LeaseId lease_id, Revision revision) {
  outbox_.AddAlive(lease_id, revision);
  Flush();
}

void LiveSession::SendInstance(SessionInstance instance) {
  outbox_.AddInstance(std::move(instance));
  Flush();
}

void LiveSession::SendLeft(int fenced, Revision revision) { outbox_.AddLeft(fenced, revision); }

void LiveSession::ReadNext() {
  read_wanted_ = true;
  Flush();
}

void LiveSession::End(const absl::Status& status) {
  if (!status.ok()) return Stop(status);
  if (end_.has_value()) return;
  end_ = status;
  Flush();
}

}  // namespace scoutlight::server
