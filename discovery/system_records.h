#ifndef SCOUTLIGHT_DISCOVERY_SYSTEM_RECORDS_H_
#define SCOUTLIGHT_DISCOVERY_SYSTEM_RECORDS_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/key.h"
#include "discovery/instance.h"
#include "discovery/names.h"

// What discovery keeps of its own in the system tree, and where. Records are JSON texts, so that people can read them.
//
//   /.scoutlight/instances/{cluster}/{service}/{id}   InstanceRecord, on the instance's lease
//   /.scoutlight/overrides/{cluster}/{service}/{id}   Override, on a lease of its own if it expires
//   /.scoutlight/schemas                              empty; put by each change of schemas or bindings, so that one can be conditional on
//                                                     there having been no other
//   /.scoutlight/schemas/{name}                       the schema's document (schema_document.h)
//   /.scoutlight/bindings/{cluster}/{service}         the name of a schema, or `none`; `*` stands for all
//   /.scoutlight/sessions/{id in hexadecimal}         SessionRecord, on the session's lease; put by each stream that opens the session
//   /.scoutlight/servers, /.scoutlight/drains         of servers that share the store: server/fleet/fleet_records.h
//
// Members that are not known are left alone, so that a later version may add some. All functions are thread-safe.
namespace scoutlight::discovery {

// Beside the entries of a registered instance: what is not a property. One written by hand has none.
struct InstanceRecord {
  Status status = Status::kUp;
  Revision epoch = 0;  // 0: the record's own mod_revision, which its writer could not know.
  std::string session;
  std::string schema;       // By whose layout its entries were written; empty: not known.
  bool owns_lease = false;  // The server made its lease for it alone.
  absl::Time registered_at;

  friend bool operator==(const InstanceRecord&, const InstanceRecord&) = default;
};

std::string EncodeInstanceRecord(const InstanceRecord& record);
// kInvalidArgument with what is wrong.
absl::StatusOr<InstanceRecord> ParseInstanceRecord(absl::string_view text);

// A session that is open, or was within its ttl.
struct SessionRecord {
  LeaseId lease_id = 0;  // Its instances are on it.
  absl::Duration ttl;

  friend bool operator==(const SessionRecord&, const SessionRecord&) = default;
};

std::string EncodeSessionRecord(const SessionRecord& record);
absl::StatusOr<SessionRecord> ParseSessionRecord(absl::string_view text);

std::string EncodeOverride(const Override& override);
absl::StatusOr<Override> ParseOverride(absl::string_view text);

// The keys. Names have passed names.h.
Key InstanceRecordKey(const InstanceName& name);
Key OverrideKey(const InstanceName& name);
Key SchemaKey(absl::string_view schema);
Key BindingKey(absl::string_view cluster, absl::string_view service);
// `id`: any bytes, 1 to limits::kSessionIdBytesMax.
Key SessionKey(absl::string_view id);
// The nodes above them all.
Key InstanceRecordsTree();
Key OverridesTree();
Key SchemasTree();
Key BindingsTree();

// Which of these a key is. Views into the key.
struct SystemKey {
  enum class Kind { kInstance, kOverride, kSchema, kBinding };

  Kind kind = Kind::kInstance;
  absl::string_view cluster;  // Of all but kSchema.
  absl::string_view service;
  absl::string_view name;  // The instance's id, or the schema's name.
};
// nullopt: none.
std::optional<SystemKey> ReadSystemKey(const Key& key);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_SYSTEM_RECORDS_H_
