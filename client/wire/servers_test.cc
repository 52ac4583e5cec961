#include "client/wire/servers.h"

#include <grpcpp/client_context.h>

#include <memory>

#include "client/testing/server.h"
#include "client/testing/silent_server.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

using WireServerPtr = std::shared_ptr<const WireServer>;

grpc::Status List(const WireServer& server) {
  registry::v1::ListRequest request;
  request.set_parent("/");
  registry::v1::ListResponse response;
  grpc::ClientContext context;
  return server.stub<registry::v1::RegistryService::Stub>().List(&context, request, &response);
}

TEST(ServersTest, OneThatIsConnectedAndSaysNothingIsConnectedToAnew) {
  testing::Server server;
  Servers servers({.endpoints = {server.address()}});
  const WireServerPtr silent = servers.at(0);
  ASSERT_TRUE(List(*silent).ok());
  ASSERT_TRUE(silent->IsConnected());
  servers.Reconnect(0, silent);
  const WireServerPtr anew = servers.at(0);
  EXPECT_NE(anew, silent);
  EXPECT_FALSE(anew->IsConnected());
  EXPECT_TRUE(List(*anew).ok());
  EXPECT_TRUE(List(*silent).ok()) << "calls of before keep their connection";
  servers.Reconnect(0, silent);
  EXPECT_EQ(servers.at(0), anew) << "somebody else has noticed before";
}

TEST(ServersTest, OneThatIsStillConnectingGoesOn) {
  const testing::SilentServer server;
  Servers servers({.endpoints = {server.address()}});
  const WireServerPtr connecting = servers.at(0);
  servers.Reconnect(0, connecting);
  EXPECT_EQ(servers.at(0), connecting);
}

}  // namespace
}  // namespace scoutlight::client
