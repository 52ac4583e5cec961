#include "server/config.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/limits.h"
#include "base/version.h"

namespace scoutlight::server {
namespace {

constexpr int kExitUsage = 2;

std::string VersionLine() { return absl::StrCat("scoutlightd ", kVersion); }

// The settings as they were written. CLI11 stops at the first mistake it finds itself, so it gets nothing to check.
struct Texts {
  std::string listen = "127.0.0.1:7400";
  std::string data_dir = "./scoutlight-data";
  std::string store = "rocksdb";
  std::string restore;
  std::string log_level = "info";
  std::string log_format = "text";
  EtcdSettings etcd;
  std::string tls_cert;
  std::string tls_key;
  std::string tls_client_ca;
  std::string history_age = "1h";
  std::string history_bytes = "1GiB";
  std::string disk_reserve = "64MiB";
  bool restore_only = false;
  bool insecure = false;
};

std::string EnvironmentName(absl::string_view flag) {
  return absl::StrCat("SCOUTLIGHT_", absl::AsciiStrToUpper(absl::StrReplaceAll(flag.substr(2), {{"-", "_"}})));
}

void Declare(CLI::App* app, Texts* texts) {
  const auto option = [app](const std::string& flag, std::string* text, const std::string& description) {
    app->add_option(flag, *text, description)->envname(EnvironmentName(flag))->capture_default_str();
  };
  option("--listen", &texts->listen, "HOST:PORT of every gRPC service; port 0: any free one");
  option("--data-dir", &texts->data_dir, "where rocksdb keeps its data");
  option("--store", &texts->store, "rocksdb, memory (lost at exit) or etcd://HOST:PORT[,HOST:PORT...][/PREFIX]");
  option("--restore", &texts->restore, "make the store of this backup, then serve; refused where one is already");
  option("--etcd-user", &texts->etcd.user, "who this server is to etcd");
  option("--etcd-password-file", &texts->etcd.password_file, "file with its password");
  option("--etcd-ca-file", &texts->etcd.ca_file, "PEM file: etcd is spoken to with TLS, and shows a certificate signed by it");
  option("--etcd-cert-file", &texts->etcd.certificate_file, "PEM file with the certificate that this server shows etcd");
  option("--etcd-key-file", &texts->etcd.key_file, "PEM file with its key");
  option("--log-level", &texts->log_level, "debug, info, warn or error");
  option("--log-format", &texts->log_format, "text or json");
  option("--tls-cert", &texts->tls_cert, "PEM file with the server's certificate chain");
  option("--tls-key", &texts->tls_key, "PEM file with its key");
  option("--tls-client-ca", &texts->tls_client_ca, "PEM file: clients must show a certificate signed by it");
  option("--history-age", &texts->history_age, "older states are given up, e.g. 90m");
  option("--history-bytes", &texts->history_bytes, "as are those that history over this size holds, e.g. 512MiB");
  option("--disk-reserve", &texts->disk_reserve, "puts are refused with less free space than this, e.g. 64MiB");
  app->add_flag("--restore-only", texts->restore_only, "with --restore: end when the store is made, without serving")
      ->envname(EnvironmentName("--restore-only"));
  app->add_flag("--insecure", texts->insecure, "allow to listen off this machine without TLS")->envname(EnvironmentName("--insecure"));
  app->set_version_flag("--version", VersionLine());
  app->footer("Exit codes: 0 stopped by a signal, or restored as --restore-only, 1 cannot start or was forced to stop, 2 wrong settings.");
}

// Turns texts into values, gathering every mistake.
class Checker {
 public:
  explicit Checker(std::vector<std::string>* errors) : errors_(*errors) {}

  void Wrong(absl::string_view flag, absl::string_view text, absl::string_view rule) {
    errors_.push_back(absl::StrCat(flag, "=", text, ": ", rule));
  }

