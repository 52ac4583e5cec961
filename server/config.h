#ifndef SCOUTLIGHT_SERVER_CONFIG_H_
#define SCOUTLIGHT_SERVER_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/etcd_settings.h"
#include "server/listen_address.h"
#include "server/log.h"
#include "server/tls.h"

namespace scoutlight::server {

// Everything that can be set from outside. Each flag --some-name has the environment variable SCOUTLIGHT_SOME_NAME; the flag wins.
struct Config {
  enum class Backend { kRocksdb, kMemory, kEtcd };

  ListenAddress listen = {"127.0.0.1", 7400};
  std::string data_dir = "./scoutlight-data";  // Touched by rocksdb only.
  std::string restore;                         // The file of a backup that the store is made of; empty: none.
  bool restore_only = false;                   // End then, without serving.
  Backend backend = Backend::kRocksdb;
  std::string store = "rocksdb";  // As it was given.
  EtcdSettings etcd;              // With Backend::kEtcd.
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  TlsFiles tls;  // `certificate` empty: no TLS.
  bool insecure = false;
  absl::Duration history_age = absl::Hours(1);
  uint64_t history_bytes = uint64_t{1} << 30;
  uint64_t disk_reserve_bytes = uint64_t{64} << 20;
};

// What reading the settings comes to: a configuration, or an end of the program.
struct ParsedConfig {
  std::optional<Config> config;     // Set: go on.
  int exit_code = 0;                // Else: 0 after --help and --version, 2 after a mistake.
  std::string output;               // For stdout: what --help and --version ask for.
  std::vector<std::string> errors;  // For stderr: every mistake, one line each.
};

// Reads and checks command line (without the program's name) and environment.
ParsedConfig ParseConfig(const std::vector<std::string>& arguments);

// Every setting in effect, as name and value, for the log. Names files, but shows nothing of what is in them.
std::vector<std::pair<std::string, std::string>> SettingsOf(const Config& config);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_CONFIG_H_
