#include "client/gates/instance_record.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "client/gates/gate_endpoints.h"
#include "discovery/endpoint.h"

namespace scoutlight::client {

absl::Status InstanceRecord::Register() {
  if (session_ == nullptr) return absl::OkStatus();
  Registration registration = base_;
  for (const auto& [queue, url] : urls_) {
    registration.properties.insert_or_assign(absl::StrCat(discovery::kEndpointPrefix, GateEndpointName(queue)), url);
  }
  absl::StatusOr<discovery::InstanceName> name = session_->Register(std::move(registration));
  if (!name.ok()) return name.status();
  name_ = *std::move(name);
  return absl::OkStatus();
}

absl::Status InstanceRecord::SetGate(const std::string& queue, const std::string& url) {
  const auto known = urls_.find(queue);
  if (known == urls_.end() ? url.empty() : known->second == url) return absl::OkStatus();
  const absl::btree_map<std::string, std::string> before = urls_;
  if (url.empty()) {
    urls_.erase(known);
  } else {
    urls_.insert_or_assign(queue, url);
  }
  absl::Status registered = Register();
  // Asked again, it is to be tried again.
  if (!registered.ok()) urls_ = before;
  return registered;
}

absl::Status InstanceRecord::Publish(discovery::SoftValues soft, const absl::btree_map<std::string, GateCounters>& counters) {
  if (!name_.has_value()) return absl::OkStatus();
  for (const auto& [queue, gate] : counters) {
    const std::pair<absl::string_view, int64_t> published[] = {
        {"sent", gate.sent}, {"received", gate.received}, {"waiting", gate.waiting}, {"unconfirmed", gate.unconfirmed}};
    if (soft.counters.size() + std::size(published) > limits::kSoftCountersMax) break;
    for (const auto& [name, value] : published) {
      soft.counters.insert_or_assign(absl::StrCat(GateEndpointName(queue), ".", name), value);
    }
  }
  return session_->SetSoftValues(*name_, std::move(soft));
}

}  // namespace scoutlight::client
