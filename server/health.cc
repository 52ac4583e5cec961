#include "server/health.h"

#include <grpcpp/health_check_service_interface.h>

#include <algorithm>
#include <utility>

namespace scoutlight::server {
namespace {

// Who waits for a service to be ready should not wait for the look at it.
constexpr absl::Duration kImpatience = absl::Milliseconds(20);

}  // namespace

Health::Health(grpc::HealthCheckServiceInterface* service, std::vector<HealthPart> parts, absl::Duration interval)
    : service_(*service), parts_(std::move(parts)), told_(parts_.size()) {
  const bool all = Look();
  thread_ = std::thread([this, interval, all] { LookEvery(interval, all); });
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

bool Health::Look() {
  bool all = true;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const bool serving = parts_[i].serving();
    all = all && serving;
    if (std::exchange(told_[i], serving) == serving) continue;
    for (const std::string& name : parts_[i].names) service_.SetServingStatus(name, serving);
  }
  return all;
}

void Health::LookEvery(absl::Duration interval, bool all) {
  while (true) {
    {
      const MutexLock lock(&mu_);
      // A wake-up before its time only looks early.
      if (!stopping_) changed_.WaitFor(&mu_, all ? interval : std::min(interval, kImpatience));
      if (stopping_) return;
    }
    all = Look();
  }
}

}  // namespace scoutlight::server
