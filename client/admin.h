#ifndef SCOUTLIGHT_CLIENT_ADMIN_H_
#define SCOUTLIGHT_CLIENT_ADMIN_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/backup_check.h"
#include "client/connection.h"
#include "client/connection_options.h"
#include "client/store_state.h"
#include "discovery/names.h"

namespace scoutlight {

// Whether a server serves; what each means stands in admin.proto.
enum class ServingState { kServing, kReadOnly, kUnavailable, kDraining, kUnknown };

// "SERVING", "READ_ONLY", ...
absl::string_view ServingStateText(ServingState state);

// How a server does, each figure as of some moment during the call: what they count stands in admin.proto.
struct ServerStatus {
  struct Store {
    std::string kind;              // "rocksdb", "memory" or "etcd"; empty: not known.
    Revision oldest_revision = 0;  // 0: not known.
    std::optional<int> leases;     // nullopt: the store cannot count them.
    int leases_max = 0;
    std::vector<std::string> members;  // Of etcd, as the server was given them, ...
    std::string member;                // ... and the one that it speaks with.
    absl::Duration behind;             // For how long what the server shows may have lacked something; zero: it has what there is.
  };
  struct Streams {
    int open = 0;
    int open_max = 0;
    int watch_streams = 0;
    int watches = 0;
    int watches_behind = 0;
    int instance_watches = 0;
    int sessions = 0;
  };
  struct Totals {
    int clusters = 0;
    int services = 0;
    int instances = 0;
    int resolvable = 0;
    int held = 0;
  };
  struct Guarded {
    discovery::ServiceName name;
    int held = 0;
    absl::Time held_until = absl::InfinitePast();
  };
  struct Discovery {
    bool ready = false;
    bool loading = false;
    Revision revision = 0;
    std::optional<Totals> totals;  // nullopt: not known in time.
    std::vector<Guarded> guarded;
    int guarded_omitted = 0;
    int subscribers = 0;
    int subscribers_gone = 0;
    int subscriptions = 0;
    int drains = 0;
    int resolver_states = 0;
  };

  std::string version;
  absl::Time started_at = absl::InfinitePast();
  absl::Duration uptime;
  ServingState serving = ServingState::kUnknown;
  std::vector<std::string> problems;  // For people; empty: all is well.
  Store store;
  Streams streams;
  Discovery discovery;
  std::map<std::string, int64_t> limits;
  StoreState state;  // Revision 0: not known.
};

// For operators and their tools. Calls block, are repeated where nothing else is said, and fail, as those of Registry. Copies are the same.
// Thread-safe.
class Admin {
 public:
  explicit Admin(Connection connection);

  // Of the server that answers. kPermissionDenied.
  absl::StatusOr<ServerStatus> Status(Timeout timeout = std::nullopt) const;

  // One state of the whole store, for `scoutlightd --restore`: `sink` gets its bytes in order, at most 3 MiB at a time, and the server goes
  // on as it returns; its error ends the call. Of the bytes only a few pieces are in memory. They are checked as they pass
  // (client/backup_check.h), and complete only if this is OK. Found is a server that answers within `timeout`, which is also how long it
  // may then take for the next piece; the whole takes as long as it takes, and is not repeated. kDataLoss: the bytes are damaged.
  // kResourceExhausted: the server takes as many backups as it may already. kOutOfRange with Reason::kCompacted: it took so long that the
  // server has given the state up. kPermissionDenied.
  absl::StatusOr<BackupSummary> Backup(absl::FunctionRef<absl::Status(absl::string_view)> sink, Timeout timeout = std::nullopt) const;

 private:
  std::shared_ptr<client::Wire> wire_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_ADMIN_H_
