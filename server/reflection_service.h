#ifndef SCOUTLIGHT_SERVER_REFLECTION_SERVICE_H_
#define SCOUTLIGHT_SERVER_REFLECTION_SERVICE_H_

#include <memory>
#include <string>
#include <vector>

namespace grpc {
class Service;
}

namespace scoutlight::server {

// Ends the streams of reflection when the server stops: gRPC waits for every stream to end. Thread-safe.
class ReflectionStreams {
 public:
  virtual ~ReflectionStreams() = default;

  // Ends every stream, those that come later too, with UNAVAILABLE.
  virtual void Close() = 0;
};

struct ReflectionService {
  std::unique_ptr<grpc::Service> service;  // To register with a server; outlives it.
  std::shared_ptr<ReflectionStreams> streams;
};

// gRPC server reflection over the descriptors linked into this program, telling of the services named `services`. The protocol is the
// same in both versions; gRPC 1.51 brings the older one alone. Of extensions it knows none. A stream holds one request at a time and
// remembers which files it has sent, so that what a file depends on is sent once.
ReflectionService NewReflectionV1(std::vector<std::string> services);
ReflectionService NewReflectionV1Alpha(std::vector<std::string> services);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_REFLECTION_SERVICE_H_
