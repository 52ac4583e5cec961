#ifndef SCOUTLIGHT_CLI_MEANT_NAME_H_
#define SCOUTLIGHT_CLI_MEANT_NAME_H_

#include <string>

#include "absl/status/status.h"
#include "base/entry.h"
#include "client/connection.h"

namespace scoutlight::cli {

// `failed`; if it says that a service, an instance or a schema is not there, with the name behind it that was probably meant, of those that
// are there. Asks the server then, half a second at most.
absl::Status WithMeantName(const absl::Status& failed, const Connection& connection);

// The same where nothing is stored at `key`, read at `revision`, 0: the latest: another one beside it, or that it has others below it.
absl::Status WithMeantKey(const absl::Status& failed, const std::string& key, Revision revision, const Connection& connection);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_MEANT_NAME_H_
