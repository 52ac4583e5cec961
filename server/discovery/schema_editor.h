#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_EDITOR_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_EDITOR_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/entry.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/reader_pool.h"
#include "discovery/bindings.h"
#include "discovery/claims.h"
#include "discovery/schema.h"
#include "server/discovery/catalog_feed.h"
#include "storage/store.h"
#include "storage/transaction.h"

namespace scoutlight::server {

// A schema as it would follow what is in force.
struct NextSchema {
  std::shared_ptr<const discovery::Schema> schema;  // With its version.
  bool unchanged = false;                           // It is so already.
  // Why it cannot be together with the others; the field `schemas`: there are too many.
  std::vector<FieldViolation> mistakes;
  std::vector<FieldViolation> breaks;  // Why it may not follow the one of its name.
};

// Holds `wanted`, which has passed CheckSchema and is none of those shipped, against the others. Its own version is not looked at.
NextSchema FindNextSchema(const discovery::Claims& claims, discovery::Schema wanted);

// Whether a schema of that name is there from the start.
bool IsShipped(absl::string_view name);

// What came of a change.
struct SchemaChange {
  absl::Status status;
  Revision revision = 0;
  bool applied = false;                             // It is in force.
  bool unchanged = false;                           // It was so already. Of a deletion: it was not there.
  bool replayed = false;                            // An earlier request with the same id has done it, at `revision`.
  std::shared_ptr<const discovery::Schema> schema;  // Of Put, with OK: as it is now; replayed: as it was then.
};

// Changes schemas and bindings: holds a change against those in force, and commits it on the condition that no other change came between;
// else it waits until that one is in force and begins again, a few times. So they always fit together, whoever changes them at one time,
// through whichever server. A change is held against more than limits::kInlineEntriesMax schemas and bindings on a reader. Waits for
// nothing; `done` runs under no lock, maybe inside the call, once the change is in force or CatalogFeedOptions::apply_wait_max is over.
// Thread-safe.
//
// A request with an id that has changed something is answered with that again, whatever others have done since. Before a change is refused
// for the state of things, the store is asked for such a request: that state may be its own doing.
//
// After every error nothing has changed, except kUnknown. Beside those of the store:
//   kInvalidArgument     Put: `pattern` could read a key of another schema as of another service. With an id: kRequestIdReused
//   kFailedPrecondition  kSchemaShipped, kSchemaBreaks, kSchemaNotFound (Bind), kSchemaInUse (Delete: a binding names it, or an instance
//                        was registered under it)
//   kAborted             kContended: others came before each time
//   kResourceExhausted   over limits::kSchemasMax or limits::kBindingsMax; kOverloaded: too many wait for a reader, or
//                        (Delete) limits::kSchemaScansMax read all records already
//   kUnavailable         kCatalogLoading: no schemas are in force yet
class SchemaEditor {
 public:
  // All outlive it and every call.
  SchemaEditor(storage::Store* store, CatalogFeed* feed, ReaderPool* readers) : store_(*store), feed_(*feed), readers_(*readers) {}

  using Done = absl::AnyInvocable<void(SchemaChange) &&>;
  // `origin` has Memory::kChange. `schema` has passed CheckSchema; its version is not looked at.
  void Put(discovery::Schema schema, storage::Origin origin, Done done);
  void Delete(std::string name, storage::Origin origin, Done done);
  // Names have passed Bindings::Create. Without a schema the binding goes.
  void Bind(discovery::Binding binding, storage::Origin origin, Done done);

 private:
  class Edit;

  // Whether one more may read all records. If so, to be ended.
  bool BeginScan();
  void EndScan();

  storage::Store& store_;
  CatalogFeed& feed_;
  ReaderPool& readers_;

  Mutex mu_;
  int scans_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_EDITOR_H_
