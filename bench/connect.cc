#include "bench/connect.h"

#include <chrono>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"

namespace scoutlight::bench {
namespace {

constexpr std::chrono::seconds kConnectTimeout(10);

}  // namespace

absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> Connect(const std::string& server, int connections) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < connections; ++i) {
    grpc::ChannelArguments arguments;
    // Else channels of equal arguments share one connection.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channels.push_back(grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), arguments));
    const auto deadline = std::chrono::system_clock::now() + kConnectTimeout;
    if (!channels.back()->WaitForConnected(deadline)) return absl::UnavailableError(absl::StrCat("no connection to ", server));
  }
  return channels;
}

}  // namespace scoutlight::bench
