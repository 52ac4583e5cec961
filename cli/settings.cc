#include "cli/settings.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "cli/flags.h"

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

// --tls-ca is SCOUTLIGHT_TLS_CA.
std::string EnvironmentName(absl::string_view flag) {
  return absl::StrCat("SCOUTLIGHT_", absl::AsciiStrToUpper(absl::StrReplaceAll(absl::StripPrefix(flag, "--"), {{"-", "_"}})));
}

absl::StatusOr<std::string> ReadPem(absl::string_view flag, const std::string& path) {
  if (path.empty()) return "";
  std::ifstream file(path, std::ios::binary);
  if (!file) return InvalidField(Reason::kInvalidField, flag, absl::StrCat("cannot be read: ", path));
  std::string content(kPemBytesMax + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<size_t>(file.gcount()));
  if (content.size() > kPemBytesMax) {
    return InvalidField(Reason::kInvalidField, flag, absl::StrCat("has over ", kPemBytesMax, " bytes: ", path));
  }
  return content;
}

absl::StatusOr<std::optional<TlsCredentials>> CredentialsOf(const Settings& settings) {
  if (!settings.tls && settings.tls_ca.empty() && settings.tls_cert.empty() && settings.tls_key.empty()) return std::nullopt;
  absl::StatusOr<std::string> ca = ReadPem("--tls-ca", settings.tls_ca);
  if (!ca.ok()) return ca.status();
  absl::StatusOr<std::string> certificate = ReadPem("--tls-cert", settings.tls_cert);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadPem("--tls-key", settings.tls_key);
  if (!key.ok()) return key.status();
  return TlsCredentials{*std::move(ca), *std::move(certificate), *std::move(key)};
}

}  // namespace

void DeclareSettings(CLI::App* app, Settings* settings) {
  app->add_option("--endpoint", settings->endpoints, "servers over one store, HOST:PORT, several with commas [127.0.0.1:7400]")
      ->delimiter(',')
      ->take_all()
      ->allow_extra_args(false)
      ->type_name("ENDPOINT")
      ->envname(EnvironmentName("--endpoint"));
  app->add_option("--cluster", settings->cluster, "of services [default]")->type_name("NAME")->envname(EnvironmentName("--cluster"));
  AddDuration(app, "--timeout", &settings->timeout, "how long a call may take, its repetitions together [5s]")
      ->envname(EnvironmentName("--timeout"));
  AddChoice(app, "-o,--output", &settings->form, Forms(), "how results and errors are shown [table]")->envname(EnvironmentName("--output"));
  app->add_flag("--tls", settings->tls, "speak TLS, and trust whom the system trusts")->envname(EnvironmentName("--tls"));
  const auto file = [app](const std::string& flag, std::string* path, const std::string& help) {
    app->add_option(flag, *path, help)->type_name("FILE")->envname(EnvironmentName(flag));
  };
  file("--tls-ca", &settings->tls_ca, "PEM file with the certificates to trust; means --tls");
  file("--tls-cert", &settings->tls_cert, "PEM file with the certificate to show; means --tls");
  file("--tls-key", &settings->tls_key, "PEM file with its key");
}

OutputForm FormAskedFor(const std::vector<std::string>& arguments) {
  const char* const environment = getenv(EnvironmentName("--output").c_str());
  OutputForm form = FormNamed(environment == nullptr ? "" : environment).value_or(OutputForm::kTable);
  for (size_t i = 0; i < arguments.size(); ++i) {
    absl::string_view text = arguments[i];
    if (text == "--") break;
    if (text == "-o" || text == "--output") {
      text = i + 1 < arguments.size() ? absl::string_view(arguments[i + 1]) : "";
    } else if (!absl::ConsumePrefix(&text, "--output=") && !absl::ConsumePrefix(&text, "-o=") && !absl::ConsumePrefix(&text, "-o")) {
      continue;
    }
    form = FormNamed(text).value_or(form);
  }
  return form;
}

absl::StatusOr<Connection> Connect(const Settings& settings) {
  absl::StatusOr<std::optional<TlsCredentials>> tls = CredentialsOf(settings);
  if (!tls.ok()) return tls.status();
  return Connection::Open({.endpoints = settings.endpoints, .tls = *std::move(tls), .timeout = settings.timeout});
}

}  // namespace scoutlight::cli
