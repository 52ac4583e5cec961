#ifndef SCOUTLIGHT_CLI_CONTEXT_VERBS_H_
#define SCOUTLIGHT_CLI_CONTEXT_VERBS_H_

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/contexts.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// `context add`, `context use`, `context list`, `context show`, `context delete`.
class ContextVerbs {
 public:
  // `app` has the flags whose values are kept when a verb is chosen; it outlives this, as `chosen` does.
  ContextVerbs(const CLI::App* app, CLI::App* context, Verb* chosen);

 private:
  using Method = absl::Status (ContextVerbs::*)(const Settings&, Printer*) const;
  CLI::App* Declare(CLI::App* context, const std::string& name, const std::string& help, Method method, Verb* chosen);

  // What flags and environment say.
  absl::StatusOr<Context> Given(const Settings& settings) const;
  absl::Status Add(const Settings& settings, Printer* printer) const;
  absl::Status Use(const Settings& settings, Printer* printer) const;
  absl::Status List(const Settings& settings, Printer* printer) const;
  absl::Status Show(const Settings& settings, Printer* printer) const;
  absl::Status Delete(const Settings& settings, Printer* printer) const;

  const CLI::App& app_;
  std::string name_;
  bool replace_ = false;
  bool none_ = false;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_CONTEXT_VERBS_H_
