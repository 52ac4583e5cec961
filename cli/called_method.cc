#include "cli/called_method.h"

#include <algorithm>
#include <map>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/error.h"
#include "base/shown.h"
#include "cli/suggestion.h"

namespace scoutlight::cli {
namespace {

using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// So many names are told.
constexpr size_t kNamesMax = 20;

// "; did you mean Get? It has Get, List"
std::string MeantText(absl::string_view typed, const std::vector<std::string>& names) {
  const std::string meant = Suggestion(typed, names);
  const size_t told = std::min(names.size(), kNamesMax);
  return absl::StrCat(meant.empty() ? "; it has " : absl::StrCat("; did you mean ", meant, "? It has "),
                      names.empty() ? "none" : absl::StrJoin(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(told), ", "),
                      told < names.size() ? absl::StrCat(" and ", names.size() - told, " more") : "");
}

void AddMethodNames(const ServiceDescriptor& service, std::vector<std::string>* names) {
  for (int i = 0; i < service.method_count(); ++i) names->push_back(service.method(i)->name());
}

absl::StatusOr<const MethodDescriptor*> FindIn(const std::string& name, const std::string& method, ServerReflection* reflection) {
  const absl::StatusOr<const ServiceDescriptor*> service = reflection->FindService(name);
  if (absl::IsNotFound(service.status())) {
    const absl::StatusOr<std::vector<std::string>> services = reflection->ListServices();
    if (!services.ok()) return services.status();
    return absl::NotFoundError(absl::StrCat("it has no gRPC service ", Shown(name), MeantText(name, *services)));
  }
  if (!service.ok()) return service.status();
  if (const MethodDescriptor* const found = (*service)->FindMethodByName(method)) return found;
  std::vector<std::string> names;
  AddMethodNames(**service, &names);
  return absl::NotFoundError(absl::StrCat(name, " has no method ", Shown(method), MeantText(method, names)));
}

// What servers have beside what they are there for.
bool IsStandard(absl::string_view service) { return absl::StartsWith(service, "grpc."); }

}  // namespace

absl::StatusOr<CalledMethod> ParseCalledMethod(absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  const bool is_whole = std::none_of(parts.begin(), parts.end(), [](const std::string& part) { return part.empty(); });
  if (is_whole && parts.size() == 2) return CalledMethod{.service = parts[0], .grpc_service = "", .method = parts[1]};
  if (is_whole && parts.size() == 3) return CalledMethod{.service = parts[0], .grpc_service = parts[1], .method = parts[2]};
  return InvalidField(Reason::kInvalidField, "METHOD",
                      absl::StrCat("must be SERVICE/package.Service/Method or SERVICE/Method, is ", Shown(text)));
}

absl::StatusOr<const MethodDescriptor*> FindMethod(const CalledMethod& called, ServerReflection* reflection) {
  if (!called.grpc_service.empty()) return FindIn(called.grpc_service, called.method, reflection);
  const absl::StatusOr<std::vector<std::string>> services = reflection->ListServices();
  if (!services.ok()) return services.status();
  std::vector<const MethodDescriptor*> found;
  std::vector<std::string> names;
  for (const std::string& name : *services) {
    if (IsStandard(name)) continue;
    const absl::StatusOr<const ServiceDescriptor*> service = reflection->FindService(name);
    if (!service.ok()) return service.status();
    AddMethodNames(**service, &names);
    if (const MethodDescriptor* const method = (*service)->FindMethodByName(called.method)) found.push_back(method);
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) return absl::NotFoundError(absl::StrCat("it has no method ", Shown(called.method), MeantText(called.method, names)));
  std::vector<std::string> owners;
  for (const MethodDescriptor* method : found)
    owners.push_back(absl::StrCat(called.service, "/", method->service()->full_name(), "/", method->name()));
  return InvalidField(Reason::kInvalidField, "METHOD", absl::StrCat("is a method of several services: ", absl::StrJoin(owners, ", ")));
}

std::vector<std::string> CallableMethods(const CalledMethod& called, ServerReflection* reflection) {
  absl::StatusOr<std::vector<std::string>> services = std::vector<std::string>{called.grpc_service};
  const bool is_of_all = called.grpc_service.empty();
  if (is_of_all) services = reflection->ListServices();
  if (!services.ok()) return {};
  std::vector<std::string> callable;
  std::map<std::string, std::vector<const MethodDescriptor*>> by_name;
  for (const std::string& name : *services) {
    if (is_of_all && IsStandard(name)) continue;
    if (is_of_all) callable.push_back(absl::StrCat(called.service, "/", name, "/"));
    const absl::StatusOr<const ServiceDescriptor*> service = reflection->FindService(name);
    if (!service.ok()) continue;
    for (int i = 0; i < (*service)->method_count(); ++i) by_name[(*service)->method(i)->name()].push_back((*service)->method(i));
  }
  for (const auto& [name, methods] : by_name) {
    if (methods.size() > 1 || methods.front()->client_streaming()) continue;
    callable.push_back(absl::StrCat(called.service, "/", is_of_all ? "" : absl::StrCat(called.grpc_service, "/"), name));
  }
  return callable;
}

}  // namespace scoutlight::cli