  ListenAddress Listen(absl::string_view text) {
    absl::StatusOr<ListenAddress> address = ParseListenAddress(text);
    if (address.ok()) return *std::move(address);
    errors_.push_back(absl::StrCat("--listen: ", address.status().message()));
    // Loopback, so that no error about --insecure follows from this one.
    return {"127.0.0.1", 0};
  }

  // Takes 1024, 64MiB, 1GiB. `at_least` is a number of whole MiB.
  uint64_t Bytes(absl::string_view flag, absl::string_view text, uint64_t at_least = 0) {
    absl::string_view digits = text;
    int shift = 0;
    if (absl::ConsumeSuffix(&digits, "KiB")) shift = 10;
    if (shift == 0 && absl::ConsumeSuffix(&digits, "MiB")) shift = 20;
    if (shift == 0 && absl::ConsumeSuffix(&digits, "GiB")) shift = 30;
    uint64_t number = 0;
    const bool is_number = !digits.empty() && std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) &&
                           absl::SimpleAtoi(digits, &number) &&
                           number <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) >> shift;
    if (!is_number) Wrong(flag, text, "must be a number of bytes, or one followed by KiB, MiB or GiB");
    if (is_number && number << shift < at_least) Wrong(flag, text, absl::StrCat("must be at least ", at_least / limits::kMiB, "MiB"));
    return number << shift;
  }

  absl::Duration Duration(absl::string_view flag, absl::string_view text) {
    absl::Duration duration;
    if (!absl::ParseDuration(text, &duration) || duration < absl::ZeroDuration() || duration == absl::InfiniteDuration()) {
      Wrong(flag, text, "must be a duration such as 1h, 90m or 30s");
    }
    return duration;
  }

  template <typename T>
  T OneOf(absl::string_view flag, absl::string_view text, const std::vector<std::pair<absl::string_view, T>>& choices) {
    std::string names;
    for (const auto& [name, value] : choices) {
      if (name == text) return value;
      absl::StrAppend(&names, names.empty() ? "" : ", ", name);
    }
    Wrong(flag, text, absl::StrCat("must be one of ", names));
    return choices.front().second;
  }

 private:
  std::vector<std::string>& errors_;
};

// Fills in the endpoints and the prefix if it is etcd.
Config::Backend BackendOf(const std::string& text, EtcdSettings* etcd, Checker* checker) {
  if (text == "rocksdb") return Config::Backend::kRocksdb;
  if (text == "memory") return Config::Backend::kMemory;
  absl::StatusOr<EtcdSettings> parsed =
      absl::StartsWith(text, "etcd:") ? ParseEtcdStore(text)
                                      : absl::InvalidArgumentError("must be rocksdb, memory or etcd://HOST:PORT[,HOST:PORT...][/PREFIX]");
  if (parsed.ok()) {
    etcd->endpoints = std::move(parsed->endpoints);
    etcd->prefix = std::move(parsed->prefix);
    return Config::Backend::kEtcd;
  }
  checker->Wrong("--store", text, parsed.status().message());
  return Config::Backend::kMemory;
}

void CheckTogether(const Config& config, std::vector<std::string>* errors) {
  if (config.tls.certificate.empty() != config.tls.key.empty()) errors->push_back("--tls-cert and --tls-key go together: one is missing");
  if (config.tls.certificate.empty() && !config.tls.client_ca.empty()) errors->push_back("--tls-client-ca needs --tls-cert and --tls-key");
  if (config.backend == Config::Backend::kRocksdb && config.data_dir.empty()) errors->push_back("--data-dir must not be empty");
  if (config.restore_only && config.restore.empty()) errors->push_back("--restore-only needs --restore");
  if (config.restore_only && config.backend == Config::Backend::kMemory && errors->empty()) {
    errors->push_back("--restore-only goes with a store that outlives the program, not with --store=memory");
  }
  // A mistake in --store itself has been told.
  if (config.backend == Config::Backend::kEtcd || errors->empty()) {
    for (std::string& error : CheckEtcdSettings(config.etcd)) errors->push_back(std::move(error));
  }
  if (config.tls.certificate.empty() && !config.insecure && !config.listen.IsLoopback()) {
    errors->push_back(absl::StrCat("--listen=", config.listen.ToString(),
                                   " can be reached from other machines: give --tls-cert and --tls-key, or --insecure to do without TLS"));
  }
}

