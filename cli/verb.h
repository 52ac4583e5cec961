#ifndef SCOUTLIGHT_CLI_VERB_H_
#define SCOUTLIGHT_CLI_VERB_H_

#include <functional>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/meant_name.h"
#include "cli/printer.h"
#include "cli/settings.h"
#include "cli/until_stopped.h"
#include "client/connection.h"

namespace scoutlight::cli {

// What the command line asks for: shows what it finds, and returns why it failed, which is shown by the caller. Not callable: the command
// line named none.
using Verb = std::function<absl::Status(const Settings&, Printer*)>;

// What a verb that asks a server works with. Its threads have the signals to stop blocked, as UntilStopped needs it.
struct Call {
  const Connection& connection;
  const Settings& settings;
  Printer& printer;
};

// When the command line names `verb`, `method` of `object` becomes `*chosen`. All of them outlive the parsing, `object` the call too.
template <typename Verbs>
void ChooseOnServer(CLI::App* verb, const Verbs* object, absl::Status (Verbs::*method)(const Call&) const, Verb* chosen) {
  verb->callback([object, method, chosen] {
    *chosen = [object, method](const Settings& settings, Printer* printer) -> absl::Status {
      const absl::StatusOr<Connection> connection = [&settings] {
        const StopSignalsBlocked blocked;
        return Connect(settings);
      }();
      if (!connection.ok()) return connection.status();
      return WithMeantName((object->*method)({*connection, settings, *printer}), *connection);
    };
  });
}

// The same of a verb that asks no server.
template <typename Verbs>
void ChooseLocal(CLI::App* verb, const Verbs* object, absl::Status (Verbs::*method)(Printer*) const, Verb* chosen) {
  verb->callback(
      [object, method, chosen] { *chosen = [object, method](const Settings&, Printer* printer) { return (object->*method)(printer); }; });
}

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_VERB_H_
