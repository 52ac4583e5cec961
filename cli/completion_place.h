#ifndef SCOUTLIGHT_CLI_COMPLETION_PLACE_H_
#define SCOUTLIGHT_CLI_COMPLETION_PLACE_H_

#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace scoutlight::cli {

// Where in a command line its last word stands.
struct CompletionPlace {
  const CLI::App* verb = nullptr;            // The deepest one, or group of them, that the words before come to.
  const CLI::Option* value_of = nullptr;     // The flag whose value the word is; null: it is none.
  std::string positional;                    // The name of the argument that the word is; empty: there is none left.
  std::map<std::string, std::string> given;  // Arguments and global flags before it, by name: SERVICE, --endpoint.
  bool is_of_command = false;                // It stands behind --.
  std::string before;                        // What the word has before a value: "--output=" of "--output=js"; else empty.
};

// `words` is not empty. Valid as long as `app`.
CompletionPlace FindPlace(const CLI::App& app, const std::vector<std::string>& words);

// What can stand there of verbs, flags and their values, as far as they are declared, whatever the word begins with.
std::vector<std::string> DeclaredCandidates(const CompletionPlace& place, bool is_flag);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_COMPLETION_PLACE_H_
