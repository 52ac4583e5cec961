#include "server/discovery/schema_service.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/deferred.h"
#include "base/error.h"
#include "discovery/schema_document.h"
#include "discovery/system_records.h"
#include "server/admit.h"
#include "server/discovery/instance_conversion.h"
#include "server/discovery/schema_conversion.h"
#include "server/identity.h"
#include "server/unary_call.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;

using Ranges = std::vector<KeyRange>;

Ranges RangesOfSchema(absl::string_view name) { return {{discovery::SchemaKey(name), Scope::kKey}}; }
constexpr auto kAllSchemas = [](const auto&) { return Ranges{{discovery::SchemasTree(), Scope::kSubtree}}; };
constexpr auto kAllBindings = [](const auto&) { return Ranges{{discovery::BindingsTree(), Scope::kSubtree}}; };

absl::Status SchemaNotFound(const std::string& name) {
  ErrorDetails details;
  details.reason = Reason::kSchemaNotFound;
  details.resource = name;
  return MakeError(absl::StatusCode::kNotFound, absl::StrCat("there is no schema ", name), details);
}

}  // namespace

SchemaService::SchemaService(storage::Store* store, CatalogFeed* feed, const Admission* admission)
    : store_(*store), feed_(*feed), admission_(*admission), editor_(store, feed) {}

grpc::ServerUnaryReactor* SchemaService::PutSchema(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                   grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::PutSchemaRequest request;
  auto schema = Admit(
      admission_, identity, "SchemaService/PutSchema", *bytes, &request,
      [](const wire::PutSchemaRequest& wanted) { return discovery::ParseSchemaDocument(wanted.document()); },
      [](const discovery::Schema& wanted) { return RangesOfSchema(wanted.name); });
  if (!schema.ok()) return call.Fail(schema.status(), {});
  const DeferScope scope;
  editor_.Put(*std::move(schema), identity.connection, [this, call](const SchemaChange& change) {
    if (!change.status.ok()) return void(call.Fail(change.status, {change.revision, 0, store_.store_id()}));
    wire::PutSchemaResponse response;
    response.set_document(discovery::SchemaDocument(*change.schema));
    response.set_version(change.schema->version);
    response.set_revision(change.revision);
    response.set_store_id(store_.store_id());
    response.set_applied(change.applied);
    response.set_unchanged(change.unchanged);
    call.Answer(response);
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* SchemaService::GetSchema(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                   grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::GetSchemaRequest request;
  const auto name = Admit(
      admission_, IdentityOf(*context), "SchemaService/GetSchema", *bytes, &request,
      [](const wire::GetSchemaRequest& wanted) { return SchemaNameOf(wanted.name()); }, RangesOfSchema);
  if (!name.ok()) return call.Fail(name.status(), {});
  const CatalogFeed::ClaimsAt at = feed_.claims();
  if (at.claims == nullptr) return call.Fail(CatalogLoading(), {});
  const std::shared_ptr<const discovery::Schema> schema = at.claims->FindSchema(*name);
  if (schema == nullptr) return call.Fail(SchemaNotFound(*name), {at.revision, 0, store_.store_id()});
  wire::GetSchemaResponse response;
  FillSchema(*schema, response.mutable_schema());
  response.set_revision(at.revision);
  response.set_store_id(store_.store_id());
  call.Answer(response);
  return call.reactor();
}

grpc::ServerUnaryReactor* SchemaService::ListSchemas(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                     grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ListSchemasRequest request;
  const auto page = Admit(
      admission_, IdentityOf(*context), "SchemaService/ListSchemas", *bytes, &request,
      [this](const wire::ListSchemasRequest& wanted) { return SchemaPageOf(wanted, store_.store_id()); }, kAllSchemas);
  if (!page.ok()) return call.Fail(page.status(), {});
  const CatalogFeed::ClaimsAt at = feed_.claims();
  if (at.claims == nullptr) return call.Fail(CatalogLoading(), {});
  call.Answer(ListSchemasResponseOf(at, *page, store_.store_id()));
  return call.reactor();
}

grpc::ServerUnaryReactor* SchemaService::DeleteSchema(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                      grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::DeleteSchemaRequest request;
  auto name = Admit(
      admission_, identity, "SchemaService/DeleteSchema", *bytes, &request,
      [](const wire::DeleteSchemaRequest& wanted) { return SchemaNameOf(wanted.name()); }, RangesOfSchema);
  if (!name.ok()) return call.Fail(name.status(), {});
  const DeferScope scope;
  editor_.Delete(*std::move(name), identity.connection, [this, call](const SchemaChange& change) {
    if (!change.status.ok()) return void(call.Fail(change.status, {change.revision, 0, store_.store_id()}));
    wire::DeleteSchemaResponse response;
    response.set_found(!change.unchanged);
    response.set_revision(change.revision);
    response.set_store_id(store_.store_id());
    response.set_applied(change.applied);
    call.Answer(response);
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* SchemaService::CheckSchema(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                     grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::CheckSchemaRequest request;
  const auto document = Admit(
      admission_, IdentityOf(*context), "SchemaService/CheckSchema", *bytes, &request,
      [](const wire::CheckSchemaRequest& wanted) { return absl::StatusOr<std::string>(wanted.document()); }, kAllSchemas);
  if (!document.ok()) return call.Fail(document.status(), {});
  const CatalogFeed::ClaimsAt at = feed_.claims();
  if (at.claims == nullptr) return call.Fail(CatalogLoading(), {});
  call.Answer(CheckSchemaResponseOf(*at.claims, *document));
  return call.reactor();
}

grpc::ServerUnaryReactor* SchemaService::PutBinding(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                    grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::PutBindingRequest request;
  auto binding = Admit(admission_, identity, "SchemaService/PutBinding", *bytes, &request, BindingOf, [](const discovery::Binding& wanted) {
    return Ranges{{discovery::BindingKey(wanted.cluster, wanted.service), Scope::kKey}};
  });
  if (!binding.ok()) return call.Fail(binding.status(), {});
  const DeferScope scope;
  editor_.Bind(*std::move(binding), identity.connection, [this, call](const SchemaChange& change) {
    if (!change.status.ok()) return void(call.Fail(change.status, {change.revision, 0, store_.store_id()}));
    wire::PutBindingResponse response;
    response.set_revision(change.revision);
    response.set_store_id(store_.store_id());
    response.set_applied(change.applied);
    response.set_unchanged(change.unchanged);
    call.Answer(response);
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* SchemaService::ListBindings(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                      grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ListBindingsRequest request;
  const auto page = Admit(
      admission_, IdentityOf(*context), "SchemaService/ListBindings", *bytes, &request,
      [this](const wire::ListBindingsRequest& wanted) { return BindingPageOf(wanted, store_.store_id()); }, kAllBindings);
  if (!page.ok()) return call.Fail(page.status(), {});
  const CatalogFeed::ClaimsAt at = feed_.claims();
  if (at.claims == nullptr) return call.Fail(CatalogLoading(), {});
  call.Answer(ListBindingsResponseOf(at, *page, store_.store_id()));
  return call.reactor();
}

}  // namespace scoutlight::server
