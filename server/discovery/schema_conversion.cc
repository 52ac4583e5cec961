#include "server/discovery/schema_conversion.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/stable_hash.h"
#include "discovery/names.h"
#include "discovery/schema_document.h"
#include "discovery/system_records.h"
#include "server/discovery/instance_conversion.h"
#include "server/page_token.h"
#include "server/request_fields.h"
#include "server/violations.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;
using discovery::Binding;
using discovery::Schema;
using discovery::SystemKey;

// Of an answer for everything but its entries; and of each entry for its tags, lengths and numbers.
constexpr size_t kAnswerSlackBytes = 4 * limits::kKiB;
constexpr size_t kEntrySlackBytes = 32;

// Tells tokens of one list from those of others.
uint64_t SchemasQuery() { return StableHash().Add("ListSchemas").value(); }
uint64_t BindingsQuery() { return StableHash().Add("ListBindings").value(); }

std::string ReadSchemaName(const std::string& name, Violations* violations) {
  if (std::string fault = discovery::SchemaNameFault(name); !fault.empty()) violations->Add(Reason::kInvalidField, "name", fault);
  return name;
}

template <typename Request>
absl::StatusOr<SchemaPage> PageOf(const Request& request, uint64_t query, SystemKey::Kind kind, const StoreId& store_id) {
  Violations violations;
  SchemaPage page;
  page.entries_max = ReadEntriesMax(request.page_size(), "page_size", &violations);
  page.min_revision = ReadCount(request.min_revision(), "min_revision", &violations);
  if (!request.page_token().empty()) {
    const absl::StatusOr<PageToken> token = DecodePageToken(request.page_token(), query, store_id);
    if (!token.ok()) {
      violations.Add(token.status());
    } else if (const std::optional<SystemKey> key = discovery::ReadSystemKey(token->position.key); key && key->kind == kind) {
      page.after = token->position.key;
    } else {
      violations.Add(Reason::kInvalidPageToken, "page_token", "is of another list");
    }
  }
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return page;
}

// Where a binding stands: the most specific ones first.
std::tuple<int, absl::string_view, absl::string_view> PlaceOf(absl::string_view cluster, absl::string_view service) {
  const int unspecific = (cluster == discovery::kAny ? 2 : 0) + (service == discovery::kAny ? 1 : 0);
  return {unspecific, cluster, service};
}
std::tuple<int, absl::string_view, absl::string_view> PlaceOf(const Binding& binding) { return PlaceOf(binding.cluster, binding.service); }

// Calls `add` for each of `all` in order until the page is full; it gives back the bytes that it took. The key of the last one, or nullopt
// when it was the last of all.
template <typename Entries, typename KeyOf, typename Add>
std::optional<Key> FillPage(const Entries& all, const SchemaPage& page, KeyOf key_of, Add add) {
  size_t bytes = kAnswerSlackBytes;
  int count = 0;
  for (auto it = all.begin(); it != all.end(); ++it) {
    // An entry is far smaller than an answer: one fits always.
    if (count == page.entries_max || bytes + limits::kSchemaDocumentBytesMax + limits::kKiB > limits::kAnswerBytesMax) {
      return key_of(*std::prev(it));
    }
    bytes += add(*it) + kEntrySlackBytes;
    ++count;
  }
  return std::nullopt;
}

std::string TokenOf(const std::optional<Key>& last, uint64_t query, Revision revision, const StoreId& store_id) {
  if (!last.has_value()) return "";
  return EncodePageToken({store_id, revision, query, {*last, 0}});
}

template <typename Findings>
void FillFindings(const std::vector<FieldViolation>& violations, Findings* out) {
  for (const FieldViolation& violation : violations) {
    wire::CheckSchemaResponse::Finding* const finding = out->Add();
    finding->set_field(violation.field);
    finding->set_description(violation.description);
  }
}

}  // namespace

absl::StatusOr<SchemaSpec> SchemaSpecOf(const wire::GetSchemaRequest& request) {
  Violations violations;
  SchemaSpec spec{.name = ReadSchemaName(request.name(), &violations),
                  .min_revision = ReadCount(request.min_revision(), "min_revision", &violations)};
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return spec;
}

absl::StatusOr<CheckSpec> CheckSpecOf(const wire::CheckSchemaRequest& request) {
  Violations violations;
  CheckSpec spec{.document = request.document(), .min_revision = ReadCount(request.min_revision(), "min_revision", &violations)};
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return spec;
}

