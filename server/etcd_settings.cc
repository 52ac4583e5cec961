#include "server/etcd_settings.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/listen_address.h"
#include "server/tls.h"

namespace scoutlight::server {
namespace {

constexpr absl::string_view kPrefixDefault = "scoutlight";
constexpr size_t kEndpointsMax = 16;
constexpr size_t kPrefixBytesMax = 128;
constexpr size_t kPasswordBytesMax = 1'024;

absl::StatusOr<std::string> ReadPassword(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return absl::NotFoundError(absl::StrCat("--etcd-password-file=", path, " cannot be read: is it there, and readable by this user?"));
  std::string password(kPasswordBytesMax + 2, '\0');
  file.read(password.data(), static_cast<std::streamsize>(password.size()));
  password.resize(file.gcount());
  // Editors end a file with one.
  if (!password.empty() && password.back() == '\n') password.pop_back();
  if (password.empty() || password.size() > kPasswordBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("--etcd-password-file=", path, " holds no password of 1 to ", kPasswordBytesMax, " bytes"));
  }
  return password;
}

}  // namespace

absl::StatusOr<EtcdSettings> ParseEtcdStore(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "etcd://")) return absl::InvalidArgumentError("must be etcd://HOST:PORT[,HOST:PORT...][/PREFIX]");
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('/', 1));
  EtcdSettings settings;
  for (const absl::string_view endpoint : absl::StrSplit(parts.first, ',')) {
    absl::StatusOr<ListenAddress> address = ParseListenAddress(endpoint);
    if (!address.ok()) return absl::InvalidArgumentError(absl::StrCat("of etcd's endpoint: ", address.status().message()));
    if (address->port == 0) return absl::InvalidArgumentError(absl::StrCat("etcd's endpoint ", endpoint, " has port 0"));
    settings.endpoints.push_back(address->ToString());
    if (std::count(settings.endpoints.begin(), settings.endpoints.end(), settings.endpoints.back()) > 1) {
      return absl::InvalidArgumentError(absl::StrCat("etcd's endpoint ", endpoint, " is given twice"));
    }
  }
  if (settings.endpoints.size() > kEndpointsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", settings.endpoints.size(), " endpoints, at most ", kEndpointsMax, " are allowed"));
  }
  absl::string_view prefix = absl::StripSuffix(parts.second, "/");
  if (prefix.empty()) prefix = kPrefixDefault;
  if (prefix.size() > kPrefixBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("its prefix is ", prefix.size(), " bytes long, at most ", kPrefixBytesMax, " are allowed"));
  }
  if (!std::all_of(prefix.begin(), prefix.end(), absl::ascii_isgraph)) {
    return absl::InvalidArgumentError("its prefix has a byte that is not printable ASCII");
  }
  settings.prefix = absl::StrCat(prefix, "/");
  return settings;
}

std::vector<std::string> CheckEtcdSettings(const EtcdSettings& settings) {
  std::vector<std::string> errors;
  const bool any = !settings.user.empty() || !settings.password_file.empty() || !settings.ca_file.empty() ||
                   !settings.certificate_file.empty() || !settings.key_file.empty();
  if (settings.endpoints.empty()) {
    if (any)
      errors.push_back("--etcd-user, --etcd-password-file, --etcd-ca-file, --etcd-cert-file, --etcd-key-file go with --store=etcd://...");
    return errors;
  }
  if (settings.user.empty() != settings.password_file.empty()) {
    errors.push_back("--etcd-user and --etcd-password-file go together: one is missing");
  }
  if (settings.certificate_file.empty() != settings.key_file.empty()) {
    errors.push_back("--etcd-cert-file and --etcd-key-file go together: one is missing");
  }
  if (settings.ca_file.empty() && !settings.certificate_file.empty()) errors.push_back("--etcd-cert-file needs --etcd-ca-file");
  return errors;
}

absl::StatusOr<storage::EtcdStoreOptions> EtcdOptionsOf(const EtcdSettings& settings) {
  storage::EtcdStoreOptions options;
  options.endpoints = settings.endpoints;
  options.prefix = settings.prefix;
  options.user = settings.user;
  if (!settings.user.empty()) {
    absl::StatusOr<std::string> password = ReadPassword(settings.password_file);
    if (!password.ok()) return password.status();
    options.password = *std::move(password);
  }
  const std::pair<const std::string*, std::pair<absl::string_view, std::string*>> files[] = {
      {&settings.ca_file, {"--etcd-ca-file", &options.tls.ca}},
      {&settings.certificate_file, {"--etcd-cert-file", &options.tls.certificate}},
      {&settings.key_file, {"--etcd-key-file", &options.tls.key}},
  };
  for (const auto& [path, what] : files) {
    if (absl::Status wrong = ReadPem(*path, what.first, what.second); !wrong.ok()) return wrong;
  }
  options.tls.enabled = !settings.ca_file.empty();
  return options;
}

}  // namespace scoutlight::server
