// scoutctl: the registry from the command line.

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/printer.h"
#include "cli/settings.h"

namespace scoutlight::cli {
namespace {

void HoldStandardStreamsOrEnd() {
  if (!HoldStandardStreams()) _exit(static_cast<int>(ExitCode::kOther));
}
// Runs before all initialisers: gRPC's open a descriptor.
__attribute__((section(".preinit_array"), used)) void (*hold_standard_streams)() = HoldStandardStreamsOrEnd;

// Or shows the help.
absl::Status RunVerb(const CommandLine& line, Printer* printer) {
  absl::Status done;
  if (line.verb() == nullptr) {
    printer->Raw(line.help());
  } else {
    done = line.verb()(line.settings(), printer);
  }
  // What could not be written is a failure, unless its reader has had enough.
  if (done.ok() && printer->status().code() == absl::StatusCode::kDataLoss) return printer->status();
  return done;
}

int Main(const std::vector<std::string>& arguments) {
  // A reader that has gone is an error of write().
  signal(SIGPIPE, SIG_IGN);
  // gRPC does not write between our lines, unless it is asked to.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  // For the widths of characters.
  setlocale(LC_CTYPE, "C.UTF-8");
  Output output;
  const Terminals terminals = FindTerminals();
  CommandLine line;
  absl::Status done = line.Parse(arguments);
  const OutputForm form = done.ok() ? line.settings().form : FormAskedFor(arguments);
  const std::unique_ptr<Printer> printer = Printer::Make(form, terminals, &output);
  if (done.ok()) done = RunVerb(line, printer.get());
  // Quietly: its reader has had enough.
  if (printer->status().code() == absl::StatusCode::kCancelled && (done.ok() || done == printer->status())) return 0;
  if (!done.ok() && !IsPassedOn(done)) printer->Failed(done);
  return static_cast<int>(ExitCodeOf(done));
}

}  // namespace
}  // namespace scoutlight::cli

int main(int argc, char** argv) { return scoutlight::cli::Main(std::vector<std::string>(argv + 1, argv + argc)); }
