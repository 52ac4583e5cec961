#include "server/reflection_service.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "server/open_streams.h"
#include "server/stream_phase.h"

namespace scoutlight::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;

// No name in our protos comes near; a request's name is echoed in its answer.
constexpr size_t kNameBytesMax = 4096;

// The two versions of the protocol.
struct V1 {
  using Service = grpc::reflection::v1::ServerReflection::CallbackService;
  using Request = grpc::reflection::v1::ServerReflectionRequest;
  using Response = grpc::reflection::v1::ServerReflectionResponse;
};
struct V1Alpha {
  using Service = grpc::reflection::v1alpha::ServerReflection::CallbackService;
  using Request = grpc::reflection::v1alpha::ServerReflectionRequest;
  using Response = grpc::reflection::v1alpha::ServerReflectionResponse;
};

// Answers requests one after the other. Not thread-safe.
template <typename Api>
class Answerer {
 public:
  explicit Answerer(const std::vector<std::string>& services) : services_(services) {}

  typename Api::Response Answer(const typename Api::Request& request) {
    typename Api::Response response;
    response.set_valid_host(request.host());
    *response.mutable_original_request() = request;
    switch (request.message_request_case()) {
      case Api::Request::kFileByFilename:
        SendFile(pool_.FindFileByName(request.file_by_filename()), request.file_by_filename(), &response);
        break;
      case Api::Request::kFileContainingSymbol:
        SendFile(pool_.FindFileContainingSymbol(request.file_containing_symbol()), request.file_containing_symbol(), &response);
        break;
      case Api::Request::kAllExtensionNumbersOfType:
        SendExtensionNumbers(request.all_extension_numbers_of_type(), &response);
        break;
      case Api::Request::kListServices:
        for (const std::string& name : services_) response.mutable_list_services_response()->add_service()->set_name(name);
        break;
      case Api::Request::kFileContainingExtension:
        SendError(grpc::StatusCode::NOT_FOUND, "there are no extensions", &response);
        break;
      case Api::Request::MESSAGE_REQUEST_NOT_SET:
        SendError(grpc::StatusCode::INVALID_ARGUMENT, "message_request must be set", &response);
        break;
    }
    return response;
  }

 private:
  static void SendError(grpc::StatusCode code, const std::string& message, typename Api::Response* response) {
    response->mutable_error_response()->set_error_code(code);
    response->mutable_error_response()->set_error_message(message);
  }

  void SendFile(const FileDescriptor* file, const std::string& name, typename Api::Response* response) {
    if (file == nullptr) return SendError(grpc::StatusCode::NOT_FOUND, "not found: " + name, response);
    auto* files = response->mutable_file_descriptor_response();
    // The file asked for goes out even if it did before: the answer must hold it.
    sent_.erase(file);
    SendWithDependencies(file, files);
  }

  template <typename Files>
  void SendWithDependencies(const FileDescriptor* file, Files* files) {
    if (!sent_.insert(file).second) return;
    google::protobuf::FileDescriptorProto proto;
    file->CopyTo(&proto);
    files->add_file_descriptor_proto(proto.SerializeAsString());
    for (int i = 0; i < file->dependency_count(); ++i) SendWithDependencies(file->dependency(i), files);
  }

  void SendExtensionNumbers(const std::string& type, typename Api::Response* response) {
    if (pool_.FindMessageTypeByName(type) == nullptr) return SendError(grpc::StatusCode::NOT_FOUND, "not found: " + type, response);
    response->mutable_all_extension_numbers_response()->set_base_type_name(type);
  }

  const std::vector<std::string>& services_;
  const DescriptorPool& pool_ = *DescriptorPool::generated_pool();
  absl::flat_hash_set<const FileDescriptor*> sent_;  // At most the files of the pool.
};

template <typename Api>
class Stream;

// Those that are open.
template <typename Api>
class Streams final : public ReflectionStreams {
 public:
  void Close() override { open.Close(); }

  OpenStreams<Stream<Api>> open{std::make_shared<StreamPlaces>(limits::kReflectionStreamsMax)};
};

// One call: reads, answers, writes, reads again. gRPC calls it from one thread at a time, Stop() comes from any.
template <typename Api>
class Stream final : public grpc::ServerBidiReactor<typename Api::Request, typename Api::Response> {
 public:
  Stream(std::shared_ptr<Streams<Api>> streams, const std::vector<std::string>& services)
      : streams_(std::move(streams)), answerer_(services) {}

  void Start() { this->StartRead(&request_); }
  void Refuse() {
    FinishReading(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                               absl::StrCat("there are ", limits::kReflectionStreamsMax, " streams of reflection, which is the most")));
  }
  void Stop() {
    if (phase_.Stop()) this->Finish(Stopping());
  }

  void OnReadDone(bool ok) override {
    if (!ok) return FinishReading(grpc::Status::OK);
    if (request_.ByteSizeLong() > kNameBytesMax) {
      return FinishReading(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "a request over 4096 bytes"));
    }
    if (!phase_.BeginAnswer()) return;
    response_ = answerer_.Answer(request_);
    this->StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) {
      phase_.AbandonAnswer();
      this->Finish(grpc::Status::CANCELLED);
    } else if (phase_.EndAnswer()) {
      this->StartRead(&request_);
    } else {
      this->Finish(Stopping());
    }
  }
  // The client hears nothing any more.
  void OnCancel() override { Stop(); }
  void OnDone() override {
    // The list outlives this, which goes with the reference to it.
    const std::shared_ptr<Streams<Api>> streams = streams_;
    streams->open.Remove(this);
  }

 private:
  static grpc::Status Stopping() { return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server is stopping"); }

  void FinishReading(const grpc::Status& status) {
    if (phase_.FinishReading()) this->Finish(status);
  }

  const std::shared_ptr<Streams<Api>> streams_;
  Answerer<Api> answerer_;
  typename Api::Request request_;
  typename Api::Response response_;
  StreamPhase phase_;
};

template <typename Api>
class Reflection final : public Api::Service {
 public:
  Reflection(std::vector<std::string> services, std::shared_ptr<Streams<Api>> streams)
      : services_(std::move(services)), streams_(std::move(streams)) {}

  grpc::ServerBidiReactor<typename Api::Request, typename Api::Response>* ServerReflectionInfo(
      grpc::CallbackServerContext* /*context*/) override {
    auto stream = std::make_shared<Stream<Api>>(streams_, services_);
    if (streams_->open.Add(stream).ok()) {
      stream->Start();
    } else {
      stream->Refuse();
    }
    // OnDone comes only after this has returned, so the reference in `open` is still there.
    return stream.get();
  }

 private:
  const std::vector<std::string> services_;
  const std::shared_ptr<Streams<Api>> streams_;
};

template <typename Api>
ReflectionService NewReflection(std::vector<std::string> services) {
  auto streams = std::make_shared<Streams<Api>>();
  return {std::make_unique<Reflection<Api>>(std::move(services), streams), streams};
}

}  // namespace

ReflectionService NewReflectionV1(std::vector<std::string> services) { return NewReflection<V1>(std::move(services)); }

ReflectionService NewReflectionV1Alpha(std::vector<std::string> services) { return NewReflection<V1Alpha>(std::move(services)); }

}  // namespace scoutlight::server
