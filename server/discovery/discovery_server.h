#ifndef SCOUTLIGHT_SERVER_DISCOVERY_DISCOVERY_SERVER_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_DISCOVERY_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/limits.h"
#include "discovery/catalog.h"
#include "server/admission.h"
#include "server/discovery/subscriber_hub.h"
#include "server/stream_places.h"
#include "storage/store.h"

namespace grpc {
class Service;
}

namespace scoutlight::server {

class WatchHub;

struct DiscoveryOptions {
  Clock* clock = &Clock::System();                                         // Outlives the server.
  uint64_t seed = 0;                                                       // Of what is drawn: ids of instances, picks.
  std::function<void(absl::string_view)> warn = [](absl::string_view) {};  // Takes a line about trouble for the operator.
  std::shared_ptr<StreamPlaces> places = std::make_shared<StreamPlaces>(limits::kStreamsMax);  // Each watch takes one.
};

// Everything of discovery on one server: the catalog and what keeps it true, the services over it, their watches. Thread-safe, but Start(),
// Stop() and the destructor come from one thread.
class DiscoveryServer {
 public:
  // Both outlive it and every call.
  DiscoveryServer(storage::Store* store, const Admission* admission, DiscoveryOptions options);
  // Every call is over.
  ~DiscoveryServer();

  // To register with gRPC.
  std::vector<grpc::Service*> services() const;
  static std::vector<std::string> ServiceNames();

  // What must be shown the store's changes. The store may hold and call it for longer than this lives, without effect.
  std::shared_ptr<storage::Sink> sink() const;

  // Once, before the sink is shown anything.
  void Start();
  // Once, after Start(): over a store that others share, other servers are told of this one, which is at `address`, and drains wait for the
  // subscribers of all. Until then subscribers are shown nothing over such a store. `hub` outlives Stop().
  void Join(WatchHub* hub, std::string address);
  // Whether the instances are known, so that calls are answered. Once so, always.
  bool ready() const;
  // What there is, for who looks after the server; each figure as of some moment lately.
  struct Figures {
    bool ready = false;     // As ready().
    bool loading = false;   // The instances are being read, for the first time or anew.
    Revision revision = 0;  // Of the catalog.
    // nullopt: not ready, or too much else waits to be done, or not looked at.
    std::optional<discovery::Catalog::Totals> totals;
    int watches = 0;
    int sessions = 0;
    SubscriberHub::Counts subscribers;
    size_t resolver_states = 0;
    std::string problem;  // Over a store that others share: as Fleet::problem().
  };
  // Without totals.
  Figures figures() const;
  // Calls `done` with all of them: inside the call, or on a catalog reader if there are over limits::kInlineEntriesMax services, or
  // instances to read anew, of which up to limits::kPageEntriesMax are read. Not after the destructor has begun.
  void Look(absl::AnyInvocable<void(Figures) &&> done) const;

  // Ends the watches, those that come later too. Does not block.
  void Drain(absl::Status reason);
  // Whoever waits for a revision waits in vain. What is committed still comes into the catalog, so that calls in progress are answered.
  void EndWaits();
  // The catalog stays as it is. Idempotent.
  void Stop();

 private:
  struct Parts;

  const std::unique_ptr<Parts> parts_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_DISCOVERY_SERVER_H_
