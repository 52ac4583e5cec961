#include "cli/server_reflection.h"

#include <grpcpp/client_context.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/support/status.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.pb.h"

namespace scoutlight::cli {
namespace {

constexpr const char* kMethods[] = {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                                    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};

absl::Status TooMuch(absl::string_view what, size_t most) {
  return absl::FailedPreconditionError(absl::StrCat("its reflection has more than ", most, " ", what, ", which is not taken"));
}

}  // namespace

void ServerReflection::Faults::AddError(const std::string& file, const std::string& element, const google::protobuf::Message*,
                                        ErrorLocation, const std::string& message) {
  if (first_.empty()) first_ = absl::StrCat(file, ": ", element, ": ", message);
}

ServerReflection::ServerReflection(std::shared_ptr<grpc::Channel> channel, absl::Time deadline)
    : channel_(std::move(channel)), deadline_(deadline) {}

absl::StatusOr<ServerReflection::Response> ServerReflection::Ask(const Request& request) {
  for (; version_ < std::size(kMethods); ++version_) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline_));
    const grpc::internal::RpcMethod method(kMethods[version_], grpc::internal::RpcMethod::BIDI_STREAMING);
    const std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> stream(
        grpc::internal::ClientReaderWriterFactory<Request, Response>::Create(channel_.get(), method, &context));
    Response response;
    const bool is_answered = stream->Write(request) && stream->WritesDone() && stream->Read(&response);
    // One that does not end by itself.
    if (is_answered) context.TryCancel();
    const grpc::Status end = stream->Finish();
    if (is_answered && response.has_error_response()) {
      const auto& error = response.error_response();
      if (error.error_code() == grpc::StatusCode::NOT_FOUND) return absl::NotFoundError(error.error_message());
      return absl::FailedPreconditionError(absl::StrCat("its reflection fails: ", error.error_message()));
    }
    if (is_answered) return response;
    if (end.ok()) return absl::FailedPreconditionError("its reflection does not answer");
    if (end.error_code() != grpc::StatusCode::UNIMPLEMENTED) {
      return absl::Status(static_cast<absl::StatusCode>(end.error_code()), end.error_message());
    }
  }
  return absl::FailedPreconditionError("it has no reflection (grpc.reflection.v1 or v1alpha), which tells its methods");
}

absl::StatusOr<std::vector<std::string>> ServerReflection::ListServices() {
  Request request;
  request.set_list_services("*");
  const absl::StatusOr<Response> response = Ask(request);
  if (!response.ok()) return response.status();
  const auto& services = response->list_services_response().service();
  if (services.size() > kReflectedServicesMax) return TooMuch("services", kReflectedServicesMax);
  std::vector<std::string> names;
  for (const auto& service : services) names.push_back(service.name());
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status ServerReflection::Add(const google::protobuf::FileDescriptorProto& file, std::vector<std::string>* imports) {
  if (!files_.insert(file.name()).second) return absl::OkStatus();
  bytes_ += file.ByteSizeLong();
  if (files_.size() > kReflectedFilesMax) return TooMuch("files", kReflectedFilesMax);
  if (bytes_ > kReflectedBytesMax) return TooMuch("bytes", kReflectedBytesMax);
  if (!database_.Add(file)) return absl::FailedPreconditionError(absl::StrCat("its reflection defines twice what is in ", file.name()));
  imports->insert(imports->end(), file.dependency().begin(), file.dependency().end());
  return absl::OkStatus();
}

absl::Status ServerReflection::Take(const Response& response, std::vector<std::string>* imports) {
  for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
    google::protobuf::FileDescriptorProto file;
    if (!file.ParseFromString(bytes)) return absl::FailedPreconditionError("its reflection gives a descriptor that is none");
    if (absl::Status refused = Add(file, imports); !refused.ok()) return refused;
  }
  return absl::OkStatus();
}

absl::Status ServerReflection::Fetch(const Request& request) {
  absl::StatusOr<Response> response = Ask(request);
  if (!response.ok()) return response.status();
  std::vector<std::string> imports;
  if (absl::Status refused = Take(*response, &imports); !refused.ok()) return refused;
  // Each is asked for once, and `files_` has a bound.
  while (!imports.empty()) {
    const std::string name = std::move(imports.back());
    imports.pop_back();
    if (files_.contains(name)) continue;
    const google::protobuf::FileDescriptor* const own = google::protobuf::DescriptorPool::generated_pool()->FindFileByName(name);
    if (own != nullptr && absl::StartsWith(name, "google/protobuf/")) {
      google::protobuf::FileDescriptorProto file;
      own->CopyTo(&file);
      if (absl::Status refused = Add(file, &imports); !refused.ok()) return refused;
      continue;
    }
    Request by_name;
    by_name.set_file_by_filename(name);
    response = Ask(by_name);
    if (absl::IsNotFound(response.status())) return absl::FailedPreconditionError(absl::StrCat("its reflection lacks the file ", name));
    if (!response.ok()) return response.status();
    if (absl::Status refused = Take(*response, &imports); !refused.ok()) return refused;
    if (!files_.contains(name)) return absl::FailedPreconditionError(absl::StrCat("its reflection gives another file for ", name));
  }
  return absl::OkStatus();
}

absl::StatusOr<const google::protobuf::ServiceDescriptor*> ServerReflection::FindService(const std::string& name) {
  Request request;
  request.set_file_containing_symbol(name);
  if (absl::Status failed = Fetch(request); !failed.ok()) return failed;
  const google::protobuf::ServiceDescriptor* const found = pool_.FindServiceByName(name);
  if (found != nullptr) return found;
  if (!faults_.first().empty()) return absl::FailedPreconditionError(absl::StrCat("its reflection is not valid: ", faults_.first()));
  return absl::NotFoundError(absl::StrCat(name, " is no service"));
}

}  // namespace scoutlight::cli
