#include "cli/meant_name.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "base/key.h"
#include "cli/suggestion.h"
#include "client/discovery.h"
#include "client/registry.h"
#include "client/schemas.h"

namespace scoutlight::cli {
namespace {

constexpr absl::Duration kLookUpTimeout = absl::Milliseconds(500);
// Of more, none is suggested.
constexpr int kNamesMax = 1'000;

std::string MeantService(const Discovery& discovery, const std::string& cluster, const std::string& service) {
  const absl::StatusOr<ListServicesResult> list = discovery.ListServices(cluster, kLookUpTimeout);
  if (!list.ok()) return "";
  std::vector<std::string> names;
  for (const ServiceSummary& one : list->services) names.push_back(one.name);
  // Of a service that is there, the name is right.
  return std::find(names.begin(), names.end(), service) == names.end() ? Suggestion(service, names) : "";
}

std::string MeantId(const Discovery& discovery, const std::string& cluster, const std::string& service, const std::string& id) {
  const absl::StatusOr<ListInstancesResult> list =
      discovery.ListInstances({cluster, service}, {.instances_max = kNamesMax, .timeout = kLookUpTimeout});
  if (!list.ok()) return "";
  std::vector<std::string> ids;
  for (const discovery::Instance& instance : list->instances) ids.push_back(instance.name.id);
  return Suggestion(id, ids);
}

std::string MeantSchema(const Schemas& schemas, const std::string& schema) {
  const absl::StatusOr<ListSchemasResult> list = schemas.List(kLookUpTimeout);
  if (!list.ok()) return "";
  std::vector<std::string> names;
  for (const StoredSchema& one : list->schemas) names.push_back(one.name);
  return Suggestion(schema, names);
}

absl::Status With(const absl::Status& failed, const std::string& advice) {
  absl::Status advised(failed.code(), absl::StrCat(failed.message(), "; ", advice));
  failed.ForEachPayload([&advised](absl::string_view type, const absl::Cord& payload) { advised.SetPayload(type, payload); });
  return advised;
}

absl::Status WithMeant(const absl::Status& failed, const std::string& meant) {
  return meant.empty() ? failed : With(failed, absl::StrCat("did you mean ", meant, "?"));
}

}  // namespace

absl::Status WithMeantName(const absl::Status& failed, const Connection& connection) {
  const ErrorDetails details = DetailsOf(failed).value_or(ErrorDetails());
  if (details.reason == Reason::kSchemaNotFound) return WithMeant(failed, MeantSchema(Schemas(connection), details.resource));
  if (details.reason != Reason::kServiceNotFound && details.reason != Reason::kInstanceNotFound) return failed;
  // CLUSTER/SERVICE or CLUSTER/SERVICE/ID.
  const std::vector<std::string> parts = absl::StrSplit(details.resource, '/');
  if (parts.size() < 2) return failed;
  const Discovery discovery(connection);
  std::string meant = MeantService(discovery, parts[0], parts[1]);
  if (meant.empty() && parts.size() == 3) meant = MeantId(discovery, parts[0], parts[1], parts[2]);
  return WithMeant(failed, meant);
}

absl::Status WithMeantKey(const absl::Status& failed, const std::string& key, Revision revision, const Connection& connection) {
  const absl::StatusOr<Key> missing = Key::Parse(key);
  if (ReasonOf(failed) != Reason::kKeyNotFound || !missing.ok()) return failed;
  const absl::StatusOr<ListResult> list =
      Registry(connection).List(missing->Parent().path(), {.revision = revision, .entries_max = kNamesMax, .timeout = kLookUpTimeout});
  if (!list.ok()) return failed;
  std::vector<std::string> names;
  for (const Entry& entry : list->entries) {
    if (entry.key == *missing) return With(failed, "there are keys below it, which scoutctl kv list shows");
    names.emplace_back(entry.key.name());
  }
  const std::string meant = Suggestion(missing->name(), names);
  const std::string parent = missing->Parent().is_root() ? "" : missing->Parent().path();
  return WithMeant(failed, meant.empty() ? "" : absl::StrCat(parent, "/", meant));
}

}  // namespace scoutlight::cli
