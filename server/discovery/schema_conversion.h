#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_CONVERSION_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_CONVERSION_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/entry.h"
#include "base/key.h"
#include "discovery/bindings.h"
#include "discovery/schema.h"
#include "scoutlight/discovery/v1/schema.pb.h"
#include "server/discovery/catalog_feed.h"
#include "server/discovery/schema_editor.h"

namespace scoutlight::server {

// Between SchemaService's messages and the domain. From requests: kInvalidArgument names every field that breaks a rule, with the limit
// and the value.

// Of what is in force, to be read once it is that of `min_revision`.
struct SchemaSpec {
  std::string name;
  Revision min_revision = 0;
};
absl::StatusOr<SchemaSpec> SchemaSpecOf(const discovery::v1::GetSchemaRequest& request);
struct CheckSpec {
  std::string document;
  Revision min_revision = 0;
};
absl::StatusOr<CheckSpec> CheckSpecOf(const discovery::v1::CheckSchemaRequest& request);
absl::StatusOr<std::string> SchemaNameOf(const discovery::v1::DeleteSchemaRequest& request);
absl::StatusOr<discovery::Schema> SchemaOf(const discovery::v1::PutSchemaRequest& request);
// An empty cluster is `default`; an empty schema stays so.
absl::StatusOr<discovery::Binding> BindingOf(const discovery::v1::PutBindingRequest& request);

struct SchemaPage {
  std::optional<Key> after;  // The record's key of the last one shown.
  int entries_max = 1;
  Revision min_revision = 0;
};
// `store_id`: whose page tokens are good.
absl::StatusOr<SchemaPage> SchemaPageOf(const discovery::v1::ListSchemasRequest& request, const StoreId& store_id);
absl::StatusOr<SchemaPage> BindingPageOf(const discovery::v1::ListBindingsRequest& request, const StoreId& store_id);

void FillSchema(const discovery::Schema& schema, discovery::v1::Schema* out);
// Cut by entries and bytes. Without revision and store id, as the next ones.
discovery::v1::ListSchemasResponse ListSchemasResponseOf(const CatalogFeed::ClaimsAt& at, const SchemaPage& page, const StoreId& store_id);
discovery::v1::ListBindingsResponse ListBindingsResponseOf(const CatalogFeed::ClaimsAt& at, const SchemaPage& page,
                                                           const StoreId& store_id);

// What PutSchema would say to `document`.
discovery::v1::CheckSchemaResponse CheckSchemaResponseOf(const discovery::Claims& claims, const std::string& document);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_CONVERSION_H_
