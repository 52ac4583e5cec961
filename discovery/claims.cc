#include "discovery/claims.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace scoutlight::discovery {
absl::StatusOr<std::shared_ptr<const Claims>> Claims::Create(const std::vector<std::shared_ptr<const Schema>>& schemas, Bindings bindings) {
  if (schemas.size() > static_cast<size_t>(limits::kSchemasMax)) {
    return InvalidField(Reason::kInvalidField, "schemas",
                        absl::StrCat("are ", schemas.size(), ", at most ", limits::kSchemasMax, " are allowed"));
  }
  SchemaSet set;
  absl::flat_hash_set<absl::string_view> refused;
  std::vector<FieldViolation> violations;
  for (size_t i = 0; i < schemas.size(); ++i) {
    for (FieldViolation& violation : set.Add(schemas[i])) {
      const bool of_all = violation.field == "schemas";
      refused.insert(schemas[i]->name);
      violations.push_back(
          {of_all ? violation.field : absl::StrCat("schemas[", i, "].", violation.field), std::move(violation.description)});
    }
    // The bound is told once.
    if (!violations.empty() && violations.back().field == "schemas") break;
  }
  std::shared_ptr<Claims> claims(new Claims(std::move(set), std::move(bindings)));
  for (FieldViolation& violation : claims->Bind(refused)) violations.push_back(std::move(violation));
  violations.resize(std::min(violations.size(), static_cast<size_t>(limits::kSchemaMistakesMax)));
  if (!violations.empty()) return InvalidFields(Reason::kInvalidField, std::move(violations));
  return claims;
}

Claims::Claims(SchemaSet schemas, Bindings bindings) : schemas_(std::move(schemas)), bindings_(std::move(bindings)) {
  for (const Schema* schema : schemas_.patterns()) {
    const KeyPattern& pattern = schema->layout.pattern();
    if (pattern.has_own_key()) patterns_by_depth_[pattern.depth()].push_back(&pattern);
    if (pattern.has_property()) patterns_by_depth_[pattern.depth() + 1].push_back(&pattern);
  }
}

std::vector<FieldViolation> Claims::Bind(const absl::flat_hash_set<absl::string_view>& refused) {
  std::vector<FieldViolation> violations;
  const std::vector<Binding>& all = bindings_.all();
  for (size_t i = 0; i < all.size(); ++i) {
    const std::shared_ptr<const Schema> schema = schemas_.Find(all[i].schema);
    if (schema == nullptr && all[i].schema != kNoSchema && !refused.contains(all[i].schema)) {
      violations.push_back({absl::StrCat("bindings[", i, "].schema"), absl::StrCat("is ", all[i].schema, ", which is no schema here")});
    }
    bound_.push_back(all[i].schema == kNoSchema ? nullptr : schema.get());
  }
  return violations;
}

std::optional<Claim> Claims::Read(const Key& key) const {
  const KeySegments segments(key);
  for (const KeyPattern* pattern : patterns_by_depth_[segments.size()]) {
    std::optional<KeyReading> reading = pattern->Read(segments);
    if (!reading.has_value()) continue;
    const Schema* const schema = SchemaOf(reading->cluster, reading->service);
    // Other patterns may read the same key of the same service: the binding decides whose it is.
    if (schema != nullptr && schema->layout.pattern() == *pattern) return Claim{schema, *reading};
  }
  return std::nullopt;
}

}  // namespace scoutlight::discovery
