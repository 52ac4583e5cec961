#include "storage/local/engine.h"

namespace scoutlight::storage {

absl::string_view TableName(Table table) {
  static constexpr absl::string_view kNames[kTables] = {"meta", "live", "log", "past", "leases", "lease_keys"};
  return kNames[static_cast<int>(table)];
}

}  // namespace scoutlight::storage
