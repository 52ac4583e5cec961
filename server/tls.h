#ifndef SCOUTLIGHT_SERVER_TLS_H_
#define SCOUTLIGHT_SERVER_TLS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace scoutlight::server {

// What TLS needs, in PEM.
struct TlsMaterial {
  std::string certificate;  // The server's, and those that lead to its root.
  std::string key;
  std::string client_ca;  // Whose certificates clients must show; empty: clients show none.
};

// Where it is kept.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string client_ca;  // Empty: none.
};

// Reads the file that `flag` names, at most 1 MiB; `path` empty: nothing. kNotFound, kInvalidArgument: names flag and file.
absl::Status ReadPem(const std::string& path, absl::string_view flag, std::string* pem);

// Reads the files, at most 1 MiB each. kNotFound, kInvalidArgument: names the file.
absl::StatusOr<TlsMaterial> ReadTlsFiles(const TlsFiles& files);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_TLS_H_
