#ifndef SCOUTLIGHT_CLI_SUGGESTION_H_
#define SCOUTLIGHT_CLI_SUGGESTION_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace scoutlight::cli {

// The one of `words` that `typed` was probably meant to be: with the fewest letters wrong, left out, too many or swapped with their
// neighbour (optimal string alignment distance), at most a third of them; or the only one that begins so. Empty: none. Thread-safe.
std::string Suggestion(absl::string_view typed, const std::vector<std::string>& words);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_SUGGESTION_H_
