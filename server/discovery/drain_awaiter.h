#ifndef SCOUTLIGHT_SERVER_DISCOVERY_DRAIN_AWAITER_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_DRAIN_AWAITER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "server/discovery/drain_waits.h"

namespace scoutlight::server {

// Who waits until a drain's subscribers have confirmed: those of this server (SubscriberHub), or over a store that others share those of
// all (Fleet). Thread-safe; nothing blocks.
class DrainAwaiter {
 public:
  virtual ~DrainAwaiter() = default;

  // A place for a drain, to be given back, and its number. kResourceExhausted, OVERLOADED: limits::kDrainsMax wait.
  virtual absl::StatusOr<uint64_t> TakeDrainPlace() = 0;
  virtual void GiveBackDrainPlace() = 0;
  // Waits for those who were shown an instance at work before `wait.revision`, which the catalog must have. `done` is called once, on a
  // thread that must not wait, unless this ends before. kUnavailable: the server stops. kCancelled: EndWait() was called.
  virtual void AwaitConfirmed(uint64_t number, DrainWait wait, DrainWaits::Done done) = 0;
  virtual void EndWait(uint64_t number) = 0;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_DRAIN_AWAITER_H_
