#ifndef SCOUTLIGHT_SERVER_HEALTH_H_
#define SCOUTLIGHT_SERVER_HEALTH_H_

#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace grpc {
class HealthCheckServiceInterface;
}

namespace scoutlight::server {

// Services that are fit to be called together.
struct HealthPart {
  std::vector<std::string> names;  // Of gRPC services; "": the server as a whole.
  std::function<bool()> serving;   // Asked from any thread; must not block.
};

// Makes gRPC's health service say SERVING of each part's names while that part is serving and the server is not stopping, else NOT_SERVING.
// Looks every `interval`, and more often while some part is not serving, on a thread of its own. Thread-safe.
class Health {
 public:
  // `service`, and what the parts ask, outlive this. Says what it found before it returns.
  Health(grpc::HealthCheckServiceInterface* service, std::vector<HealthPart> parts, absl::Duration interval);
  ~Health();

  // NOT_SERVING from now on, whatever the store says.
  void Drain();

 private:
  // Whether all are serving.
  bool Look();
  void LookEvery(absl::Duration interval, bool all);

  grpc::HealthCheckServiceInterface& service_;
  const std::vector<HealthPart> parts_;
  std::vector<std::optional<bool>> told_;  // Of each part; used by one thread at a time. gRPC tells its watchers also what is no news.

  Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // Last: it uses the rest.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_HEALTH_H_
