#include "cli/settings.h"

#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "cli/contexts.h"
#include "cli/flags.h"
#include "cli/input.h"

namespace scoutlight::cli {
namespace {

// Of a file with certificates or a key.
constexpr size_t kPemBytesMax = 1 << 20;

const std::vector<std::pair<std::string, OutputForm>>& Forms() {
  static const auto* const forms = new std::vector<std::pair<std::string, OutputForm>>{
      {"table", OutputForm::kTable}, {"wide", OutputForm::kWide}, {"json", OutputForm::kJson}, {"name", OutputForm::kName}};
  return *forms;
}

std::optional<OutputForm> FormNamed(absl::string_view name) {
  for (const auto& [text, form] : Forms()) {
    if (text == name) return form;
  }
  return std::nullopt;
}

// --cluster is SCOUTLIGHT_CLUSTER.
std::string EnvironmentName(absl::string_view flag) {
  return absl::StrCat("SCOUTLIGHT_", absl::AsciiStrToUpper(absl::StrReplaceAll(absl::StripPrefix(flag, "--"), {{"-", "_"}})));
}

absl::StatusOr<std::string> ReadPem(const PemFile& file) {
  const auto& [flag, path] = file;
  if (path.empty()) return "";
  absl::StatusOr<std::string> content = ReadFile(path, kPemBytesMax);
  if (!content.ok()) {
    return InvalidField(Reason::kInvalidField, flag, absl::StrCat("cannot be read: ", path, ": ", content.status().message()));
  }
  // Empty would be as if it were not given.
  if (content->empty()) return InvalidField(Reason::kInvalidField, flag, absl::StrCat("is empty: ", path));
  if (content->size() > kPemBytesMax) {
    return InvalidField(Reason::kInvalidField, flag, absl::StrCat("has over ", kPemBytesMax, " bytes: ", path));
  }
  return *std::move(content);
}

// What an argument says behind -o or --output; empty: the next argument says it. nullopt: it is another. -o may be bundled, as in -ryo,
// behind short flags that take no value.
std::optional<absl::string_view> FormIn(absl::string_view argument) {
  if (argument == "--output") return "";
  if (absl::ConsumePrefix(&argument, "--output=")) return argument;
  if (!absl::StartsWith(argument, "-") || absl::StartsWith(argument, "--")) return std::nullopt;
  const size_t flag = argument.find_first_not_of("hryv", 1);
  if (flag == absl::string_view::npos || argument[flag] != 'o') return std::nullopt;
  argument.remove_prefix(flag + 1);
  return absl::StripPrefix(argument, "=");
}

}  // namespace

// Of a flag that is given twice the later one holds: an alias may have the first.
void DeclareSettings(CLI::App* app, Settings* settings) {
  app->add_option("--endpoint", settings->endpoints, "servers over one store, HOST:PORT, several with commas [127.0.0.1:7400]")
      ->delimiter(',')
      ->take_all()
      ->allow_extra_args(false)
      ->type_name("ENDPOINT")
      ->envname(EnvironmentName("--endpoint"));
  app->add_option("--context", settings->context, "what `context add` has kept under this name; '': nothing [that of `context use`]")
      ->take_last()
      ->type_name("NAME")
      ->envname(EnvironmentName("--context"));
  app->add_option("--cluster", settings->cluster, "of services [default]")
      ->take_last()
      ->type_name("NAME")
      ->envname(EnvironmentName("--cluster"));
  AddDuration(app, "--timeout", &settings->timeout, "how long a call may take, its repetitions together [5s]")
      ->take_last()
      ->envname(EnvironmentName("--timeout"));
  AddChoice(app, "-o,--output", &settings->form, Forms(), "how results and errors are shown [table]")
      ->take_last()
      ->envname(EnvironmentName("--output"));
  app->add_flag("--tls", settings->tls, "speak TLS, and trust whom the system trusts")->envname(EnvironmentName("--tls"));
  const auto file = [app](const std::string& flag, const std::string& variable, std::string* path, const std::string& help) {
    app->add_option(flag, *path, help)->take_last()->type_name("FILE")->envname(variable);
  };
  file("--tls-ca", "SCOUTLIGHT_TLS_CA", &settings->tls_ca, "PEM file with the certificates to trust; means --tls");
  // SCOUTLIGHT_TLS_CERT and _KEY are the server's own.
  file("--tls-cert", "SCOUTLIGHT_CLIENT_TLS_CERT", &settings->tls_cert, "PEM file with the certificate to show; means --tls");
  file("--tls-key", "SCOUTLIGHT_CLIENT_TLS_KEY", &settings->tls_key, "PEM file with its key");
}

void ApplyContext(const CLI::App& app, Settings* settings) {
  const bool is_named = app.get_option("--context")->count() > 0 || !settings->context.empty();
  const std::string path = ContextsPath();
  if (is_named ? settings->context.empty() : path.empty()) return;
  const absl::StatusOr<Contexts> contexts = ReadContexts(path);
  if (!contexts.ok()) {
    settings->context_fault = contexts.status();
    return;
  }
  if (!is_named) settings->context = contexts->current;
  if (settings->context.empty()) return;
  const absl::StatusOr<Context> context = FindContext(*contexts, settings->context);
  if (!context.ok()) {
    settings->context_fault = context.status();
    return;
  }
  const auto is_free = [&app](const std::string& flag) { return app.get_option(flag)->count() == 0; };
  const auto put = [&is_free](const std::string& flag, const auto& said, auto* set) {
    if (is_free(flag) && !said.empty()) *set = said;
  };
  put("--endpoint", context->endpoints, &settings->endpoints);
  put("--cluster", context->cluster, &settings->cluster);
  put("--tls-ca", context->tls_ca, &settings->tls_ca);
  put("--tls-cert", context->tls_cert, &settings->tls_cert);
  put("--tls-key", context->tls_key, &settings->tls_key);
  if (is_free("--tls")) settings->tls = context->tls;
}

OutputForm FormAskedFor(const std::vector<std::string>& arguments) {
  const char* const environment = getenv(EnvironmentName("--output").c_str());
  OutputForm form = FormNamed(environment == nullptr ? "" : environment).value_or(OutputForm::kTable);
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") break;
    const std::optional<absl::string_view> here = FormIn(arguments[i]);
    if (!here.has_value()) continue;
    const bool follows = here->empty() && i + 1 < arguments.size();
    form = FormNamed(follows ? arguments[i + 1] : *here).value_or(form);
  }
  return form;
}

