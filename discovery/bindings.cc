#include "discovery/bindings.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/names.h"
#include "discovery/shipped_schemas.h"

namespace scoutlight::discovery {
namespace {

void CheckBinding(const Binding& binding, int place, std::vector<FieldViolation>* violations) {
  const auto check = [&](absl::string_view field, absl::string_view name, absl::string_view special,
                         std::string (*fault)(absl::string_view)) {
    if (name == special) return;
    if (std::string wrong = fault(name); !wrong.empty()) {
      violations->push_back({absl::StrCat("bindings[", place, "].", field), std::move(wrong)});
    }
  };
  check("cluster", binding.cluster, kAny, ClusterFault);
  check("service", binding.service, kAny, ServiceFault);
  check("schema", binding.schema, kNoSchema, SchemaNameFault);
}

}  // namespace

Bindings::Bindings() {
  all_.push_back({std::string(kAny), std::string(kAny), std::string(kDefaultSchema)});
  places_.insert({OwnedPair{std::string(kAny), std::string(kAny)}, 0});
}

absl::StatusOr<Bindings> Bindings::Create(std::vector<Binding> given) {
  if (given.size() > static_cast<size_t>(limits::kBindingsMax)) {
    return InvalidField(Reason::kInvalidField, "bindings",
                        absl::StrCat("are ", given.size(), ", at most ", limits::kBindingsMax, " are allowed"));
  }
  Bindings bindings;
  bindings.places_.clear();
  bindings.all_ = std::move(given);
  std::vector<FieldViolation> violations;
  for (int i = 0; i < static_cast<int>(bindings.all_.size()); ++i) {
    const Binding& binding = bindings.all_[i];
    CheckBinding(binding, i, &violations);
    const auto [earlier, inserted] = bindings.places_.insert({OwnedPair{binding.cluster, binding.service}, i});
    if (!inserted)
      violations.push_back({absl::StrCat("bindings[", i, "]"), absl::StrCat("binds the same as bindings[", earlier->second, "]")});
    if (violations.size() >= static_cast<size_t>(limits::kSchemaMistakesMax)) break;
  }
  if (!violations.empty()) return InvalidFields(Reason::kInvalidField, std::move(violations));
  if (bindings.places_.insert({OwnedPair{std::string(kAny), std::string(kAny)}, static_cast<int>(bindings.all_.size())}).second) {
    bindings.all_.push_back({std::string(kAny), std::string(kAny), std::string(kDefaultSchema)});
  }
  return bindings;
}

int Bindings::Find(absl::string_view cluster, absl::string_view service) const {
  for (const Pair& pair : {Pair{cluster, service}, Pair{cluster, kAny}, Pair{kAny, service}}) {
    if (const auto found = places_.find(pair); found != places_.end()) return found->second;
  }
  return places_.find(Pair{kAny, kAny})->second;
}

}  // namespace scoutlight::discovery
