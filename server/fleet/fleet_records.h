#ifndef SCOUTLIGHT_SERVER_FLEET_FLEET_RECORDS_H_
#define SCOUTLIGHT_SERVER_FLEET_FLEET_RECORDS_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/key.h"
#include "base/limits.h"
#include "discovery/names.h"
#include "server/discovery/drain_waits.h"

// What servers that share a store keep there for each other, and where. Records are JSON texts, so that people can read them.
//
//   /.scoutlight/servers/{server}          ServerRecord, on a lease that the server alone renews
//   /.scoutlight/drains/{drain}            DrainRecord, on the lease of the server that was called (the coordinator)
//   /.scoutlight/drains/{drain}/{server}   DrainStanding: how the drain stands on another server; on the coordinator's lease too
//
// Ids are drawn, 16 hexadecimal digits; a server whose record was lost comes back under another one. Members that are not known are left
// alone. All functions are thread-safe.
namespace scoutlight::server {

struct ServerRecord {
  std::string address;  // Where it listens, as it was told.
  absl::Time started_at;

  friend bool operator==(const ServerRecord&, const ServerRecord&) = default;
};

struct DrainRecord {
  discovery::InstanceName name;
  Revision revision = 0;
  absl::Duration timeout;  // What was left of it.
  absl::Duration linger;

  friend bool operator==(const DrainRecord&, const DrainRecord&) = default;
};

// Of a DrainStanding: laggards that do not fit are counted as omitted.
inline constexpr size_t kStandingBytesMax = 64 * limits::kKiB;

std::string EncodeServerRecord(const ServerRecord& record);
std::string EncodeDrainRecord(const DrainRecord& record);
std::string EncodeStanding(const DrainStanding& standing);
// kInvalidArgument with what is wrong.
absl::StatusOr<ServerRecord> ParseServerRecord(absl::string_view text);
absl::StatusOr<DrainRecord> ParseDrainRecord(absl::string_view text);
absl::StatusOr<DrainStanding> ParseStanding(absl::string_view text);

// Ids are segments of a key.
Key ServersTree();
Key DrainsTree();
Key ServerKey(absl::string_view server);
Key DrainKey(absl::string_view drain);
Key StandingKey(absl::string_view drain, absl::string_view server);

// Which of these a key is.
struct FleetKey {
  enum class Kind { kServer, kDrain, kStanding };

  Kind kind = Kind::kServer;
  std::string drain;   // Of all but kServer.
  std::string server;  // Of all but kDrain.
};
// nullopt: none.
std::optional<FleetKey> ReadFleetKey(absl::string_view path);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_FLEET_FLEET_RECORDS_H_
