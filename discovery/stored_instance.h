#ifndef SCOUTLIGHT_DISCOVERY_STORED_INSTANCE_H_
#define SCOUTLIGHT_DISCOVERY_STORED_INSTANCE_H_

#include <optional>
#include <string>

#include "absl/container/btree_map.h"
#include "base/entry.h"
#include "discovery/instance.h"
#include "discovery/schema.h"
#include "discovery/serializer.h"
#include "discovery/system_records.h"

namespace scoutlight::discovery {

// What an entry says beside its key.
struct StoredValue {
  Value value;  // Of one over Layout::value_bytes_max() maybe only the beginning, which is over that too.
  Revision create_revision = 0;
  Revision mod_revision = 0;
  LeaseId lease_id = 0;
};

// The entries of one instance, as they lie in the store.
struct StoredInstance {
  // By property; the instance's own key under the empty name, which no property has.
  absl::btree_map<std::string, StoredValue> entries;
  std::optional<StoredValue> record;    // InstanceRecord.
  std::optional<StoredValue> override;  // Override; it may be there before the instance, and after.
  SoftValues soft;                      // Not stored.

  // Whether there is an instance; an override alone makes none.
  bool exists() const { return record.has_value() || !entries.empty(); }
  bool empty() const { return !exists() && !override.has_value(); }
};

// The instance that these entries make under `schema`, which has read their keys. Whatever is wrong with one of them is a problem of the
// instance; it hides no other. Requires exists(). Thread-safe.
Instance ReadInstance(const InstanceName& name, const StoredInstance& stored, const Schema& schema);

// The properties in these entries, as `schema` reads them; without defaults.
DecodedProperties StoredProperties(const StoredInstance& stored, const Schema& schema);

// The owner's word for the instance, as far as the record can be read.
struct Ownership {
  Revision epoch = 0;  // 0: nobody registered it.
  std::string session;
  std::string schema;
  bool owns_lease = false;
  LeaseId lease_id = 0;
  Revision record_revision = 0;  // mod_revision of the record; 0: none.
  Status status = Status::kUp;
  absl::Time registered_at = absl::InfinitePast();
};
Ownership ReadOwnership(const StoredInstance& stored);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STORED_INSTANCE_H_
