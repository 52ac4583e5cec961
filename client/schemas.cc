#include "client/schemas.h"

#include <utility>

#include "client/wire/wire.h"
#include "scoutlight/discovery/v1/schema.pb.h"

namespace scoutlight {
namespace {

namespace wire = ::scoutlight::discovery::v1;
using Stub = wire::SchemaService::Stub;

constexpr int kPageSize = 10'000;

client::CallOptions Reading(Timeout timeout) { return {.timeout = timeout, .repeatable = client::Repeatable::kRead}; }
client::CallOptions Writing(Timeout timeout) { return {.timeout = timeout, .repeatable = client::Repeatable::kWithId}; }

template <typename Response>
StoreState StateOf(const Response& response) {
  return {response.revision(), response.store_id()};
}

StoredSchema SchemaOf(const wire::Schema& schema) { return {schema.name(), schema.version(), schema.document(), schema.shipped()}; }

template <typename Findings>
std::vector<FieldViolation> ViolationsOf(const Findings& findings) {
  std::vector<FieldViolation> violations;
  for (const auto& finding : findings) violations.push_back({finding.field(), finding.description()});
  return violations;
}

}  // namespace

Schemas::Schemas(Connection connection) : wire_(connection.wire()) {}

absl::StatusOr<PutSchemaResult> Schemas::Put(absl::string_view document, Timeout timeout) const {
  wire::PutSchemaRequest request;
  request.set_document(std::string(document));
  request.set_request_id(wire_->NewRequestId());
  const absl::StatusOr<wire::PutSchemaResponse> response = wire_->Call(&Stub::PutSchema, std::move(request), Writing(timeout));
  if (!response.ok()) return response.status();
  return PutSchemaResult{response->document(), response->version(),   StateOf(*response),
                         response->applied(),  response->unchanged(), response->replayed()};
}

absl::StatusOr<GetSchemaResult> Schemas::Get(absl::string_view name, Timeout timeout) const {
  wire::GetSchemaRequest request;
  request.set_name(std::string(name));
  const absl::StatusOr<wire::GetSchemaResponse> response = wire_->Call(&Stub::GetSchema, std::move(request), Reading(timeout));
  if (!response.ok()) return response.status();
  return GetSchemaResult{SchemaOf(response->schema()), StateOf(*response)};
}

absl::StatusOr<ListSchemasResult> Schemas::List(Timeout timeout) const {
  ListSchemasResult result;
  wire::ListSchemasRequest request;
  request.set_page_size(kPageSize);
  for (;;) {
    const absl::StatusOr<wire::ListSchemasResponse> page = wire_->Call(&Stub::ListSchemas, request, Reading(timeout));
    if (!page.ok()) return page.status();
    for (const wire::Schema& schema : page->schemas()) result.schemas.push_back(SchemaOf(schema));
    result.state = StateOf(*page);
    // At most limits::kSchemasMax there are.
    if (page->next_page_token().empty()) return result;
    request.set_page_token(page->next_page_token());
  }
}

absl::StatusOr<DeleteSchemaResult> Schemas::Delete(absl::string_view name, Timeout timeout) const {
  wire::DeleteSchemaRequest request;
  request.set_name(std::string(name));
  request.set_request_id(wire_->NewRequestId());
  const absl::StatusOr<wire::DeleteSchemaResponse> response = wire_->Call(&Stub::DeleteSchema, std::move(request), Writing(timeout));
  if (!response.ok()) return response.status();
  return DeleteSchemaResult{response->found(), StateOf(*response), response->applied(), response->replayed()};
}

absl::StatusOr<CheckSchemaResult> Schemas::Check(absl::string_view document, Timeout timeout) const {
  wire::CheckSchemaRequest request;
  request.set_document(std::string(document));
  const absl::StatusOr<wire::CheckSchemaResponse> response = wire_->Call(&Stub::CheckSchema, std::move(request), Reading(timeout));
  if (!response.ok()) return response.status();
  return CheckSchemaResult{ViolationsOf(response->mistakes()), ViolationsOf(response->breaks()), response->document(), StateOf(*response)};
}

absl::StatusOr<PutBindingResult> Schemas::PutBinding(const discovery::Binding& binding, Timeout timeout) const {
  wire::PutBindingRequest request;
  request.mutable_binding()->set_cluster(binding.cluster);
  request.mutable_binding()->set_service(binding.service);
  request.mutable_binding()->set_schema(binding.schema);
  request.set_request_id(wire_->NewRequestId());
  const absl::StatusOr<wire::PutBindingResponse> response = wire_->Call(&Stub::PutBinding, std::move(request), Writing(timeout));
  if (!response.ok()) return response.status();
  return PutBindingResult{StateOf(*response), response->applied(), response->unchanged(), response->replayed()};
}

absl::StatusOr<ListBindingsResult> Schemas::ListBindings(Timeout timeout) const {
  ListBindingsResult result;
  wire::ListBindingsRequest request;
  request.set_page_size(kPageSize);
  for (;;) {
    const absl::StatusOr<wire::ListBindingsResponse> page = wire_->Call(&Stub::ListBindings, request, Reading(timeout));
    if (!page.ok()) return page.status();
    for (const wire::Binding& binding : page->bindings()) {
      result.bindings.push_back({binding.cluster(), binding.service(), binding.schema()});
    }
    result.state = StateOf(*page);
    // At most limits::kBindingsMax there are.
    if (page->next_page_token().empty()) return result;
    request.set_page_token(page->next_page_token());
  }
}

}  // namespace scoutlight