absl::StatusOr<std::string> SchemaNameOf(const wire::DeleteSchemaRequest& request) {
  Violations violations;
  std::string name = ReadSchemaName(request.name(), &violations);
  CheckRequestId(request.request_id(), &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return name;
}

absl::StatusOr<Schema> SchemaOf(const wire::PutSchemaRequest& request) {
  Violations violations;
  absl::StatusOr<Schema> schema = discovery::ParseSchemaDocument(request.document());
  if (!schema.ok()) violations.Add(schema.status());
  CheckRequestId(request.request_id(), &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return schema;
}

absl::StatusOr<Binding> BindingOf(const wire::PutBindingRequest& request) {
  Violations violations;
  CheckRequestId(request.request_id(), &violations);
  violations.SetPrefix("binding.");
  const wire::Binding& given = request.binding();
  Binding binding{given.cluster(), given.service(), given.schema()};
  if (binding.cluster != discovery::kAny) binding.cluster = ReadCluster(given.cluster(), &violations);
  if (binding.service != discovery::kAny) binding.service = ReadService(given.service(), &violations);
  if (!binding.schema.empty() && binding.schema != discovery::kNoSchema) {
    if (std::string fault = discovery::SchemaNameFault(binding.schema); !fault.empty()) {
      violations.Add(Reason::kInvalidField, "schema", fault);
    }
  }
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return binding;
}

absl::StatusOr<SchemaPage> SchemaPageOf(const wire::ListSchemasRequest& request, const StoreId& store_id) {
  return PageOf(request, SchemasQuery(), SystemKey::Kind::kSchema, store_id);
}

absl::StatusOr<SchemaPage> BindingPageOf(const wire::ListBindingsRequest& request, const StoreId& store_id) {
  return PageOf(request, BindingsQuery(), SystemKey::Kind::kBinding, store_id);
}

void FillSchema(const Schema& schema, wire::Schema* out) {
  out->set_name(schema.name);
  out->set_version(schema.version);
  out->set_document(discovery::SchemaDocument(schema));
  out->set_shipped(IsShipped(schema.name));
}

wire::ListSchemasResponse ListSchemasResponseOf(const CatalogFeed::ClaimsAt& at, const SchemaPage& page, const StoreId& store_id) {
  std::vector<const Schema*> schemas;
  const std::string after = page.after.has_value() ? std::string(page.after->name()) : "";
  for (const std::shared_ptr<const Schema>& schema : at.claims->schemas()) {
    if (schema->name > after) schemas.push_back(schema.get());
  }
  std::sort(schemas.begin(), schemas.end(), [](const Schema* a, const Schema* b) { return a->name < b->name; });
  wire::ListSchemasResponse response;
  const std::optional<Key> last = FillPage(
      schemas, page, [](const Schema* schema) { return discovery::SchemaKey(schema->name); },
      [&response](const Schema* schema) {
        wire::Schema* const out = response.add_schemas();
        FillSchema(*schema, out);
        return out->name().size() + out->document().size();
      });
  response.set_next_page_token(TokenOf(last, SchemasQuery(), at.revision, store_id));
  return response;
}

wire::ListBindingsResponse ListBindingsResponseOf(const CatalogFeed::ClaimsAt& at, const SchemaPage& page, const StoreId& store_id) {
  const std::optional<SystemKey> after = page.after.has_value() ? discovery::ReadSystemKey(*page.after) : std::nullopt;
  std::vector<const Binding*> bindings;
  for (const Binding& binding : at.claims->bindings().all()) {
    if (!after.has_value() || PlaceOf(binding) > PlaceOf(after->cluster, after->service)) bindings.push_back(&binding);
  }
  std::sort(bindings.begin(), bindings.end(), [](const Binding* a, const Binding* b) { return PlaceOf(*a) < PlaceOf(*b); });
  wire::ListBindingsResponse response;
  const std::optional<Key> last = FillPage(
      bindings, page, [](const Binding* binding) { return discovery::BindingKey(binding->cluster, binding->service); },
      [&response](const Binding* binding) {
        wire::Binding* const out = response.add_bindings();
        out->set_cluster(binding->cluster);
        out->set_service(binding->service);
        out->set_schema(binding->schema);
        return binding->cluster.size() + binding->service.size() + binding->schema.size();
      });
  response.set_next_page_token(TokenOf(last, BindingsQuery(), at.revision, store_id));
  return response;
}

wire::CheckSchemaResponse CheckSchemaResponseOf(const discovery::Claims& claims, const std::string& document) {
  wire::CheckSchemaResponse response;
  const absl::StatusOr<Schema> schema = discovery::ParseSchemaDocument(document);
  if (!schema.ok()) {
    FillFindings(DetailsOf(schema.status()).value_or(ErrorDetails()).violations, response.mutable_mistakes());
    return response;
  }
  if (IsShipped(schema->name)) {
    FillFindings({{"name", absl::StrCat("is ", schema->name, ", which is there from the start and stays as it is")}},
                 response.mutable_mistakes());
    return response;
  }
  const NextSchema next = FindNextSchema(claims, *schema);
  FillFindings(next.mistakes, response.mutable_mistakes());
  FillFindings(next.breaks, response.mutable_breaks());
  if (next.mistakes.empty()) response.set_document(discovery::SchemaDocument(*next.schema));
  return response;
}

}  // namespace scoutlight::server
