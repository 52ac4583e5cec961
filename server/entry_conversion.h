#ifndef SCOUTLIGHT_SERVER_ENTRY_CONVERSION_H_
#define SCOUTLIGHT_SERVER_ENTRY_CONVERSION_H_

#include "base/entry.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::server {

enum class Values { kShown, kLeftOut };

// Fills an empty `out` with what `entry` holds.
void FillEntry(Entry entry, Values values, registry::v1::Entry* out);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_ENTRY_CONVERSION_H_
