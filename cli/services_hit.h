#ifndef SCOUTLIGHT_CLI_SERVICES_HIT_H_
#define SCOUTLIGHT_CLI_SERVICES_HIT_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/connection.h"

namespace scoutlight::cli {

// Whose instances lie at and below `key`, by the schemas and bindings in force, in words that go on after how many keys that is:
// ", with 3 instances of Printer, Scanner"; empty: nobody's. The first kServicesNamedMax services are named. Errors: as of Registry::List
// and of Schemas. Blocks.
absl::StatusOr<std::string> ServicesHitText(const Connection& connection, const std::string& key);

inline constexpr int kServicesNamedMax = 5;

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_SERVICES_HIT_H_
