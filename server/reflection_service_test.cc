// Both versions of reflection, asked as clients ask.

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "server/server_fixture.h"

namespace scoutlight::server {
namespace {

using testing::Contains;
using testing::IsSupersetOf;
using testing::SizeIs;

// One version of reflection, its stub and its messages.
struct V1 {
  using Service = grpc::reflection::v1::ServerReflection;
  using Request = grpc::reflection::v1::ServerReflectionRequest;
  using Response = grpc::reflection::v1::ServerReflectionResponse;
};
struct V1Alpha {
  using Service = grpc::reflection::v1alpha::ServerReflection;
  using Request = grpc::reflection::v1alpha::ServerReflectionRequest;
  using Response = grpc::reflection::v1alpha::ServerReflectionResponse;
};

template <typename Api>
class ReflectionTest : public ServerTest {
 protected:
  void SetUp() override {
    Start();
    api_stub_ = Api::Service::NewStub(channel_);
    stream_ = api_stub_->ServerReflectionInfo(&context_);
  }
  void TearDown() override {
    stream_->WritesDone();
    EXPECT_TRUE(stream_->Finish().ok());
  }

  typename Api::Response Ask(const typename Api::Request& request) {
    typename Api::Response response;
    EXPECT_TRUE(stream_->Write(request));
    EXPECT_TRUE(stream_->Read(&response));
    return response;
  }
  typename Api::Response AskForSymbol(const std::string& symbol) {
    typename Api::Request request;
    request.set_file_containing_symbol(symbol);
    return Ask(request);
  }
  static std::vector<std::string> FileNames(const typename Api::Response& response) {
    std::vector<std::string> names;
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromString(bytes));
      names.push_back(file.name());
    }
    return names;
  }

  grpc::ClientContext context_;
  std::unique_ptr<typename Api::Service::Stub> api_stub_;
  std::unique_ptr<grpc::ClientReaderWriter<typename Api::Request, typename Api::Response>> stream_;
};

using BothVersions = testing::Types<V1, V1Alpha>;
TYPED_TEST_SUITE(ReflectionTest, BothVersions);

TYPED_TEST(ReflectionTest, ListsServicesWhoseDescriptorsItHas) {
  typename TypeParam::Request request;
  request.set_list_services("");
  std::vector<std::string> names;
  const typename TypeParam::Response response = this->Ask(request);
  for (const auto& service : response.list_services_response().service()) names.push_back(service.name());
  EXPECT_THAT(names, IsSupersetOf({"scoutlight.registry.v1.RegistryService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                                   "grpc.reflection.v1alpha.ServerReflection"}));
  for (const std::string& name : names) EXPECT_THAT(this->FileNames(this->AskForSymbol(name)), SizeIs(testing::Ge(1u))) << name;
}

TYPED_TEST(ReflectionTest, SymbolsOfEveryKindAreFound) {
  for (const char* symbol : {"scoutlight.registry.v1.RegistryService", "scoutlight.registry.v1.RegistryService.Get",
                             "scoutlight.registry.v1.Entry", "scoutlight.registry.v1.Entry.key", "scoutlight.registry.v1.Scope"}) {
    EXPECT_THAT(this->FileNames(this->AskForSymbol(symbol)), Contains("scoutlight/registry/v1/registry.proto")) << symbol;
  }
}

TYPED_TEST(ReflectionTest, DependenciesComeOncePerStream) {
  typename TypeParam::Request request;
  request.set_file_by_filename("google/rpc/error_details.proto");
  EXPECT_EQ(this->FileNames(this->Ask(request)),
            (std::vector<std::string>{"google/rpc/error_details.proto", "google/protobuf/duration.proto"}));
  EXPECT_EQ(this->FileNames(this->Ask(request)), (std::vector<std::string>{"google/rpc/error_details.proto"}));
}

TYPED_TEST(ReflectionTest, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(this->AskForSymbol("no.such.Symbol").error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  typename TypeParam::Request request;
  request.set_file_by_filename("no/such.proto");
  EXPECT_EQ(this->Ask(request).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  request.mutable_file_containing_extension()->set_containing_type("scoutlight.registry.v1.Entry");
  EXPECT_EQ(this->Ask(request).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  request.set_all_extension_numbers_of_type("scoutlight.registry.v1.Entry");
  EXPECT_EQ(this->Ask(request).all_extension_numbers_response().extension_number_size(), 0);
  EXPECT_EQ(this->Ask(typename TypeParam::Request()).error_response().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace scoutlight::server
