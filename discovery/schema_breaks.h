#ifndef SCOUTLIGHT_DISCOVERY_SCHEMA_BREAKS_H_
#define SCOUTLIGHT_DISCOVERY_SCHEMA_BREAKS_H_

#include <vector>

#include "base/error.h"
#include "discovery/schema.h"

namespace scoutlight::discovery {

// Why `next` may not follow `previous` under the same name: one break for each property that instances could have so far and could not
// any longer, with the fields of CheckSchema, `name`, `version`, `pattern` or `serializer`. Empty: every instance that was valid is valid,
// and reads the same. Both pass CheckSchema. Thread-safe.
std::vector<FieldViolation> FindBreaks(const Schema& previous, const Schema& next);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_SCHEMA_BREAKS_H_
