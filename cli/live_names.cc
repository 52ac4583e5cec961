#include "cli/live_names.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "cli/called_instance.h"
#include "cli/called_method.h"
#include "cli/contexts.h"
#include "cli/instance_choice.h"
#include "cli/server_reflection.h"
#include "client/discovery.h"
#include "client/registry.h"

namespace scoutlight::cli {
namespace {

constexpr int kKeysMax = 1'000;

// The children of what has been typed up to its last slash, those with children of their own with a slash behind.
std::vector<std::string> KeysAt(const Connection& connection, const std::string& typed) {
  const std::string parent = typed.substr(0, typed.rfind('/') == std::string::npos ? 0 : typed.rfind('/'));
  const absl::StatusOr<ListResult> list = Registry(connection).List(parent.empty() ? "/" : parent, {.entries_max = kKeysMax});
  std::vector<std::string> keys;
  if (!list.ok()) return keys;
  for (const Entry& entry : list->entries) {
    if (entry.has_value) keys.push_back(entry.key.path());
    if (entry.has_children) keys.push_back(absl::StrCat(entry.key.path(), "/"));
  }
  return keys;
}

std::vector<std::string> ServicesAt(const Connection& connection, const std::string& cluster) {
  std::vector<std::string> names;
  const absl::StatusOr<ListServicesResult> list = Discovery(connection).ListServices(cluster);
  if (!list.ok()) return names;
  for (const ServiceSummary& service : list->services) names.push_back(service.name);
  return names;
}

std::vector<std::string> IdsAt(const Connection& connection, const discovery::ServiceName& service) {
  std::vector<std::string> ids;
  const absl::StatusOr<ListInstancesResult> list = Discovery(connection).ListInstances(service, {.instances_max = kKeysMax});
  if (!list.ok()) return ids;
  for (const discovery::Instance& instance : list->instances) ids.push_back(instance.name.id);
  return ids;
}

std::vector<std::string> ContextNames() {
  std::vector<std::string> names;
  const absl::StatusOr<Contexts> contexts = ReadContexts(ContextsPath());
  if (!contexts.ok()) return names;
  for (const auto& [name, context] : contexts->by_name) names.push_back(name);
  return names;
}

// "svc://Printer/".
std::vector<std::string> UrlsAt(const Connection& connection, const std::string& cluster) {
  std::vector<std::string> urls = ServicesAt(connection, cluster);
  for (std::string& one : urls) one = absl::StrCat("svc://", one, "/");
  return urls;
}

// "Printer/"; behind that slash what an instance tells of its methods.
std::vector<std::string> CallsAt(const Connection& connection, const Settings& settings, const std::string& typed) {
  const std::vector<std::string> parts = absl::StrSplit(typed, absl::MaxSplits('/', 2));
  if (parts.size() < 2) {
    std::vector<std::string> services = ServicesAt(connection, settings.cluster);
    for (std::string& one : services) one += "/";
    return services;
  }
  const absl::Time deadline = Clock::System().Now() + settings.timeout;
  absl::StatusOr<Locator> locator = OpenLocator(connection, settings);
  if (!locator.ok()) return {};
  const absl::StatusOr<CalledInstance> instance = PickInstance(parts[0], InstanceChoice(), &*locator);
  if (!instance.ok()) return {};
  ServerReflection reflection(instance->channel, deadline);
  return CallableMethods({.service = parts[0], .grpc_service = parts.size() > 2 ? parts[1] : "", .method = ""}, &reflection);
}

// What names at a place are of.
enum class Kind { kNone, kContext, kService, kId, kKey, kUrl, kCall };

Kind KindOf(const CompletionPlace& place) {
  if (place.is_of_command) return Kind::kNone;
  if (place.value_of != nullptr) {
    if (place.value_of->check_lname("context")) return Kind::kContext;
    return place.value_of->check_lname("service") ? Kind::kService : Kind::kNone;
  }
  const std::string& name = place.positional;
  if (name == "CONTEXT") return Kind::kContext;
  if (name == "SERVICE") return Kind::kService;
  if (name == "ID") return Kind::kId;
  if (name == "KEY" || name == "PARENT") return Kind::kKey;
  if (name == "URL") return Kind::kUrl;
  return name == "METHOD" ? Kind::kCall : Kind::kNone;
}

}  // namespace

std::vector<std::string> LiveCandidates(const CLI::App& app, const CompletionPlace& place, const std::string& typed, Settings settings) {
  const Kind kind = KindOf(place);
  if (kind == Kind::kNone) return {};
  if (kind == Kind::kContext) return ContextNames();
  const auto given = [&place](const std::string& name, const std::string& otherwise) {
    const auto found = place.given.find(name);
    return found == place.given.end() ? otherwise : found->second;
  };
  settings.timeout = kLookUpTimeout;
  if (const std::string context = given("--context", ""); !context.empty()) {
    settings.context = context;
    ApplyContext(app, &settings);
  }
  settings.cluster = given("--cluster", settings.cluster);
  if (const std::string endpoint = given("--endpoint", ""); !endpoint.empty()) settings.endpoints = absl::StrSplit(endpoint, ',');
  const absl::StatusOr<Connection> connection = Connect(settings);
  if (!connection.ok()) return {};
  switch (kind) {
    case Kind::kService:
      return ServicesAt(*connection, settings.cluster);
    case Kind::kKey:
      return KeysAt(*connection, typed);
    case Kind::kUrl:
      return UrlsAt(*connection, settings.cluster);
    case Kind::kCall:
      return CallsAt(*connection, settings, typed);
    default:
      return IdsAt(*connection, {settings.cluster, given("SERVICE", "")});
  }
}

}  // namespace scoutlight::cli
