#ifndef SCOUTLIGHT_CLI_SERVER_REFLECTION_H_
#define SCOUTLIGHT_CLI_SERVER_REFLECTION_H_

#include <grpcpp/channel.h>

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor_database.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"

namespace scoutlight::cli {

// What a server may say of itself.
inline constexpr int kReflectedServicesMax = 1'000;
inline constexpr int kReflectedFilesMax = 1'000;
inline constexpr size_t kReflectedBytesMax = 16 << 20;  // Of all its files together.

// The services of a gRPC server, as it describes them itself (grpc.reflection.v1, else v1alpha). Errors besides those named:
// kFailedPrecondition: it has no reflection, what it says is not valid, or is more than the bounds above; else what the question ended
// with. Not thread-safe; blocks.
class ServerReflection {
 public:
  // Asks nothing yet. All that is asked later ends at `deadline`.
  ServerReflection(std::shared_ptr<grpc::Channel> channel, absl::Time deadline);
  ServerReflection(const ServerReflection&) = delete;
  ServerReflection& operator=(const ServerReflection&) = delete;

  // Their full names, in order.
  absl::StatusOr<std::vector<std::string>> ListServices();

  // Never null; valid as long as this. kNotFound: the server does not know it.
  absl::StatusOr<const google::protobuf::ServiceDescriptor*> FindService(const std::string& name);

 private:
  // The two versions of the service have the same messages.
  using Request = grpc::reflection::v1alpha::ServerReflectionRequest;
  using Response = grpc::reflection::v1alpha::ServerReflectionResponse;

  class Faults : public google::protobuf::DescriptorPool::ErrorCollector {
   public:
    void AddError(const std::string& file, const std::string& element, const google::protobuf::Message*, ErrorLocation,
                  const std::string& message) override;
    const std::string& first() const { return first_; }

   private:
    std::string first_;
  };

  // One question on a stream of its own. kNotFound: the server does not know what was asked for.
  absl::StatusOr<Response> Ask(const Request& request);
  // Takes what files a question is answered with, and all that those import.
  absl::Status Fetch(const Request& request);
  absl::Status Take(const Response& response, std::vector<std::string>* imports);
  absl::Status Add(const google::protobuf::FileDescriptorProto& file, std::vector<std::string>* imports);

  const std::shared_ptr<grpc::Channel> channel_;
  const absl::Time deadline_;
  size_t version_ = 0;  // Of the service: the newest that the server may have.
  size_t bytes_ = 0;    // Of `files_`.
  std::set<std::string> files_;
  google::protobuf::SimpleDescriptorDatabase database_;
  Faults faults_;
  google::protobuf::DescriptorPool pool_{&database_, &faults_};
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_SERVER_REFLECTION_H_
