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
#include "server/discovery/run_on_reader.h"
#include "server/discovery/schema_conversion.h"
#include "server/identity.h"
#include "server/unary_call.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;

using Ranges = std::vector<KeyRange>;

Ranges RangesOfSchema(absl::string_view name) { return {{discovery::SchemaKey(name), Scope::kKey}}; }
Ranges RangesOfSpec(const SchemaSpec& wanted) { return RangesOfSchema(wanted.name); }
constexpr auto kAllSchemas = [](const auto&) { return Ranges{{discovery::SchemasTree(), Scope::kSubtree}}; };
constexpr auto kAllBindings = [](const auto&) { return Ranges{{discovery::BindingsTree(), Scope::kSubtree}}; };

absl::Status SchemaNotFound(const std::string& name) {
  ErrorDetails details;
  details.reason = Reason::kSchemaNotFound;
  details.resource = name;
  return MakeError(absl::StatusCode::kNotFound, absl::StrCat("there is no schema ", name), details);
}

// A change is tried with one transaction after the other, so its request is remembered by what it changed.
template <typename Request>
storage::Origin ChangeOrigin(const Identity& identity, Request* request) {
  storage::Origin origin = OriginOf(identity, request);
  origin.memory = storage::Memory::kChange;
  return origin;
}

template <typename Response>
void AnswerAt(const UnaryCall& call, Revision revision, const StoreId& store_id, Response response) {
  response.set_revision(revision);
  response.set_store_id(store_id);
  call.Answer(response);
}

// Answers `call`, once schemas and bindings as of `min_revision` are in force, with what `respond` makes of all of them.
template <typename Respond>
void AnswerFromClaims(const UnaryCall& call, const SchemaService::Parts& parts, Revision min_revision, Respond respond) {
  parts.feed->WhenClaimsAt(min_revision, [call, &parts, respond = std::move(respond)](const absl::Status& status) mutable {
    if (!status.ok()) return void(call.Fail(status, {0, 0, parts.store->store_id()}));
    const CatalogFeed::ClaimsAt at = parts.feed->claims();
    const absl::Status refused = RunOverClaims(*at.claims, parts.readers, [call, &parts, at, respond = std::move(respond)] {
      AnswerAt(call, at.revision, parts.store->store_id(), respond(at));
    });
    if (!refused.ok()) call.Fail(refused, {at.revision, 0, parts.store->store_id()});
  });
}

}  // namespace

