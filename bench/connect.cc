#include "bench/connect.h"

#include <chrono>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/connect_errno.h"
#include "grpcpp/grpcpp.h"

namespace scoutlight::bench {
namespace {

constexpr std::chrono::seconds kConnectTimeout(10);

}  // namespace

absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> Connect(const std::string& server, int connections) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  KeepErrnoOfConnect();
  for (int i = 0; i < connections; ++i) {
    grpc::ChannelArguments arguments;
    // Else channels of equal arguments share one connection.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    // What the generator takes of the processors, the server lacks.
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    arguments.SetInt(GRPC_ARG_MINIMAL_STACK, 1);
    // etcd answers a range of a hundred thousand keys in one message, and its own clients take it.
    arguments.SetMaxReceiveMessageSize(-1);
    channels.push_back(grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), arguments));
    const auto deadline = std::chrono::system_clock::now() + kConnectTimeout;
    if (!channels.back()->WaitForConnected(deadline)) return absl::UnavailableError(absl::StrCat("no connection to ", server));
  }
  return channels;
}

}  // namespace scoutlight::bench
