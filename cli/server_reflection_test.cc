#include "cli/server_reflection.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"

namespace scoutlight::cli {
namespace {

using google::protobuf::FileDescriptorProto;
using Request = grpc::reflection::v1alpha::ServerReflectionRequest;
using Response = grpc::reflection::v1alpha::ServerReflectionResponse;

// The older version of reflection alone, answered as it is told.
class FakeReflection final : public grpc::reflection::v1alpha::ServerReflection::Service {
 public:
  using Answer = std::function<Response(const Request&)>;
  explicit FakeReflection(Answer answer) : answer_(std::move(answer)) {}

  grpc::Status ServerReflectionInfo(grpc::ServerContext*, grpc::ServerReaderWriter<Response, Request>* stream) override {
    Request request;
    while (stream->Read(&request) && stream->Write(answer_(request))) continue;
    return grpc::Status::OK;
  }

 private:
  const Answer answer_;
};

class ServerReflectionTest : public ::testing::Test {
 protected:
  ServerReflection Reflect(grpc::Service* service, absl::Duration timeout = absl::Seconds(20)) {
    grpc::ServerBuilder builder;
    builder.RegisterService(service);
    return Reflect(&builder, timeout);
  }
  ServerReflection Reflect(grpc::ServerBuilder* builder, absl::Duration timeout = absl::Seconds(20)) {
    int port = 0;
    builder->AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    server_ = builder->BuildAndStart();
    return ServerReflection(grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()),
                            absl::Now() + timeout);
  }

  std::unique_ptr<grpc::Server> server_;
};

Response FileAnswer(const std::vector<FileDescriptorProto>& files) {
  Response response;
  for (const FileDescriptorProto& file : files) {
    response.mutable_file_descriptor_response()->add_file_descriptor_proto(file.SerializeAsString());
  }
  return response;
}

Response NotFound() {
  Response response;
  response.mutable_error_response()->set_error_code(grpc::StatusCode::NOT_FOUND);
  return response;
}

// `p.Printer` with the method Print, whose messages lie in a file of their own.
FileDescriptorProto ServiceFile() {
  FileDescriptorProto file;
  file.set_name("service.proto");
  file.set_package("p");
  file.add_dependency("messages.proto");
  auto* const service = file.add_service();
  service->set_name("Printer");
  auto* const method = service->add_method();
  method->set_name("Print");
  method->set_input_type(".p.Job");
  method->set_output_type(".google.protobuf.Duration");
  file.add_dependency("google/protobuf/duration.proto");
  return file;
}

FileDescriptorProto MessagesFile() {
  FileDescriptorProto file;
  file.set_name("messages.proto");
  file.set_package("p");
  file.add_message_type()->set_name("Job");
  return file;
}

TEST_F(ServerReflectionTest, OlderVersionIsAskedAndImportsAreFetchedOneByOne) {
  std::vector<std::string> asked;
  FakeReflection service([&](const Request& request) {
    asked.push_back(absl::StrCat(request.file_containing_symbol(), request.file_by_filename()));
    if (request.file_containing_symbol() == "p.Printer") return FileAnswer({ServiceFile()});
    return request.file_by_filename() == "messages.proto" ? FileAnswer({MessagesFile()}) : NotFound();
  });
  ServerReflection reflection = Reflect(&service);
  const auto found = reflection.FindService("p.Printer");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ((*found)->method(0)->input_type()->full_name(), "p.Job");
  // Of protobuf's own files this program has descriptors itself.
  EXPECT_EQ(asked, (std::vector<std::string>{"p.Printer", "messages.proto"}));
  EXPECT_EQ(reflection.FindService("p.Scanner").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ServerReflectionTest, ServicesAreListedInOrder) {
  FakeReflection service([](const Request&) {
    Response response;
    for (const char* name : {"b.B", "a.A"}) response.mutable_list_services_response()->add_service()->set_name(name);
    return response;
  });
  EXPECT_EQ(*Reflect(&service).ListServices(), (std::vector<std::string>{"a.A", "b.B"}));
}

TEST_F(ServerReflectionTest, WhatIsNotValidIsRefused) {
  FileDescriptorProto untyped = ServiceFile();
  untyped.mutable_dependency()->DeleteSubrange(0, 1);
  Response garbage;
  garbage.mutable_file_descriptor_response()->add_file_descriptor_proto("\xff");
  const std::pair<Response, std::string> cases[] = {{FileAnswer({ServiceFile()}), "its reflection lacks the file messages.proto"},
                                                    {FileAnswer({untyped}), "its reflection is not valid: service.proto: "},
                                                    {garbage, "its reflection gives a descriptor that is none"}};
  for (const auto& [answer, message] : cases) {
    FakeReflection service([&answer = answer](const Request& request) { return request.file_by_filename().empty() ? answer : NotFound(); });
    const absl::Status status = Reflect(&service).FindService("p.Printer").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_TRUE(absl::StartsWith(status.message(), message)) << status;
  }
}

TEST_F(ServerReflectionTest, FilesWithoutEndAreRefused) {
  int files = 0;
  FakeReflection service([&files](const Request&) {
    FileDescriptorProto file;
    file.set_name(absl::StrCat("file", files));
    file.add_dependency(absl::StrCat("file", ++files));
    return FileAnswer({file});
  });
  const absl::Status status = Reflect(&service).FindService("p.Printer").status();
  EXPECT_EQ(status.message(), "its reflection has more than 1000 files, which is not taken");
  EXPECT_EQ(files, kReflectedFilesMax + 1);
}

TEST_F(ServerReflectionTest, ServicesAndBytesHaveBounds) {
  FakeReflection services([](const Request&) {
    Response response;
    for (int i = 0; i <= kReflectedServicesMax; ++i) response.mutable_list_services_response()->add_service()->set_name("a.A");
    return response;
  });
  EXPECT_EQ(Reflect(&services).ListServices().status().message(), "its reflection has more than 1000 services, which is not taken");
  int files = 0;
  FakeReflection large([&files](const Request&) {
    FileDescriptorProto file;
    file.set_name(absl::StrCat("file", files));
    file.add_dependency(absl::StrCat("file", ++files));
    file.add_message_type()->set_name(absl::StrCat(std::string(3'000'000, 'x'), files));
    return FileAnswer({file});
  });
  EXPECT_EQ(Reflect(&large).FindService("p.Printer").status().message(),
            absl::StrCat("its reflection has more than ", kReflectedBytesMax, " bytes, which is not taken"));
}

TEST_F(ServerReflectionTest, AServerWithoutItSaysSo) {
  // It answers everything with UNIMPLEMENTED.
  grpc::CallbackGenericService other;
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(&other);
  const absl::Status status = Reflect(&builder).ListServices().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_TRUE(absl::StartsWith(status.message(), "it has no reflection")) << status;
}

TEST_F(ServerReflectionTest, TheDeadlineHoldsForAllQuestions) {
  FakeReflection service([](const Request&) { return Response(); });
  EXPECT_EQ(Reflect(&service, -absl::Seconds(1)).ListServices().status().code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace scoutlight::cli
