#ifndef SCOUTLIGHT_CLIENT_POOL_CHANNEL_POOL_H_
#define SCOUTLIGHT_CLIENT_POOL_CHANNEL_POOL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <grpcpp/channel.h>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/entry.h"
#include "base/mutex.h"
#include "client/change_watch.h"
#include "client/locator.h"
#include "client/locator/instance_calls.h"
#include "client/pick.h"
#include "client/service_pool_options.h"
#include "discovery/endpoint.h"
#include "discovery/names.h"
#include "discovery/service_snapshot.h"

namespace scoutlight::client {

struct PickedChannel {
  absl::Status status;
  std::shared_ptr<void> stub;  // Never null: if `status` is an error, one whose calls end with it.
  std::optional<Pick> pick;    // nullopt: `status` is an error.
};

// What a ServicePool is, but for the type of its stubs. Thread-safe.
class ChannelPool {
 public:
  using MakeStub = std::shared_ptr<void> (*)(const std::shared_ptr<grpc::Channel>&);

  // `locator` outlives this. Errors come with each Pick().
  ChannelPool(Locator& locator, std::string service, ServicePoolOptions options, MakeStub make_stub);
  ChannelPool(const ChannelPool&) = delete;
  ChannelPool& operator=(const ChannelPool&) = delete;

  PickedChannel Pick(const PickOptions& options);

  int size() const;

 private:
  // One for each registration: an instance that registers anew may be another process.
  struct Kept {
    discovery::InstanceName name;
    Revision epoch = 0;
    discovery::Endpoint endpoint;
    InstanceCalls calls;  // So that its key stays its own.
    std::shared_ptr<void> stub;
    uint64_t used = 0;  // `picks_` of then.
  };

  std::shared_ptr<void> Find(const scoutlight::Pick& pick);
  // The stub of an instance that has none yet.
  absl::StatusOr<std::shared_ptr<void>> Connect(const scoutlight::Pick& pick) const;
  PickedChannel Refuse(absl::Status status) const;
  // Until it has succeeded once, which it does not while the locator follows too many services.
  void Watch();
  // Keeps `stub` for picks to come, and returns it; or the one that another thread was faster with.
  std::shared_ptr<void> Keep(const scoutlight::Pick& pick, std::shared_ptr<void> stub);
  // Keeps channels only of registrations that are there and do not drain.
  void Retire(const ServiceChange& change);

  Locator& locator_;
  const std::string service_;
  const ServicePoolOptions options_;
  const MakeStub make_stub_;
  const absl::Status wrong_;  // With the options.

  mutable Mutex mu_;
  absl::flat_hash_map<const void*, Kept> kept_ ABSL_GUARDED_BY(mu_);  // By InstanceCalls::KeyOf().
  discovery::SnapshotPtr shown_ ABSL_GUARDED_BY(mu_);                 // To Retire(); null: nothing yet.
  uint64_t picks_ ABSL_GUARDED_BY(mu_) = 0;
  bool watched_ ABSL_GUARDED_BY(mu_) = false;
  ChangeWatch watch_;  // Goes first: it waits for Retire(). Set once, by who has set `watched_`.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_POOL_CHANNEL_POOL_H_
