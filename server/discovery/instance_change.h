#ifndef SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_CHANGE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_CHANGE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "base/error.h"
#include "base/key.h"
#include "discovery/layout.h"
#include "discovery/names.h"
#include "discovery/schema.h"
#include "discovery/stored_instance.h"
#include "discovery/system_records.h"
#include "server/discovery/catalog_feed.h"
#include "server/discovery/present_instance.h"
#include "server/discovery/registrar.h"
#include "storage/store.h"

// What registering, changing and deregistering an instance have in common: their errors, the parts of their transactions, their answers.
// All functions are thread-safe and wait for nothing.
namespace scoutlight::server {

absl::Status InstanceError(absl::StatusCode code, Reason reason, const discovery::InstanceName& name, absl::string_view message);
absl::Status Contended(const discovery::InstanceName& name);
// `actual`: the epoch that it has; 0: nobody owns it.
absl::Status Fenced(const discovery::InstanceName& name, Revision epoch, Revision actual);

// What `schema` and the bounds for all instances have against `properties`. `prefix` goes before "properties".
absl::Status CheckProperties(const discovery::Schema& schema, const discovery::InstanceName& name, const discovery::Properties& properties,
                             absl::string_view prefix);

// The key of an instance's property; the name empty: the instance's own.
Key KeyOf(const discovery::Schema& schema, const discovery::InstanceName& name, const std::string& property);

// Makes `transaction` conditional on what `present` was found by: the record, the binding that decides which schema the service has, and
// that schema, none of which anybody has changed since. If one has, the transaction reads the record.
void RequireSame(const PresentInstance& present, const discovery::InstanceName& name, storage::Transaction* transaction);

// Makes `transaction` conditional on the guard too, if there is one. After RequireSame().
void RequireGuard(const std::optional<Guard>& guard, storage::Transaction* transaction);
// The revision at which the guard's key was put last (0: it is not there), if that made the transaction fail.
std::optional<Revision> BrokenGuard(const std::optional<Guard>& guard, const storage::CommitResult& result);
absl::Status GuardBroken(const discovery::InstanceName& name);

// Calls `again` when the catalog has what made the transaction fail that was conditional on `present`: if the record is as it was, these
// are schemas and bindings. As CatalogFeed::WhenAt and WhenApplied.
void WhenCaughtUp(const Registrar::Parts& parts, const PresentInstance& present, const storage::CommitResult& result,
                  CatalogFeed::Waiter again);

// Entries of an instance, by key. They live where they were found.
using EntriesByKey = absl::btree_map<Key, const discovery::StoredValue*>;
EntriesByKey ByKey(const discovery::StoredInstance& stored, const discovery::Schema& schema, const discovery::InstanceName& name);

// Brings the entries of an instance from `stored` to `wanted`, on `lease_id`, if those that it touches are as they were. With
// Leases::kKeep an entry that is there stays on the lease that it is on.
enum class Leases { kKeep, kMove };
void PutEntries(const std::vector<discovery::KeyValue>& wanted, EntriesByKey stored, LeaseId lease_id, Leases leases,
                std::vector<storage::Operation>* operations);

// Takes away what is left of an instance under the schema of before, if that is as it was.
void DropLeft(const PresentInstance& present, const discovery::InstanceName& name, std::vector<storage::Operation>* operations);

storage::PutOperation PutRecord(const discovery::InstanceName& name, const discovery::InstanceRecord& record, LeaseId lease_id);

// Store::Commit, also of what is over a transaction's limits, as an instance written by hand may be. Errors name no operations.
void CommitChecked(storage::Store* store, storage::Transaction transaction, storage::Done<storage::CommitResult> done);

bool IsConditionFailed(const absl::Status& status);

// Answers a repetition of what was carried out at `revision`: as AnswerAt, with the instance if its owner has been the same since. With
// Unowned::kShown one that nobody owns is shown too.
enum class Unowned { kShown, kRefused };
void AnswerRepeated(const Registrar::Parts& parts, Revision revision, discovery::InstanceName name, Unowned unowned, Registrar::Done done);

// Of the catalog; 0: there is none yet.
Revision CatalogRevision(const Registrar::Parts& parts);

// Answers when the catalog shows `revision`, with the instance, if it is still that of `epoch`. A change that was committed but is not
// shown in time is kUnknown: it may not be told that nothing has changed.
enum class Effect { kNone, kCommitted };
void AnswerAt(const Registrar::Parts& parts, Revision revision, discovery::InstanceName name, Revision epoch, Effect effect,
              Registrar::Done done);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_CHANGE_H_
