#include "cli/services_hit.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "client/registry.h"
#include "client/schemas.h"
#include "discovery/bindings.h"
#include "discovery/claims.h"
#include "discovery/schema.h"
#include "discovery/schema_document.h"

namespace scoutlight::cli {
namespace {

using discovery::Claims;
using discovery::Schema;

// Keys that are looked at.
constexpr int kKeysMax = 100'000;

absl::StatusOr<std::shared_ptr<const Claims>> ClaimsInForce(const Connection& connection) {
  const Schemas schemas(connection);
  const absl::StatusOr<ListSchemasResult> listed = schemas.List();
  if (!listed.ok()) return listed.status();
  const absl::StatusOr<ListBindingsResult> bound = schemas.ListBindings();
  if (!bound.ok()) return bound.status();
  std::vector<std::shared_ptr<const Schema>> parsed;
  for (const StoredSchema& schema : listed->schemas) {
    absl::StatusOr<Schema> one = discovery::ParseSchemaDocument(schema.document);
    if (!one.ok()) return one.status();
    parsed.push_back(std::make_shared<const Schema>(*std::move(one)));
  }
  absl::StatusOr<discovery::Bindings> bindings = discovery::Bindings::Create(bound->bindings);
  if (!bindings.ok()) return bindings.status();
  return Claims::Create(parsed, *std::move(bindings));
}

std::string NamesText(const std::set<std::string>& services) {
  std::vector<std::string> named;
  for (const std::string& service : services) {
    if (named.size() < static_cast<size_t>(kServicesNamedMax)) named.push_back(service);
  }
  const size_t more = services.size() - named.size();
  return absl::StrCat(absl::StrJoin(named, ", "),
                      more == 0 ? "" : absl::StrCat(" and ", more, more == 1 ? " other service" : " other services"));
}

}  // namespace

absl::StatusOr<std::string> ServicesHitText(const Connection& connection, const std::string& key) {
  const absl::StatusOr<std::shared_ptr<const Claims>> claims = ClaimsInForce(connection);
  if (!claims.ok()) return claims.status();
  const absl::StatusOr<ListResult> list = Registry(connection).List(key, {.scope = Scope::kSubtree, .entries_max = kKeysMax});
  if (ReasonOf(list.status()) == Reason::kListTooLarge) return std::string(", too many to say of which services");
  if (!list.ok()) return list.status();
  std::set<std::string> services;
  std::set<std::string> instances;
  for (const Entry& entry : list->entries) {
    const std::optional<discovery::Claim> claim = (*claims)->Read(entry.key);
    if (!claim.has_value()) continue;
    const discovery::KeyReading& reading = claim->reading;
    const std::string service = absl::StrCat(reading.cluster == "default" ? "" : absl::StrCat(reading.cluster, ":"), reading.service);
    services.insert(service);
    instances.insert(absl::StrCat(service, "/", reading.instance));
  }
  if (services.empty()) return std::string();
  return absl::StrCat(", with ", instances.size(), instances.size() == 1 ? " instance" : " instances", " of ", NamesText(services));
}

}  // namespace scoutlight::cli
