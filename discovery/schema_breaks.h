#ifndef SCOUTLIGHT_DISCOVERY_SCHEMA_BREAKS_H_
#define SCOUTLIGHT_DISCOVERY_SCHEMA_BREAKS_H_

#include <vector>

#include "base/error.h"
#include "discovery/schema.h"

namespace scoutlight::discovery {

// Why `next` may not follow `previous` under the same name: what instances could be so far and could not be any longer, with the fields of
// CheckSchema, `name`, `version`, `pattern` or `serializer`, at most limits::kSchemaMistakesMax of them. Empty: every instance that was
// valid is valid, lies under the same keys, and what it says of itself reads the same. What it leaves to a default reads as the default of
// `next`, or is missing without one: a default may come, change, and go where the property need not be there. Both pass CheckSchema.
// Thread-safe.
std::vector<FieldViolation> FindBreaks(const Schema& previous, const Schema& next);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_SCHEMA_BREAKS_H_
