#ifndef SCOUTLIGHT_SERVER_HEALTH_H_
#define SCOUTLIGHT_SERVER_HEALTH_H_

#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "storage/store.h"

namespace grpc {
class HealthCheckServiceInterface;
}

namespace scoutlight::server {

// Makes gRPC's health service say what the store's health is: SERVING while the store is serving and the server is not stopping, else
// NOT_SERVING, for the server as a whole ("") and for each service. Looks every `interval`, on a thread of its own. Thread-safe.
class Health {
 public:
  // Both outlive this. Says what it found before it returns.
  Health(const storage::Store* store, grpc::HealthCheckServiceInterface* service, std::vector<std::string> names, absl::Duration interval);
  ~Health();

  // NOT_SERVING from now on, whatever the store says.
  void Drain();

 private:
  void Look();
  void LookEvery(absl::Duration interval);

  const storage::Store& store_;
  grpc::HealthCheckServiceInterface& service_;
  const std::vector<std::string> names_;

  Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // Last: it uses the rest.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_HEALTH_H_
