#include "server/tls.h"

#include <cstddef>
#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/limits.h"

namespace scoutlight::server {
namespace {

constexpr size_t kFileBytesMax = limits::kMiB;

}  // namespace

absl::Status ReadPem(const std::string& path, absl::string_view flag, std::string* pem) {
  if (path.empty()) return absl::OkStatus();
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(flag, "=", path, " cannot be read: is it there, and readable by this user?"));
  pem->resize(kFileBytesMax);
  file.read(pem->data(), static_cast<std::streamsize>(pem->size()));
  pem->resize(file.gcount());
  if (!absl::StrContains(*pem, "-----BEGIN ")) {
    return absl::InvalidArgumentError(absl::StrCat(flag, "=", path, " holds no PEM: no line starts with -----BEGIN"));
  }
  return absl::OkStatus();
}

absl::StatusOr<TlsMaterial> ReadTlsFiles(const TlsFiles& files) {
  TlsMaterial tls;
  if (absl::Status wrong = ReadPem(files.certificate, "--tls-cert", &tls.certificate); !wrong.ok()) return wrong;
  if (absl::Status wrong = ReadPem(files.key, "--tls-key", &tls.key); !wrong.ok()) return wrong;
  if (absl::Status wrong = ReadPem(files.client_ca, "--tls-client-ca", &tls.client_ca); !wrong.ok()) return wrong;
  return tls;
}

}  // namespace scoutlight::server
