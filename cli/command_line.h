#ifndef SCOUTLIGHT_CLI_COMMAND_LINE_H_
#define SCOUTLIGHT_CLI_COMMAND_LINE_H_

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/backing_up.h"
#include "cli/completion.h"
#include "cli/context_verbs.h"
#include "cli/doctor.h"
#include "cli/gate_reading.h"
#include "cli/grpc_calling.h"
#include "cli/http_calling.h"
#include "cli/kv_moving.h"
#include "cli/kv_reading.h"
#include "cli/kv_transacting.h"
#include "cli/kv_watching.h"
#include "cli/kv_writing.h"
#include "cli/leasing.h"
#include "cli/locking.h"
#include "cli/manual.h"
#include "cli/migrating.h"
#include "cli/running.h"
#include "cli/schema_verbs.h"
#include "cli/server_verbs.h"
#include "cli/service_changing.h"
#include "cli/service_reading.h"
#include "cli/service_registering.h"
#include "cli/service_watching.h"
#include "cli/settings.h"
#include "cli/topology_changing.h"
#include "cli/topology_reading.h"
#include "cli/topology_watching.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// All verbs with their flags. Parsed once; what it was parsed to is valid as long as it.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Reads arguments (without the program's name) and environment. kInvalidArgument: what is wrong, and what was probably meant.
  absl::Status Parse(std::vector<std::string> arguments);

  const Settings& settings() const { return settings_; }
  // Null: help() was asked for.
  const Verb& verb() const { return verb_; }
  const std::string& help() const { return help_; }

 private:
  // The verb, or group of them, that the arguments came to.
  const CLI::App* Deepest() const;
  std::string Explained(const CLI::ParseError& error) const;

  Settings settings_;
  Verb verb_;
  std::string help_;
  CLI::App app_;
  CLI::App* const kv_;
  CLI::App* const service_;
  CLI::App* const lease_;
  CLI::App* const schema_;
  CLI::App* const topology_;
  CLI::App* const gate_;
  CLI::App* const context_;
  KvReading kv_reading_;
  KvWriting kv_writing_;
  KvWatching kv_watching_;
  KvTransacting kv_transacting_;
  KvMoving kv_moving_;
  ServiceReading service_reading_;
  ServiceWatching service_watching_;
  ServiceRegistering service_registering_;
  ServiceChanging service_changing_;
  Leasing leasing_;
  SchemaVerbs schema_verbs_;
  TopologyReading topology_reading_;
  TopologyChanging topology_changing_;
  TopologyWatching topology_watching_;
  GateReading gate_reading_;
  Running running_;
  Locking locking_;
  HttpCalling http_calling_;
  GrpcCalling grpc_calling_;
  ServerVerbs server_verbs_;
  BackingUp backing_up_;
  Migrating migrating_;
  Doctor doctor_;
  ContextVerbs context_verbs_;
  Completion completion_;
  Manual manual_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_COMMAND_LINE_H_
