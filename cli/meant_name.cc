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
#include "cli/suggestion.h"
#include "client/discovery.h"

namespace scoutlight::cli {
namespace {

constexpr absl::Duration kLookUpTimeout = absl::Milliseconds(500);
// Of a service with more, none is suggested.
constexpr int kInstancesMax = 1'000;

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
      discovery.ListInstances({cluster, service}, {.instances_max = kInstancesMax, .timeout = kLookUpTimeout});
  if (!list.ok()) return "";
  std::vector<std::string> ids;
  for (const discovery::Instance& instance : list->instances) ids.push_back(instance.name.id);
  return Suggestion(id, ids);
}

}  // namespace

absl::Status WithMeantName(const absl::Status& failed, const Connection& connection) {
  const ErrorDetails details = DetailsOf(failed).value_or(ErrorDetails());
  if (details.reason != Reason::kServiceNotFound && details.reason != Reason::kInstanceNotFound) return failed;
  // CLUSTER/SERVICE or CLUSTER/SERVICE/ID.
  const std::vector<std::string> parts = absl::StrSplit(details.resource, '/');
  if (parts.size() < 2) return failed;
  const Discovery discovery(connection);
  std::string meant = MeantService(discovery, parts[0], parts[1]);
  if (meant.empty() && parts.size() == 3) meant = MeantId(discovery, parts[0], parts[1], parts[2]);
  if (meant.empty()) return failed;
  absl::Status suggested(failed.code(), absl::StrCat(failed.message(), "; did you mean ", meant, "?"));
  failed.ForEachPayload([&suggested](absl::string_view type, const absl::Cord& payload) { suggested.SetPayload(type, payload); });
  return suggested;
}

}  // namespace scoutlight::cli
