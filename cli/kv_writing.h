#ifndef SCOUTLIGHT_CLI_KV_WRITING_H_
#define SCOUTLIGHT_CLI_KV_WRITING_H_

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/entry.h"
#include "cli/verb.h"
#include "client/registry.h"

namespace scoutlight::cli {

// `kv put`, `kv delete`.
class KvWriting {
 public:
  // As KvReading.
  KvWriting(CLI::App* kv, Verb* chosen);

 private:
  absl::Status Put(const Call& call) const;
  absl::Status Delete(const Call& call) const;
  // What is too much for one transaction.
  absl::StatusOr<DeleteResult> DeleteInPieces(const Call& call) const;
  // OK: a recursive deletion may go on, as it is confirmed.
  absl::Status ConfirmPlan(const Call& call) const;
  // The argument, standard input or the file; text if it is UTF-8.
  absl::StatusOr<Value> ReadValue() const;

  std::string key_;
  std::optional<std::string> value_;
  std::string file_;
  bool if_absent_ = false;
  std::optional<Revision> expected_revision_;
  bool recursive_ = false;
  bool yes_ = false;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_KV_WRITING_H_
