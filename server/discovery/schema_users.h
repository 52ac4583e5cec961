#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_USERS_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_USERS_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/entry.h"
#include "storage/store.h"

namespace scoutlight::server {

// The instances whose records say that they were registered under a schema.
struct SchemaUsers {
  absl::Status status;  // Those of Store::Read.
  Revision revision = 0;
  int instances = 0;  // At most limits::kSchemaUsersMax: counting ends there.
  std::string first;  // "cluster/service/id" of one of them.
};

// Counts them at the latest revision. Reads all records, page by page, one page at a time; instances written by hand have none. Of the
// first page up to limits::kInlineEntriesMax records are read on the calling thread; if these are all and it has a DeferScope, they are
// counted there too when that closes. Everything else happens on the store's reader threads. Waits for nothing; `done` runs under no lock,
// not inside the call, on the thread that has counted last. `store` outlives that. Thread-safe.
void CountSchemaUsers(storage::Store* store, std::string schema, absl::AnyInvocable<void(const SchemaUsers&) &&> done);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_USERS_H_
