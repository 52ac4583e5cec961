#ifndef SCOUTLIGHT_CLIENT_GATES_INSTANCE_RECORD_H_
#define SCOUTLIGHT_CLIENT_GATES_INSTANCE_RECORD_H_

#include <optional>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "client/gate_counters.h"
#include "client/registration.h"
#include "client/session.h"
#include "discovery/instance.h"
#include "discovery/names.h"

namespace scoutlight::client {

// A machine's instance in the registry: what it is registered with, the gates that it binds, its soft values. Not thread-safe.
class InstanceRecord {
 public:
  // `session` outlives it; null: nothing is registered.
  InstanceRecord(Session* session, Registration base) : session_(session), base_(std::move(base)) {}

  // Registers it as it is.
  absl::Status Register();
  // Where gate `queue` can be dialled from now on; empty: nowhere. Registers what changes. On error nothing has changed.
  absl::Status SetGate(const std::string& queue, const std::string& url);
  // Publishes counters of gates, by queue, besides `soft`: of the first by name whose fit within limits::kSoftCountersMax.
  absl::Status Publish(discovery::SoftValues soft, const absl::btree_map<std::string, GateCounters>& counters);

 private:
  Session* const session_;
  const Registration base_;
  absl::btree_map<std::string, std::string> urls_;  // By queue.
  std::optional<discovery::InstanceName> name_;     // nullopt: it has not been registered.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_INSTANCE_RECORD_H_
