#ifndef SCOUTLIGHT_CLI_KV_WATCHING_H_
#define SCOUTLIGHT_CLI_KV_WATCHING_H_

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "base/entry.h"
#include "base/key.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// `kv watch`: shows what happens until a signal to stop, or its reader goes; that is success. The server must answer once within --timeout;
// after that it is waited for without end.
class KvWatching {
 public:
  // As KvReading.
  KvWatching(CLI::App* kv, Verb* chosen);

 private:
  absl::Status Watch(const Call& call) const;

  std::string key_;
  Scope scope_ = Scope::kKey;
  bool snapshot_ = false;
  std::optional<Revision> from_;
  std::string store_id_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_KV_WATCHING_H_
