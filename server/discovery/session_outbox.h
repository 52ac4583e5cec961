#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SESSION_OUTBOX_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SESSION_OUTBOX_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/container/btree_map.h"
#include "base/entry.h"
#include "discovery/names.h"
#include "scoutlight/discovery/v1/registration.pb.h"
#include "server/discovery/session_host.h"

namespace scoutlight::server {

// What a session has to tell its client and has not written yet: of each instance the newest state alone, so that a slow client costs no
// more than its instances. Not thread-safe.
class SessionOutbox {
 public:
  explicit SessionOutbox(StoreId store_id) : store_id_(std::move(store_id)) {}

  void AddOpened(LeaseId lease_id, absl::Duration ttl, bool resumed, Revision revision);
  // At most one at a time: see alive().
  void AddAlive(LeaseId lease_id, Revision revision);
  void AddInstance(SessionInstance instance);
  void AddLeft(int fenced, Revision revision);

  // The next SessionResponse, of about 1 MiB at most; nullopt: there is nothing to tell.
  std::optional<std::string> Next();

  bool empty() const { return !opened_.has_value() && !alive_.has_value() && !left_.has_value() && instances_.empty(); }
  bool alive() const { return alive_.has_value(); }
  size_t instances() const { return instances_.size(); }

 private:
  discovery::v1::SessionResponse Empty(Revision revision) const;
  std::string NextInstances();

  const StoreId store_id_;
  std::optional<discovery::v1::SessionResponse> opened_;
  std::optional<discovery::v1::SessionResponse> alive_;
  std::optional<discovery::v1::SessionResponse> left_;  // After all else.
  absl::btree_map<discovery::InstanceName, SessionInstance> instances_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SESSION_OUTBOX_H_
