#ifndef SCOUTLIGHT_CLI_DESCENDANTS_H_
#define SCOUTLIGHT_CLI_DESCENDANTS_H_

#include <sys/types.h>

#include <vector>

namespace scoutlight::cli {

// The processes that descend from `ancestor`, by /proc as it is now: parents before their children, the ended ones that nobody has waited
// for too. Of what begins or ends meanwhile some may be missing: whoever wants all of them looks again. Blocks.
std::vector<pid_t> DescendantsOf(pid_t ancestor);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_DESCENDANTS_H_
