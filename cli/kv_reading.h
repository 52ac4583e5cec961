#ifndef SCOUTLIGHT_CLI_KV_READING_H_
#define SCOUTLIGHT_CLI_KV_READING_H_

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/entry.h"
#include "cli/verb.h"
#include "client/registry.h"

namespace scoutlight::cli {

// `kv get`, `kv list`, `kv tree`.
class KvReading {
 public:
  // Declares the verbs below `kv`; the one that is called becomes `*chosen`. `kv` and `chosen` outlive it, and it the call.
  KvReading(CLI::App* kv, Verb* chosen);

 private:
  absl::Status Get(const Call& call) const;
  absl::Status List(const Call& call) const;
  absl::Status Tree(const Call& call) const;
  // At most kListedBytesMax of entries.
  absl::StatusOr<ListResult> Read(const Call& call, const ListOptions& options) const;

  std::string key_ = "/";
  std::optional<Revision> revision_;
  bool raw_ = false;
  bool recursive_ = false;
  bool keys_only_ = false;
  ListOrder order_ = ListOrder::kKey;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_KV_READING_H_
