#ifndef SCOUTLIGHT_CLI_MANUAL_H_
#define SCOUTLIGHT_CLI_MANUAL_H_

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/printer.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// The page of a verb, a group of verbs, or the program (`app` itself), for section 1 of the manual: roff with the macros of man(7), made of
// what is declared, and nothing else. `app` has what holds for all verbs. Thread-safe.
std::string ManualPage(const CLI::App& verb, const CLI::App& app);

// `man`.
class Manual {
 public:
  // `app` has all verbs when one is chosen, and outlives this, as `chosen` does.
  Manual(CLI::App* app, Verb* chosen);

 private:
  absl::Status Show(Printer* printer) const;

  const CLI::App& app_;
  std::vector<std::string> verb_;
  bool list_ = false;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_MANUAL_H_
