#include "discovery/schema_set.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "discovery/key_pattern.h"

namespace scoutlight::discovery {
namespace {

int RegexesOf(const Schema& schema) {
  const auto& definitions = schema.properties.definitions;
  return static_cast<int>(
      std::count_if(definitions.begin(), definitions.end(), [](const auto& named) { return named.second.pattern.has_value(); }));
}

}  // namespace

std::vector<FieldViolation> SchemaSet::Add(std::shared_ptr<const Schema> schema) {
  if (all_.size() >= static_cast<size_t>(limits::kSchemasMax)) {
    return {{"schemas", absl::StrCat("are ", all_.size() + 1, ", at most ", limits::kSchemasMax, " are allowed")}};
  }
  const int regexes = RegexesOf(*schema);
  if (regexes_ + regexes > limits::kSchemaRegexesMax) {
    return {{"schemas", absl::StrCat("have ", regexes_, " regular expressions of properties without ", schema->name, ", which has ",
                                     regexes, "; at most ", limits::kSchemaRegexesMax, " are allowed")}};
  }
  std::vector<FieldViolation> violations;
  if (places_.contains(schema->name)) violations.push_back({"name", absl::StrCat("is ", schema->name, " again")});
  const KeyPattern& pattern = schema->layout.pattern();
  const bool known =
      std::any_of(patterns_.begin(), patterns_.end(), [&](const Schema* other) { return other->layout.pattern() == pattern; });
  if (!known && patterns_.size() >= static_cast<size_t>(limits::kKeyPatternsMax)) {
    violations.push_back({"schemas", absl::StrCat("have more than the ", limits::kKeyPatternsMax, " different patterns allowed")});
    return violations;
  }
  for (const Schema* other : patterns_) {
    if (known) break;
    const std::optional<std::string> key = KeyPattern::FindAmbiguity(other->layout.pattern(), pattern);
    if (!key.has_value()) continue;
    violations.push_back({"pattern", absl::StrCat("of ", schema->name, " and that of ", other->name, ", ", other->layout.pattern().text(),
                                                  ", could read one key two ways, such as ", *key)});
  }
  if (!violations.empty()) return violations;
  if (!known) patterns_.push_back(schema.get());
  places_.insert({schema->name, static_cast<int>(all_.size())});
  all_.push_back(std::move(schema));
  regexes_ += regexes;
  return violations;
}

std::shared_ptr<const Schema> SchemaSet::Find(absl::string_view name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? nullptr : all_[static_cast<size_t>(found->second)];
}

}  // namespace scoutlight::discovery
