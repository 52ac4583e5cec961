#ifndef SCOUTLIGHT_SERVER_ADMIN_STATUS_REPORT_H_
#define SCOUTLIGHT_SERVER_ADMIN_STATUS_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/entry.h"
#include "scoutlight/admin/v1/admin.pb.h"
#include "server/discovery/discovery_server.h"
#include "server/watch/watch_hub.h"
#include "storage/store.h"

namespace scoutlight::server {

// What AdminService/Status has found out.
struct StatusFacts {
  absl::Time started_at;
  absl::Duration uptime;
  bool draining = false;

  std::string store_kind;
  StoreId store_id;
  storage::StoreHealth health;
  Revision revision = 0;
  Revision oldest_revision = 0;
  std::optional<int64_t> leases;
  storage::BackendFacts backend;
  absl::Duration behind;  // As Store::behind().

  int streams = 0;
  int streams_max = 0;
  WatchHub::Counts watches;
  DiscoveryServer::Figures discovery;

  // Who has not answered by then: what only it could tell is not known.
  absl::Duration answer_within;
  bool store_late = false;
  bool discovery_late = false;
};

admin::v1::StatusResponse StatusResponseOf(const StatusFacts& facts);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_ADMIN_STATUS_REPORT_H_
