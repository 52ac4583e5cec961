#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SESSION_FOLLOWS_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SESSION_FOLLOWS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "discovery/names.h"
#include "discovery/service_snapshot.h"
#include "server/discovery/catalog_feed.h"

namespace scoutlight::server {

class LiveSession;

// Which sessions follow which instances, and which of these have changed: of a service that has, what differs from the snapshot that was
// looked at last, so that a change costs what has changed. Not thread-safe.
class SessionFollows {
 public:
  // `feed` outlives this.
  explicit SessionFollows(const CatalogFeed* feed) : feed_(*feed) {}

  // Each session once for each instance.
  void Follow(LiveSession* session, const discovery::InstanceName& name);
  void Unfollow(LiveSession* session, const discovery::InstanceName& name);

  // It is there: that it is not any more is a change, also if it has come since its service was looked at last. Followed.
  void Expect(const discovery::InstanceName& name);

  using Changes = std::vector<std::pair<LiveSession*, discovery::InstanceName>>;
  // What may have changed since it was followed or looked at last.
  Changes Look(const absl::flat_hash_set<discovery::ServiceName>& services);
  Changes LookAtAll();

 private:
  struct Service {
    discovery::SnapshotPtr seen;
    absl::flat_hash_set<std::string> expected;                             // Ids that are there, though `seen` may not show them.
    absl::flat_hash_map<std::string, std::vector<LiveSession*>> sessions;  // By the instance's id; mostly one.
  };

  discovery::SnapshotPtr SnapshotOf(const discovery::ServiceName& service) const;
  void LookAt(const discovery::ServiceName& name, Service* service, Changes* changes) const;

  const CatalogFeed& feed_;
  absl::flat_hash_map<discovery::ServiceName, Service> services_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SESSION_FOLLOWS_H_
