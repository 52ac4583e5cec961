#ifndef SCOUTLIGHT_SERVER_VIOLATIONS_H_
#define SCOUTLIGHT_SERVER_VIOLATIONS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"

namespace scoutlight::server {

// Gathers everything that is wrong with one request, so that its caller learns all of it at once. Not thread-safe.
class Violations {
 public:
  // Field paths added from now on stand under `prefix` ("on_success[2].put.").
  void SetPrefix(std::string prefix) { prefix_ = std::move(prefix); }

  void Add(Reason reason, absl::string_view field, absl::string_view description) {
    if (violations_.empty()) reason_ = reason;
    violations_.push_back({absl::StrCat(prefix_, field), std::string(description)});
  }

  // Takes over the violations of `status` (made by InvalidField or InvalidFields).
  void Add(const absl::Status& status) {
    const ErrorDetails details = DetailsOf(status).value_or(ErrorDetails());
    for (const FieldViolation& violation : details.violations) Add(details.reason, violation.field, violation.description);
  }

  // OK when nothing was added; else kInvalidArgument with everything that was, and the reason that came first.
  absl::Status status() const { return violations_.empty() ? absl::OkStatus() : InvalidFields(reason_, violations_); }

 private:
  std::string prefix_;
  Reason reason_ = Reason::kUnspecified;
  std::vector<FieldViolation> violations_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_VIOLATIONS_H_
