#ifndef SCOUTLIGHT_SERVER_ETCD_SETTINGS_H_
#define SCOUTLIGHT_SERVER_ETCD_SETTINGS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/etcd/etcd_store.h"

namespace scoutlight::server {

// Where the store lies if it is etcd, and how etcd is reached.
struct EtcdSettings {
  std::vector<std::string> endpoints;  // HOST:PORT; empty: the store is no etcd.
  std::string prefix;                  // Of all etcd keys of the store, with its last slash.
  std::string user;                    // Empty: none.
  std::string password_file;           // With `user`.
  std::string ca_file;                 // Empty: no TLS.
  std::string certificate_file;        // This server's for etcd; with `key_file`; empty: it shows none.
  std::string key_file;
};

// Reads "etcd://HOST:PORT[,HOST:PORT...][/PREFIX]"; without a prefix it is "scoutlight". kInvalidArgument says what is wrong: no port, the
// same endpoint twice, over 16 endpoints, a prefix over 128 bytes or with bytes that do not print.
absl::StatusOr<EtcdSettings> ParseEtcdStore(absl::string_view text);

// What goes together, one line for each mistake: user and password, certificate and key and --etcd-ca-file, all of them and etcd.
std::vector<std::string> CheckEtcdSettings(const EtcdSettings& settings);

// Reads the files that the settings name. kNotFound, kInvalidArgument: names flag and file.
absl::StatusOr<storage::EtcdStoreOptions> EtcdOptionsOf(const EtcdSettings& settings);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_ETCD_SETTINGS_H_
