#include "server/discovery/override_editor.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "discovery/catalog.h"
#include "discovery/stored_instance.h"
#include "discovery/system_records.h"
#include "server/discovery/instance_conversion.h"
#include "server/discovery/store_requests.h"

namespace scoutlight::server {
namespace {

using discovery::InstanceName;
using discovery::Override;

// The override that an instance has; nullopt: none.
std::optional<discovery::StoredValue> FindOverride(const discovery::Catalog& catalog, const InstanceName& name) {
  const std::optional<discovery::StoredInstance> stored = catalog.FindStored(name);
  return stored.has_value() ? stored->override : std::nullopt;
}

// The lease of the override that a transaction has taken away; 0: none. Each expiring override has a lease of its own.
LeaseId LeaseLeft(const storage::CommitResult& result) {
  const std::vector<Entry>& previous = result.results.front().entries;
  return previous.empty() ? 0 : previous.front().lease_id;
}

}  // namespace

// One Put, on its way.
struct OverrideEditor::Putting {
  InstanceName name;
  Override override;
  storage::Origin origin;
  Done done;
};

void OverrideEditor::Put(InstanceName name, Override override, std::optional<absl::Duration> ttl, storage::Origin origin, Done done) {
  if (feed_.catalog() == nullptr) return std::move(done)({.status = CatalogLoading()});
  origin.memory = storage::Memory::kChange;
  storage::GrantRequest grant{.id = 0, .ttl = ttl.value_or(absl::ZeroDuration()), .origin = {}};
  grant.origin.connection = origin.connection;
  Putting putting{.name = std::move(name), .override = std::move(override), .origin = std::move(origin), .done = std::move(done)};
  if (!ttl.has_value()) return Commit(std::move(putting), 0);
  store_.GrantLease(std::move(grant), [this, putting = std::move(putting)](const storage::LeaseResult& result) mutable {
    if (result.status.ok()) return Commit(std::move(putting), result.lease.id);
    if (absl::IsUnknown(result.status)) return std::move(putting.done)({.status = result.status, .revision = result.revision});
    const storage::Origin asked = putting.origin;
    AskCarriedOut(&store_, asked, [this, putting = std::move(putting), result](const storage::CommitResult& known) mutable {
      if (known.status.ok() && known.replayed) return AnswerRepeated(std::move(putting), known.revision);
      const absl::Status& why = known.status.ok() ? result.status : known.status;
      std::move(putting.done)({.status = why, .revision = known.status.ok() ? result.revision : known.revision});
    });
  });
}

void OverrideEditor::Commit(Putting putting, LeaseId lease_id) {
  storage::Transaction transaction;
  transaction.origin = putting.origin;
  transaction.on_success.push_back(storage::PutOperation{.key = discovery::OverrideKey(putting.name),
                                                         .value = {Value::Form::kText, discovery::EncodeOverride(putting.override)},
                                                         .lease_id = lease_id,
                                                         .return_previous = true});
  store_.Commit(std::move(transaction), [this, putting = std::move(putting), lease_id](const storage::CommitResult& result) mutable {
    const bool put = result.status.ok() && !result.replayed;
    const LeaseId left = put ? LeaseLeft(result) : lease_id;
    if (left != 0 && !absl::IsUnknown(result.status)) RevokeLease(&store_, left, putting.origin.connection);
    OverrideChange change{.status = result.status, .revision = result.revision, .replayed = result.replayed};
    if (!result.status.ok()) return std::move(putting.done)(std::move(change));
    if (put) change.override = std::move(putting.override);
    if (put) return AnswerWhenShown(std::move(change), std::move(putting.done));
    AnswerRepeated(std::move(putting), result.revision);
  });
}

void OverrideEditor::AnswerRepeated(Putting putting, Revision revision) {
  AnswerWhenShown({.revision = revision, .replayed = true},
                  [this, name = std::move(putting.name), done = std::move(putting.done)](OverrideChange shown) mutable {
                    if (shown.status.ok()) shown.override = Now(name);
                    std::move(done)(std::move(shown));
                  });
}

void OverrideEditor::Delete(InstanceName name, storage::Origin origin, Done done) {
  if (feed_.catalog() == nullptr) return std::move(done)({.status = CatalogLoading()});
  storage::Transaction transaction;
  transaction.origin = std::move(origin);
  transaction.origin.memory = storage::Memory::kChange;
  const uint64_t connection = transaction.origin.connection;
  transaction.on_success.push_back(storage::DeleteOperation{.range = {discovery::OverrideKey(name), Scope::kKey}, .return_previous = true});
  store_.Commit(std::move(transaction), [this, connection, done = std::move(done)](const storage::CommitResult& result) mutable {
    OverrideChange change{.status = result.status, .revision = result.revision, .replayed = result.replayed};
    if (!result.status.ok()) return std::move(done)(std::move(change));
    // A repetition takes nothing away.
    const LeaseId left = result.replayed ? 0 : LeaseLeft(result);
    if (left != 0) RevokeLease(&store_, left, connection);
    change.found = result.changed;
    AnswerWhenShown(std::move(change), std::move(done));
  });
}

std::optional<Override> OverrideEditor::Now(const InstanceName& name) const {
  const std::optional<discovery::StoredValue> stored = FindOverride(*feed_.catalog(), name);
  if (!stored.has_value()) return std::nullopt;
  absl::StatusOr<Override> override = discovery::ParseOverride(stored->value.bytes);
  return override.ok() ? std::optional<Override>(*std::move(override)) : std::nullopt;
}

void OverrideEditor::AnswerWhenShown(OverrideChange change, Done done) {
  const Revision revision = change.revision;
  feed_.WhenAt(revision, [change = std::move(change), done = std::move(done)](const absl::Status& status) mutable {
    if (!status.ok()) change.status = NotShownYet(change.revision, status);
    std::move(done)(std::move(change));
  });
}

}  // namespace scoutlight::server
