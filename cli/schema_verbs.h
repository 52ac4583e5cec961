#ifndef SCOUTLIGHT_CLI_SCHEMA_VERBS_H_
#define SCOUTLIGHT_CLI_SCHEMA_VERBS_H_

#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/verb.h"
#include "discovery/bindings.h"

namespace scoutlight::cli {

// `schema put|get|list|check|delete` and `schema bind|unbind|bindings`.
class SchemaVerbs {
 public:
  // As KvReading.
  SchemaVerbs(CLI::App* schema, Verb* chosen);

 private:
  void DeclareBindings(CLI::App* schema, Verb* chosen);
  absl::Status Put(const Call& call) const;
  absl::Status Get(const Call& call) const;
  absl::Status List(const Call& call) const;
  absl::Status Check(const Call& call) const;
  absl::Status Delete(const Call& call) const;
  absl::Status Bind(const Call& call) const;
  absl::Status Unbind(const Call& call) const;
  absl::Status ListBindings(const Call& call) const;
  absl::Status PutBinding(const Call& call, const discovery::Binding& binding) const;
  absl::StatusOr<std::string> ReadDocument() const;
  std::string ClusterIn(const Call& call) const;

  std::string file_;
  std::string name_;
  std::string service_;
  bool all_clusters_ = false;
  bool raw_ = false;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_SCHEMA_VERBS_H_
