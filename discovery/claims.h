#ifndef SCOUTLIGHT_DISCOVERY_CLAIMS_H_
#define SCOUTLIGHT_DISCOVERY_CLAIMS_H_

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/key.h"
#include "base/limits.h"
#include "discovery/bindings.h"
#include "discovery/key_pattern.h"
#include "discovery/schema.h"
#include "discovery/schema_set.h"

namespace scoutlight::discovery {

// Which instance a key belongs to. Valid as long as the Claims and the key.
struct Claim {
  const Schema* schema = nullptr;
  KeyReading reading;
};

// Which schema each service has, and so whom each key belongs to: a snapshot of all schemas and bindings. A schema claims a key if its
// pattern reads it as (cluster, service, instance) and the binding of (cluster, service) is that schema; at most one does. Immutable,
// shared as shared_ptr<const Claims>; thread-safe.
class Claims {
 public:
  // `schemas` have different names; each passes CheckSchema. kInvalidArgument with every mistake, at most limits::kSchemaMistakesMax:
  //   `schemas`                  more than limits::kSchemasMax, than limits::kKeyPatternsMax different patterns, or than
  //                              limits::kSchemaRegexesMax regular expressions
  //   `schemas[i].name`          the name of an earlier one
  //   `schemas[i].pattern`       together with that of an earlier one it could read one key two ways; both are named, with such a key
  //   `bindings[i].schema`       there is no such schema
  static absl::StatusOr<std::shared_ptr<const Claims>> Create(const std::vector<std::shared_ptr<const Schema>>& schemas, Bindings bindings);

  // Whom `key` belongs to; nullopt: it is no key of discovery. Holds the key against each different pattern of its depth, then four
  // look-ups; no allocation.
  std::optional<Claim> Read(const Key& key) const;

  // The schema of a service; nullptr: it is bound to none. Valid as long as the Claims.
  const Schema* SchemaOf(absl::string_view cluster, absl::string_view service) const { return bound_[bindings_.Find(cluster, service)]; }

  // The schema of that name; nullptr: there is none.
  std::shared_ptr<const Schema> FindSchema(absl::string_view name) const { return schemas_.Find(name); }

  const std::vector<std::shared_ptr<const Schema>>& schemas() const { return schemas_.all(); }
  const Bindings& bindings() const { return bindings_; }

 private:
  Claims(SchemaSet schemas, Bindings bindings);

  // `refused`: schemas that are not in for a mistake of their own, which says enough.
  std::vector<FieldViolation> Bind(const absl::flat_hash_set<absl::string_view>& refused);

  const SchemaSet schemas_;
  const Bindings bindings_;
  std::vector<const Schema*> bound_;  // For each of bindings_.all().
  // Those that read keys of so many segments.
  std::array<std::vector<const KeyPattern*>, limits::kKeySegmentsMax + 1> patterns_by_depth_;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_CLAIMS_H_
