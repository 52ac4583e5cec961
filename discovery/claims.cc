#include "discovery/claims.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace scoutlight::discovery {
namespace {

std::string SchemaField(int place, absl::string_view field) { return absl::StrCat("schemas[", place, "].", field); }

}  // namespace

absl::StatusOr<std::shared_ptr<const Claims>> Claims::Create(std::vector<std::shared_ptr<const Schema>> schemas, Bindings bindings) {
  if (schemas.size() > static_cast<size_t>(limits::kSchemasMax)) {
    return InvalidField(Reason::kInvalidField, "schemas",
                        absl::StrCat("are ", schemas.size(), ", at most ", limits::kSchemasMax, " are allowed"));
  }
  std::shared_ptr<Claims> claims(new Claims(std::move(bindings)));
  std::vector<FieldViolation> violations = claims->AddSchemas(std::move(schemas));
  for (FieldViolation& violation : claims->Bind()) violations.push_back(std::move(violation));
  violations.resize(std::min(violations.size(), static_cast<size_t>(limits::kSchemaMistakesMax)));
  if (!violations.empty()) return InvalidFields(Reason::kInvalidField, std::move(violations));
  return claims;
}

std::vector<FieldViolation> Claims::AddSchemas(std::vector<std::shared_ptr<const Schema>> schemas) {
  schemas_ = std::move(schemas);
  std::vector<FieldViolation> violations;
  for (int i = 0; i < static_cast<int>(schemas_.size()); ++i) {
    const Schema& schema = *schemas_[i];
    if (!places_.insert({schema.name, i}).second)
      violations.push_back({SchemaField(i, "name"), absl::StrCat("is ", schema.name, " again")});
    const KeyPattern& pattern = schema.layout.pattern();
    const bool known =
        std::any_of(patterns_.begin(), patterns_.end(), [&](const Schema* other) { return other->layout.pattern() == pattern; });
    if (known) continue;
    if (patterns_.size() >= static_cast<size_t>(limits::kKeyPatternsMax)) {
      violations.push_back({"schemas", absl::StrCat("have more than the ", limits::kKeyPatternsMax, " different patterns allowed")});
      return violations;
    }
    for (const Schema* other : patterns_) {
      const std::optional<std::string> key = KeyPattern::FindAmbiguity(other->layout.pattern(), pattern);
      if (!key.has_value()) continue;
      violations.push_back(
          {SchemaField(i, "pattern"), absl::StrCat("of ", schema.name, " and that of ", other->name, ", ", other->layout.pattern().text(),
                                                   ", could read one key two ways, such as ", *key)});
    }
    patterns_.push_back(&schema);
    if (pattern.has_own_key()) patterns_by_depth_[pattern.depth()].push_back(&pattern);
    if (pattern.has_property()) patterns_by_depth_[pattern.depth() + 1].push_back(&pattern);
  }
  return violations;
}

std::vector<FieldViolation> Claims::Bind() {
  std::vector<FieldViolation> violations;
  const std::vector<Binding>& all = bindings_.all();
  for (size_t i = 0; i < all.size(); ++i) {
    const auto found = places_.find(all[i].schema);
    const bool none = all[i].schema == kNoSchema;
    if (!none && found == places_.end()) {
      violations.push_back({absl::StrCat("bindings[", i, "].schema"), absl::StrCat("is ", all[i].schema, ", which is no schema here")});
    }
    bound_.push_back(none || found == places_.end() ? nullptr : schemas_[found->second].get());
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

std::shared_ptr<const Schema> Claims::FindSchema(absl::string_view name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? nullptr : schemas_[found->second];
}

}  // namespace scoutlight::discovery