grpc::ServerUnaryReactor* SchemaService::PutSchema(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                   grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::PutSchemaRequest request;
  auto schema = Admit(*parts_.admission, identity, "SchemaService/PutSchema", *bytes, &request, SchemaOf,
                      [](const discovery::Schema& wanted) { return RangesOfSchema(wanted.name); });
  if (!schema.ok()) return call.Fail(schema.status(), {});
  const DeferScope scope;
  editor_.Put(*std::move(schema), ChangeOrigin(identity, &request), [this, call](const SchemaChange& change) {
    if (!change.status.ok()) return void(call.Fail(change.status, {change.revision, 0, parts_.store->store_id()}));
    wire::PutSchemaResponse response;
    if (change.schema != nullptr) {
      response.set_document(discovery::SchemaDocument(*change.schema));
      response.set_version(change.schema->version);
    }
    response.set_revision(change.revision);
    response.set_store_id(parts_.store->store_id());
    response.set_applied(change.applied);
    response.set_replayed(change.replayed);
    response.set_unchanged(change.unchanged);
    call.Answer(response);
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* SchemaService::GetSchema(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                   grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::GetSchemaRequest request;
  auto spec = Admit(*parts_.admission, IdentityOf(*context), "SchemaService/GetSchema", *bytes, &request, SchemaSpecOf, RangesOfSpec);
  if (!spec.ok()) return call.Fail(spec.status(), {});
  const Revision min_revision = spec->min_revision;
  parts_.feed->WhenClaimsAt(min_revision, [this, call, name = std::move(spec->name)](const absl::Status& status) {
    const StoreId store_id = parts_.store->store_id();
    if (!status.ok()) return void(call.Fail(status, {0, 0, store_id}));
    const CatalogFeed::ClaimsAt at = parts_.feed->claims();
    const std::shared_ptr<const discovery::Schema> schema = at.claims->FindSchema(name);
    if (schema == nullptr) return void(call.Fail(SchemaNotFound(name), {at.revision, 0, store_id}));
    wire::GetSchemaResponse response;
    FillSchema(*schema, response.mutable_schema());
    AnswerAt(call, at.revision, store_id, std::move(response));
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* SchemaService::ListSchemas(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                     grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ListSchemasRequest request;
  const auto page = Admit(
      *parts_.admission, IdentityOf(*context), "SchemaService/ListSchemas", *bytes, &request,
      [this](const wire::ListSchemasRequest& wanted) { return SchemaPageOf(wanted, parts_.store->store_id()); }, kAllSchemas);
  if (!page.ok()) return call.Fail(page.status(), {});
  AnswerFromClaims(call, parts_, page->min_revision, [this, page = *page](const CatalogFeed::ClaimsAt& at) {
    return ListSchemasResponseOf(at, page, parts_.store->store_id());
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* SchemaService::DeleteSchema(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                      grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::DeleteSchemaRequest request;
  auto name = Admit(*parts_.admission, identity, "SchemaService/DeleteSchema", *bytes, &request, SchemaNameOf, RangesOfSchema);
  if (!name.ok()) return call.Fail(name.status(), {});
  const DeferScope scope;
  editor_.Delete(*std::move(name), ChangeOrigin(identity, &request), [this, call](const SchemaChange& change) {
    if (!change.status.ok()) return void(call.Fail(change.status, {change.revision, 0, parts_.store->store_id()}));
    wire::DeleteSchemaResponse response;
    response.set_found(!change.unchanged);
    response.set_revision(change.revision);
    response.set_store_id(parts_.store->store_id());
    response.set_applied(change.applied);
    response.set_replayed(change.replayed);
    call.Answer(response);
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* SchemaService::CheckSchema(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                     grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::CheckSchemaRequest request;
  auto spec = Admit(*parts_.admission, IdentityOf(*context), "SchemaService/CheckSchema", *bytes, &request, CheckSpecOf, kAllSchemas);
  if (!spec.ok()) return call.Fail(spec.status(), {});
  const Revision min_revision = spec->min_revision;
  AnswerFromClaims(call, parts_, min_revision, [document = std::move(spec->document)](const CatalogFeed::ClaimsAt& at) {
    return CheckSchemaResponseOf(*at.claims, document);
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* SchemaService::PutBinding(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                    grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::PutBindingRequest request;
  auto binding =
      Admit(*parts_.admission, identity, "SchemaService/PutBinding", *bytes, &request, BindingOf, [](const discovery::Binding& wanted) {
        return Ranges{{discovery::BindingKey(wanted.cluster, wanted.service), Scope::kKey}};
      });
  if (!binding.ok()) return call.Fail(binding.status(), {});
  const DeferScope scope;
  editor_.Bind(*std::move(binding), ChangeOrigin(identity, &request), [this, call](const SchemaChange& change) {
    if (!change.status.ok()) return void(call.Fail(change.status, {change.revision, 0, parts_.store->store_id()}));
    wire::PutBindingResponse response;
    response.set_revision(change.revision);
    response.set_store_id(parts_.store->store_id());
    response.set_applied(change.applied);
    response.set_replayed(change.replayed);
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
      *parts_.admission, IdentityOf(*context), "SchemaService/ListBindings", *bytes, &request,
      [this](const wire::ListBindingsRequest& wanted) { return BindingPageOf(wanted, parts_.store->store_id()); }, kAllBindings);
  if (!page.ok()) return call.Fail(page.status(), {});
  AnswerFromClaims(call, parts_, page->min_revision, [this, page = *page](const CatalogFeed::ClaimsAt& at) {
    return ListBindingsResponseOf(at, page, parts_.store->store_id());
  });
  return call.reactor();
}

}  // namespace scoutlight::server
