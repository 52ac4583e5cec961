#ifndef SCOUTLIGHT_CLIENT_LEASE_LEASE_RENEWALS_H_
#define SCOUTLIGHT_CLIENT_LEASE_LEASE_RENEWALS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "client/events/alarm.h"
#include "client/events/backoff.h"
#include "client/events/event_loop.h"
#include "client/events/stream.h"
#include "scoutlight/registry/v1/lease.pb.h"

namespace scoutlight::client {

// Keeps the leases of one connection alive, all on one KeepAlive stream, which is opened anew whenever it ends: each is renewed at a third
// of its ttl, those that are due at about the same time in one message. Used on the loop; may be destroyed where it has stopped.
class LeaseRenewals {
 public:
  // What is known of a lease changes: OK, it was renewed; kNotFound, it is gone, and not renewed any more; else why it cannot be renewed
  // for now, which is tried again. Called on the loop; may add and remove leases.
  using OnChange = std::function<void(const absl::Status&)>;
  using Handle = int64_t;

  struct Options {
    EventLoop* loop;  // Outlives it, as all of these do.
    OpenStream<registry::v1::KeepAliveRequest, registry::v1::KeepAliveResponse> open;
    std::function<double()> unit_random;
    std::function<void(Revision, const StoreId&)> saw = [](Revision, const StoreId&) {};
  };

  // While so many messages wait for the network, no lease is asked for; looked at again each kUnsentPause.
  static constexpr int kUnsentMax = 100;
  static constexpr absl::Duration kUnsentPause = absl::Milliseconds(5);

  explicit LeaseRenewals(Options options);

  // Renews `lease` from now on. `ttl` is positive.
  Handle Add(LeaseId lease, absl::Duration ttl, OnChange on_change);
  // Nothing is told of it any more. An unknown one: nothing.
  void Remove(Handle handle);

 private:
  struct Renewed {
    LeaseId lease;
    absl::Duration ttl;
    OnChange on_change;
    absl::Duration due_at;  // When it is to be renewed next; asked for, its answer has to be there.
    bool is_asked = false;  // The answer is to come.
  };

  void Open();
  void Ask();
  void OnAnswer(registry::v1::KeepAliveResponse answer);
  void OnResult(Handle handle, const registry::v1::RenewResult& result);
  void OnEnd(const absl::Status& status);
  void SetAnswerDue();
  void OnAnswerDue();
  // When the server is to be given up if no answer comes: each lease has its answer an interval after it was asked for, or could have been.
  absl::Duration AnswerDue() const;
  void SetNext();
  void CloseIfEmpty();

  const Options options_;
  Backoff backoff_;
  Alarm next_;    // The next to be renewed.
  Alarm answer_;  // Set while there is a stream: not after AnswerDue().
  Alarm reopening_;
  std::unique_ptr<Stream<registry::v1::KeepAliveRequest, registry::v1::KeepAliveResponse>> stream_;
  absl::Duration opened_at_;
  Handle last_ = 0;
  std::map<Handle, Renewed> leases_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LEASE_LEASE_RENEWALS_H_
