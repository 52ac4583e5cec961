#ifndef SCOUTLIGHT_CLIENT_LEASE_KEEPER_H_
#define SCOUTLIGHT_CLIENT_LEASE_KEEPER_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "client/connection.h"

namespace scoutlight {

// Keeps one lease alive, and with it the entries that go with it, over interruptions and restarts of the server, by a renewal each third of
// its ttl. Those of one connection share a stream. Whether the lease is lost only the server knows: out of its reach nothing is told but
// by state(). Thread-safe, but the destructor comes alone.
class LeaseKeeper {
 public:
  // Called once, on the connection's thread for callbacks, when the lease will not be renewed any more: kNotFound, it ended, was revoked,
  // or the store is another one by now; kInvalidArgument, the constructor's arguments. May destroy the LeaseKeeper.
  using OnLost = std::function<void(const absl::Status&)>;

  // `lease_id` is positive, `ttl` as granted, 1 s to 24 h. Does not block.
  LeaseKeeper(Connection connection, LeaseId lease_id, absl::Duration ttl, OnLost on_lost = {});
  // Renews it no more: it ends within its ttl, unless it is revoked or kept by somebody else. No callback runs when it returns, but the one
  // that calls it. Does not wait for the server.
  ~LeaseKeeper();
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;

  // OK: the last renewal was kept. Once lost: as OnLost. Else why it could not be renewed, whatever the code; that is tried again.
  absl::Status state() const;
  // Since the last answer that said that the lease was renewed; infinite: none did. Beyond the ttl it may be gone.
  absl::Duration since_renewed() const;

 private:
  struct Core;

  const std::unique_ptr<Core> core_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_LEASE_KEEPER_H_
