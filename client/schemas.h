#ifndef SCOUTLIGHT_CLIENT_SCHEMAS_H_
#define SCOUTLIGHT_CLIENT_SCHEMAS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "client/connection.h"
#include "client/connection_options.h"
#include "client/store_state.h"
#include "discovery/bindings.h"

namespace scoutlight {

// A schema that is in force.
struct StoredSchema {
  std::string name;
  int64_t version = 0;
  std::string document;  // As discovery/schema_document.h has it.
  bool shipped = false;  // It is there from the start.
};

struct PutSchemaResult {
  std::string document;  // As it is now; of a repetition as it was then, empty with version 0 if that is compacted away.
  int64_t version = 0;
  StoreState state;
  bool applied = false;  // The instances have been read by it already; else that goes on.
  bool unchanged = false;
  bool replayed = false;
};
struct GetSchemaResult {
  StoredSchema schema;
  StoreState state;
};
struct ListSchemasResult {
  std::vector<StoredSchema> schemas;
  StoreState state;
};
struct DeleteSchemaResult {
  bool found = false;
  StoreState state;
  bool applied = false;
  bool replayed = false;
};
struct CheckSchemaResult {
  std::vector<FieldViolation> mistakes;  // Of the document itself.
  std::vector<FieldViolation> breaks;    // Why it may not follow the schema of the same name.
  std::string document;                  // In its canonical form; empty with mistakes.
  StoreState state;
};
struct PutBindingResult {
  StoreState state;
  bool applied = false;
  bool unchanged = false;
  bool replayed = false;
};
struct ListBindingsResult {
  std::vector<discovery::Binding> bindings;
  StoreState state;
};

// How instances lie in the hierarchy, and which services that is said of: for tools. What each call does, and its errors, stands at
// SchemaService in schema.proto.
//
// Calls block, are repeated, and fail, as those of Registry; changes carry an id by which the server knows a repetition. Reads show all
// that this connection was told of before; lists read all pages, and `state` is the last one's. Copies are the same. Thread-safe.
class Schemas {
 public:
  explicit Schemas(Connection connection);

  // kInvalidArgument: every mistake of the document. kFailedPrecondition with Reason::kSchemaBreaks or kSchemaShipped.
  absl::StatusOr<PutSchemaResult> Put(absl::string_view document, Timeout timeout = std::nullopt) const;
  // kNotFound with Reason::kSchemaNotFound.
  absl::StatusOr<GetSchemaResult> Get(absl::string_view name, Timeout timeout = std::nullopt) const;
  // By name.
  absl::StatusOr<ListSchemasResult> List(Timeout timeout = std::nullopt) const;
  // None there: `found` false. kFailedPrecondition with Reason::kSchemaInUse or kSchemaShipped.
  absl::StatusOr<DeleteSchemaResult> Delete(absl::string_view name, Timeout timeout = std::nullopt) const;
  // What Put would say, without doing it.
  absl::StatusOr<CheckSchemaResult> Check(absl::string_view document, Timeout timeout = std::nullopt) const;

  // In the place of what was said of the same services before; an empty `schema`: nothing is said of them any more. kFailedPrecondition
  // with Reason::kSchemaNotFound.
  absl::StatusOr<PutBindingResult> PutBinding(const discovery::Binding& binding, Timeout timeout = std::nullopt) const;
  // The most specific ones first, what holds by default too.
  absl::StatusOr<ListBindingsResult> ListBindings(Timeout timeout = std::nullopt) const;

 private:
  std::shared_ptr<client::Wire> wire_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_SCHEMAS_H_
