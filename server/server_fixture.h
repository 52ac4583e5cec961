#ifndef SCOUTLIGHT_SERVER_SERVER_FIXTURE_H_
#define SCOUTLIGHT_SERVER_SERVER_FIXTURE_H_

#include <grpcpp/create_channel.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/rpc_method.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "base/limits.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "scoutlight/registry/v1/registry.grpc.pb.h"
#include "server/server.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_engine.h"
#include "storage/testing/sickable_store.h"

namespace scoutlight::server {

inline constexpr char kTestStoreId[] = "00112233445566778899aabbccddeeff";

// A server over a store in memory, and a client.
class ServerTest : public testing::Test {
 protected:
  void Start(Authorize authorize = nullptr) {
    MakeStore();
    Serve(std::move(authorize));
  }
  void MakeStore() {
    storage::LocalStoreOptions store_options;
    store_options.random = [random = std::mt19937_64(7)]() mutable { return random(); };
    auto store = storage::OpenLocalStore(storage::NewMemoryEngine(kTestStoreId), std::move(store_options));
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = std::make_unique<storage::SickableStore>(*std::move(store));
  }
  void Serve(Authorize authorize = nullptr) {
    ServerOptions options;
    options.authorize = std::move(authorize);
    options.health_interval = absl::Milliseconds(10);
    options.streams_max = streams_max_;
    auto server = Server::Start(store_.get(), std::move(options));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel(server_->address().ToString(), grpc::InsecureChannelCredentials(), arguments);
    stub_ = registry::v1::RegistryService::NewStub(channel_);
  }

  // Calls `method` with bytes that no client library would send.
  grpc::Status CallRaw(const char* method, const std::string& bytes) {
    const std::string path = std::string("/scoutlight.registry.v1.RegistryService/") + method;
    const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer answer;
    grpc::ClientContext context;
    return grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer, grpc::ByteBuffer, grpc::ByteBuffer>(
        channel_.get(), rpc, &context, request, &answer);
  }

  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (registry::v1::RegistryService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    return (stub_.get()->*method)(&context, request, response);
  }

  grpc::Status Put(const std::string& key, const std::string& text, registry::v1::PutResponse* response) {
    registry::v1::PutRequest request;
    request.set_key(key);
    request.set_text(text);
    return Call(&registry::v1::RegistryService::Stub::Put, request, response);
  }
  grpc::Status Get(const std::string& key, registry::v1::GetResponse* response) {
    registry::v1::GetRequest request;
    request.set_key(key);
    return Call(&registry::v1::RegistryService::Stub::Get, request, response);
  }
  grpc::Status Delete(const registry::v1::DeleteRequest& request, registry::v1::DeleteResponse* response) {
    return Call(&registry::v1::RegistryService::Stub::Delete, request, response);
  }
  grpc::Status List(const registry::v1::ListRequest& request, registry::v1::ListResponse* response) {
    return Call(&registry::v1::RegistryService::Stub::List, request, response);
  }

  // What the health service says of `service` once it says `wanted`, or after 5 s.
  grpc::health::v1::HealthCheckResponse::ServingStatus AwaitHealth(const std::string& service,
                                                                   grpc::health::v1::HealthCheckResponse::ServingStatus wanted) {
    auto stub = grpc::health::v1::Health::NewStub(channel_);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    auto reader = stub->Watch(&context, request);
    grpc::health::v1::HealthCheckResponse response;
    while (reader->Read(&response) && response.status() != wanted) {
    }
    context.TryCancel();
    return response.status();
  }

  int streams_max_ = limits::kStreamsMax;
  std::unique_ptr<storage::SickableStore> store_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<registry::v1::RegistryService::Stub> stub_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_SERVER_FIXTURE_H_
