#ifndef SCOUTLIGHT_CLI_INSTANCE_CHOICE_H_
#define SCOUTLIGHT_CLI_INSTANCE_CHOICE_H_

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"
#include "cli/verb.h"
#include "client/connection_options.h"
#include "client/locator.h"
#include "client/resolve_options.h"
#include "discovery/strategy/strategy_kind.h"

namespace scoutlight::cli {

// The flag --strategy. `help` says what is picked by if it is not given.
void AddStrategy(CLI::App* verb, std::optional<discovery::StrategyKind>* set, const std::string& help);

// Which instance of a service a verb calls itself, and how: --strategy, --filter, --endpoint-name, --zone, --affinity, and the files of TLS
// towards it, which are not those towards the registry.
class InstanceChoice {
 public:
  // Declares the flags. This outlives `verb`. `endpoint_help` says which endpoint is called if none is named.
  void Declare(CLI::App* verb, const std::string& endpoint_help);

  // But for the endpoint. kInvalidArgument: the filter, with the place of the mistake.
  absl::StatusOr<ResolveOptions> Options() const;
  const std::string& endpoint() const { return endpoint_; }
  const std::string& affinity_key() const { return affinity_key_; }
  // kInvalidArgument: a file cannot be read, or a certificate comes without its key, or a key alone.
  absl::StatusOr<TlsCredentials> Credentials() const;

 private:
  std::optional<discovery::StrategyKind> strategy_;
  std::string filter_;
  std::string endpoint_;
  std::string zone_;
  std::string affinity_key_;
  std::string ca_;
  std::string certificate_;
  std::string key_;
};

// A locator for one call. Asks the registry something first: it says what is wrong, where a locator only goes on trying.
absl::StatusOr<Locator> OpenLocator(const Connection& connection, const Settings& settings);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_INSTANCE_CHOICE_H_
