#ifndef SCOUTLIGHT_CLI_RAW_GRPC_CALL_H_
#define SCOUTLIGHT_CLI_RAW_GRPC_CALL_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/sent_data.h"

namespace scoutlight::cli {

inline constexpr int kMetadataMax = 128;
inline constexpr size_t kMetadataBytesMax = 8 * 1024;  // What servers take that are not told otherwise.

// Names in lower case; values whose name ends with -bin are of bytes, and come in base64. kInvalidArgument with the violated field
// --header: gRPC does not send such, or they are more than the bounds.
absl::StatusOr<std::vector<NamedText>> CheckMetadata(std::vector<NamedText> metadata);

// One call of a method, by bytes. Thread-safe as far as Cancel.
class RawGrpcCall {
 public:
  // `path`: /package.Service/Method. `metadata` as CheckMetadata gives it.
  RawGrpcCall(std::shared_ptr<grpc::Channel> channel, std::string path, const std::vector<NamedText>& metadata);

  // Either is called once; blocks. With `deadline`, at the latest. What the call ended with, with the details that came along.
  absl::StatusOr<std::string> Unary(const std::string& request, absl::Time deadline);
  // Until `on_message` returns an error, which is returned, or the server ends it.
  absl::Status Stream(const std::string& request, const std::function<absl::Status(const std::string&)>& on_message);

  void Cancel() { context_.TryCancel(); }

  // What came beside the messages: before, and behind them. For after the call.
  std::vector<NamedText> AnsweredMetadata() const;

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::string path_;
  grpc::ClientContext context_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_RAW_GRPC_CALL_H_
