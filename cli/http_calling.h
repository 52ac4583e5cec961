#ifndef SCOUTLIGHT_CLI_HTTP_CALLING_H_
#define SCOUTLIGHT_CLI_HTTP_CALLING_H_

#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/instance_choice.h"
#include "cli/sent_data.h"
#include "cli/verb.h"
#include "client/http_request.h"

namespace scoutlight::cli {

// OK below 400; else what the status means, as google.rpc.Code (google/rpc/code.proto) maps it, and 404 and 410, 408 and 504, 502 and 503
// alike. So that exit codes tell what curl --fail tells, and which of the failures it was.
absl::Status StatusOfHttp(const HttpResponse& response);

// `http`.
class HttpCalling {
 public:
  // As KvReading.
  HttpCalling(CLI::App* app, Verb* chosen);

 private:
  absl::StatusOr<HttpRequest> Request() const;
  absl::Status Run(const Call& call) const;

  HttpMethod method_ = HttpMethod::kGet;
  std::string url_;
  SentData data_;
  InstanceChoice choice_;
  bool verbose_ = false;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_HTTP_CALLING_H_
