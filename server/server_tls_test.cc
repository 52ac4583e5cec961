// Certificates, of the server and of its clients.

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "scoutlight/registry/v1/registry.grpc.pb.h"
#include "server/server.h"
#include "server/server_fixture.h"

namespace scoutlight::server {
namespace {

namespace wire = ::scoutlight::registry::v1;

using ServerTlsTest = ServerTest;

TEST_F(ServerTlsTest, CertificateThatIsNoneIsRefused) {
  Start();
  ServerOptions options;
  options.tls = TlsMaterial{"-----BEGIN nothing", "-----BEGIN nothing", ""};
  EXPECT_EQ(Server::Start(store_.get(), std::move(options)).status().code(), absl::StatusCode::kFailedPrecondition);
  // It has not taken the store's changes from the server that is there.
  grpc::ClientContext context;
  wire::WatchRequest request;
  request.set_key("/a");
  const auto watching = stub_->Watch(&context, request);
  wire::WatchResponse frame;
  ASSERT_TRUE(watching->Read(&frame));
  EXPECT_EQ(server_->watch_counts().streams, 1);
  wire::PutResponse stored;
  ASSERT_TRUE(Put("/a", "1", &stored).ok());
  ASSERT_TRUE(watching->Read(&frame));
  EXPECT_EQ(frame.events_size(), 1);
  context.TryCancel();
  while (watching->Read(&frame)) {
  }
  watching->Finish();
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST_F(ServerTlsTest, ClientCertificateIsTheIdentity) {
  // One certificate that signs itself serves as authority, server and client.
  const std::string cert_path = testing::TempDir() + "/identity-cert.pem";
  const std::string key_path = testing::TempDir() + "/identity-key.pem";
  const std::string command =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=common -addext subjectAltName=DNS:printer.example -out " + cert_path +
      " -keyout " + key_path + " 2>/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  const std::string cert = ReadFile(cert_path);
  const std::string key = ReadFile(key_path);
  Start();
  ServerOptions options;
  options.tls = TlsMaterial{cert, key, cert};
  Identity seen;
  options.authorize = [&seen](const Identity& identity, absl::string_view, const KeyRange&) {
    seen = identity;
    return absl::OkStatus();
  };
  auto secure = Server::Start(store_.get(), std::move(options));
  ASSERT_TRUE(secure.ok()) << secure.status();
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride("printer.example");
  const auto credentials = grpc::SslCredentials({cert, key, cert});
  const auto stub = wire::RegistryService::NewStub(grpc::CreateCustomChannel((*secure)->address().ToString(), credentials, arguments));
  grpc::ClientContext context;
  wire::GetRequest request;
  request.set_key("/a");
  wire::GetResponse response;
  EXPECT_EQ(stub->Get(&context, request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(seen.kind, Identity::Kind::kCertificate);
  EXPECT_EQ(seen.name, "printer.example");
}

}  // namespace
}  // namespace scoutlight::server