Config Check(const Texts& texts, std::vector<std::string>* errors) {
  Checker checker(errors);
  Config config;
  config.listen = checker.Listen(texts.listen);
  config.data_dir = texts.data_dir;
  config.store = texts.store;
  config.restore = texts.restore;
  config.restore_only = texts.restore_only;
  config.etcd = texts.etcd;
  config.backend = BackendOf(texts.store, &config.etcd, &checker);
  config.log_level = checker.OneOf<LogLevel>(
      "--log-level", texts.log_level,
      {{"debug", LogLevel::kDebug}, {"info", LogLevel::kInfo}, {"warn", LogLevel::kWarn}, {"error", LogLevel::kError}});
  config.log_format = checker.OneOf<LogFormat>("--log-format", texts.log_format, {{"text", LogFormat::kText}, {"json", LogFormat::kJson}});
  config.tls = {texts.tls_cert, texts.tls_key, texts.tls_client_ca};
  config.insecure = texts.insecure;
  config.history_age = checker.Duration("--history-age", texts.history_age);
  config.history_bytes = checker.Bytes("--history-bytes", texts.history_bytes);
  config.disk_reserve_bytes = checker.Bytes("--disk-reserve", texts.disk_reserve, limits::kDiskReserveBytesMin);
  CheckTogether(config, errors);
  return config;
}

absl::string_view NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      break;
  }
  return "error";
}

}  // namespace

ParsedConfig ParseConfig(const std::vector<std::string>& arguments) {
  ParsedConfig parsed;
  Texts texts;
  CLI::App app("The ScoutLight registry server.", "scoutlightd");
  Declare(&app, &texts);
  // Unknown flags are reported beside all other mistakes.
  app.allow_extras();
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    parsed.output = app.help();
    return parsed;
  } catch (const CLI::CallForVersion&) {
    parsed.output = absl::StrCat(VersionLine(), "\n");
    return parsed;
  } catch (const CLI::ParseError& error) {
    parsed.errors.push_back(error.what());
  }
  for (const std::string& unknown : app.remaining()) parsed.errors.push_back(absl::StrCat(unknown, ": no such flag; see --help"));
  Config config = Check(texts, &parsed.errors);
  if (parsed.errors.empty()) {
    parsed.config = std::move(config);
  } else {
    parsed.exit_code = kExitUsage;
  }
  return parsed;
}

std::vector<std::pair<std::string, std::string>> SettingsOf(const Config& config) {
  return {
      {"listen", config.listen.ToString()},
      {"data-dir", config.data_dir},
      {"store", config.store},
      {"restore", config.restore},
      {"restore-only", config.restore_only ? "true" : "false"},
      {"etcd-user", config.etcd.user},
      {"etcd-password-file", config.etcd.password_file},
      {"etcd-ca-file", config.etcd.ca_file},
      {"etcd-cert-file", config.etcd.certificate_file},
      {"etcd-key-file", config.etcd.key_file},
      {"log-level", std::string(NameOf(config.log_level))},
      {"log-format", config.log_format == LogFormat::kJson ? "json" : "text"},
      {"tls-cert", config.tls.certificate},
      {"tls-key", config.tls.key},
      {"tls-client-ca", config.tls.client_ca},
      {"insecure", config.insecure ? "true" : "false"},
      {"history-age", absl::FormatDuration(config.history_age)},
      {"history-bytes", absl::StrCat(config.history_bytes)},
      {"disk-reserve", absl::StrCat(config.disk_reserve_bytes)},
  };
}

}  // namespace scoutlight::server
