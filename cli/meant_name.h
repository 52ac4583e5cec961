#ifndef SCOUTLIGHT_CLI_MEANT_NAME_H_
#define SCOUTLIGHT_CLI_MEANT_NAME_H_

#include "absl/status/status.h"
#include "client/connection.h"

namespace scoutlight::cli {

// `failed`; if it says that a service or an instance is not there, with the name behind it that was probably meant, of those that are
// there. Asks the server then, half a second at most.
absl::Status WithMeantName(const absl::Status& failed, const Connection& connection);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_MEANT_NAME_H_
