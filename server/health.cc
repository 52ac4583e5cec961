#include "server/health.h"

#include <grpcpp/health_check_service_interface.h>

#include <utility>

namespace scoutlight::server {

Health::Health(const storage::Store* store, grpc::HealthCheckServiceInterface* service, std::vector<std::string> names,
               absl::Duration interval)
    : store_(*store), service_(*service), names_(std::move(names)) {
  Look();
  thread_ = std::thread([this, interval] { LookEvery(interval); });
}

Health::~Health() {
  {
    const MutexLock lock(&mu_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void Health::Drain() {
  // The service ignores what it is told after this.
  service_.Shutdown();
}

void Health::Look() {
  const bool serving = store_.health().state == storage::StoreHealth::State::kServing;
  service_.SetServingStatus("", serving);
  for (const std::string& name : names_) service_.SetServingStatus(name, serving);
}

void Health::LookEvery(absl::Duration interval) {
  while (true) {
    {
      const MutexLock lock(&mu_);
      // A wake-up before its time only looks early.
      if (!stopping_) changed_.WaitFor(&mu_, interval);
      if (stopping_) return;
    }
    Look();
  }
}

}  // namespace scoutlight::server