absl::StatusOr<TlsCredentials> ReadCredentials(const PemFile& ca, const PemFile& certificate, const PemFile& key) {
  TlsCredentials credentials;
  for (const auto& [file, content] : {std::pair(&ca, &credentials.root_ca), std::pair(&certificate, &credentials.certificate_chain),
                                      std::pair(&key, &credentials.private_key)}) {
    absl::StatusOr<std::string> read = ReadPem(*file);
    if (!read.ok()) return read.status();
    *content = *std::move(read);
  }
  return credentials;
}

absl::StatusOr<Connection> Connect(const Settings& settings) {
  if (!settings.context_fault.ok()) return settings.context_fault;
  ConnectionOptions options{.endpoints = settings.endpoints, .tls = std::nullopt, .timeout = settings.timeout};
  if (settings.tls || !settings.tls_ca.empty() || !settings.tls_cert.empty() || !settings.tls_key.empty()) {
    absl::StatusOr<TlsCredentials> tls =
        ReadCredentials({"--tls-ca", settings.tls_ca}, {"--tls-cert", settings.tls_cert}, {"--tls-key", settings.tls_key});
    if (!tls.ok()) return tls.status();
    options.tls = *std::move(tls);
  }
  return Connection::Open(std::move(options));
}

}  // namespace scoutlight::cli
