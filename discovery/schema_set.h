#ifndef SCOUTLIGHT_DISCOVERY_SCHEMA_SET_H_
#define SCOUTLIGHT_DISCOVERY_SCHEMA_SET_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "discovery/schema.h"

namespace scoutlight::discovery {

// Schemas that can be together: their names differ, no two of their patterns could read one key two ways, and they are within the bounds.
// Thread-safe as a value is.
class SchemaSet {
 public:
  // Takes a schema that passes CheckSchema, or says why it cannot be with those before it, and then it is not in:
  //   `schemas`   it would be more than limits::kSchemasMax, more than limits::kKeyPatternsMax different patterns, or more than
  //               limits::kSchemaRegexesMax regular expressions of properties
  //   `name`      another has it
  //   `pattern`   together with that of another one it could read one key two ways; both are named, with such a key
  // Holds the pattern against each different one, so costs the same however many schemas share them.
  std::vector<FieldViolation> Add(std::shared_ptr<const Schema> schema);

  // nullptr: there is none of that name.
  std::shared_ptr<const Schema> Find(absl::string_view name) const;

  // As added.
  const std::vector<std::shared_ptr<const Schema>>& all() const { return all_; }
  // The first schema of each different pattern. Valid as long as the set.
  const std::vector<const Schema*>& patterns() const { return patterns_; }

 private:
  std::vector<std::shared_ptr<const Schema>> all_;
  absl::flat_hash_map<std::string, int> places_;  // Of names, in `all_`.
  std::vector<const Schema*> patterns_;
  int regexes_ = 0;  // Of the properties of all.
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_SCHEMA_SET_H_
