#ifndef SCOUTLIGHT_CLI_SETTINGS_H_
#define SCOUTLIGHT_CLI_SETTINGS_H_

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/printer.h"
#include "client/connection.h"
#include "client/connection_options.h"

namespace scoutlight::cli {

// The flags that stand before or after any verb. Each --some-name has the environment variable SCOUTLIGHT_SOME_NAME, but
// --tls-cert and --tls-key SCOUTLIGHT_CLIENT_TLS_CERT and _KEY. The flag wins, then the environment, then the context.
struct Settings {
  std::vector<std::string> endpoints = {"127.0.0.1:7400"};
  std::string cluster = "default";
  absl::Duration timeout = absl::Seconds(5);
  OutputForm form = OutputForm::kTable;
  bool tls = false;
  std::string tls_ca;  // Files, in PEM; any of them means TLS.
  std::string tls_cert;
  std::string tls_key;
  std::string context;
  absl::Status context_fault;  // Why the context could not be used: told by Connect.
};

// Declares them. `settings` outlives `app`.
void DeclareSettings(CLI::App* app, Settings* settings);

// Puts what the context says, the one that was named or else the current one, into those of `settings` that neither flags nor environment
// have set. `app` has been parsed.
void ApplyContext(const CLI::App& app, Settings* settings);

// The form of output that `arguments` and the environment ask for, found without the rest, which may be wrong: for errors in it.
OutputForm FormAskedFor(const std::vector<std::string>& arguments);

// A file of TLS, in PEM, and the flag that names it; an empty path: none.
struct PemFile {
  absl::string_view flag;
  std::string path;
};
// kInvalidArgument: one cannot be read, is empty, or has more than 1 MiB.
absl::StatusOr<TlsCredentials> ReadCredentials(const PemFile& ca, const PemFile& certificate, const PemFile& key);

// A connection as the settings say. `context_fault`; kInvalidArgument: they are wrong, or a file of TLS cannot be read.
absl::StatusOr<Connection> Connect(const Settings& settings);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_SETTINGS_H_
