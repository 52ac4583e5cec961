#ifndef SCOUTLIGHT_CLI_LIVE_NAMES_H_
#define SCOUTLIGHT_CLI_LIVE_NAMES_H_

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/time/time.h"
#include "cli/completion_place.h"
#include "cli/settings.h"

namespace scoutlight::cli {

// What can stand at a place of a command line of what the server has, or an instance, whatever the word begins with: names of services,
// ids, keys below what is typed, methods; and names of contexts. `app` has been parsed to `settings`, of which the line's own --endpoint,
// --cluster and --context are put right. Whoever does not answer within kLookUpTimeout, or anything that is wrong, is no candidate. Blocks.
std::vector<std::string> LiveCandidates(const CLI::App& app, const CompletionPlace& place, const std::string& typed, Settings settings);

inline constexpr absl::Duration kLookUpTimeout = absl::Milliseconds(500);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_LIVE_NAMES_H_
