#ifndef SCOUTLIGHT_CLIENT_SERVICE_POOL_H_
#define SCOUTLIGHT_CLIENT_SERVICE_POOL_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <grpcpp/channel.h>

#include "absl/status/status.h"
#include "client/locator.h"
#include "client/pick.h"
#include "client/pool/channel_pool.h"
#include "client/service_pool_options.h"

namespace scoutlight {

// A stub of the instance that was picked for the next call. Keep it until the call has begun, not for longer: it holds a Pick. A call that
// has begun needs only its ClientContext. Not thread-safe.
template <typename Stub>
class PickedStub {
 public:
  explicit PickedStub(client::PickedChannel picked) : picked_(std::move(picked)) {}

  // Why no instance was picked, as ServicePool::Pick says; OK: one was.
  const absl::Status& status() const { return picked_.status; }
  bool ok() const { return picked_.status.ok(); }

  // Never null. If none was picked, its calls end at once with the code and message of status(), and nothing is sent.
  Stub* operator->() const { return static_cast<Stub*>(picked_.stub.get()); }
  Stub& operator*() const { return *operator->(); }

  // nullopt: none was.
  const std::optional<scoutlight::Pick>& pick() const { return picked_.pick; }

 private:
  client::PickedChannel picked_;
};

// The instances of one gRPC service, called by its name: one stub for each that is live, picked for each call as the locator picks. Calls
// of all kinds count as in flight while they run, and how they end is told to the locator (ServicePoolOptions::judge). An instance that has
// left is not picked any more; calls of it run to their end, and its channel goes with the last of them.
//
//   scoutlight::ServicePool<Printer::Stub> pool(locator, "Printer");
//   grpc::ClientContext context;
//   grpc::Status status = pool.Pick()->Print(&context, request, &response);
//
// `Stub` is one that protoc's plugin for C++ has made. Thread-safe. The locator outlives the pool.
template <typename Stub>
class ServicePool {
 public:
  // Follows the service, and waits for nothing.
  ServicePool(Locator& locator, std::string service, ServicePoolOptions options = {})
      : channels_(locator, std::move(service), std::move(options), &MakeStub) {}

  // Blocks as Locator::Resolve does: for the first answer of the registry alone. Errors as there. Besides, kInvalidArgument: every violated
  // field of the options; kFailedPrecondition, NONE_MATCHES: the endpoint of the instance that was picked has no port, or a scheme that is
  // not gRPC's.
  PickedStub<Stub> Pick(const PickOptions& pick = {}) { return PickedStub<Stub>(channels_.Pick(pick)); }

  // Channels that are kept for picks to come.
  int channels() const { return channels_.size(); }

 private:
  static std::shared_ptr<void> MakeStub(const std::shared_ptr<grpc::Channel>& channel) { return std::make_shared<Stub>(channel); }

  client::ChannelPool channels_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_SERVICE_POOL_H_
