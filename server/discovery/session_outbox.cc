#include "server/discovery/session_outbox.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "server/discovery/registration_conversion.h"
#include "server/request_fields.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;

constexpr size_t kFrameBytes = 1 * limits::kMiB;

void FillState(const SessionInstance& instance, wire::SessionResponse::InstanceState* out) {
  out->mutable_name()->set_cluster(instance.name.cluster);
  out->mutable_name()->set_service(instance.name.service);
  out->mutable_name()->set_id(instance.name.id);
  out->set_state(static_cast<wire::SessionResponse::InstanceState::State>(instance.state));
  out->set_epoch(instance.epoch);
  out->set_declaration(instance.declaration);
  if (instance.status.ok()) return;
  wire::RegisterAllResponse::Result error;
  FillError(instance.status, &error);
  out->set_code(error.code());
  out->set_message(std::move(*error.mutable_message()));
  out->set_reason(std::move(*error.mutable_reason()));
  out->mutable_violations()->swap(*error.mutable_violations());
}

}  // namespace

wire::SessionResponse SessionOutbox::Empty(Revision revision) const {
  wire::SessionResponse response;
  response.set_revision(revision);
  response.set_store_id(store_id_);
  return response;
}

void SessionOutbox::AddOpened(LeaseId lease_id, absl::Duration ttl, bool resumed, Revision revision) {
  opened_ = Empty(revision);
  wire::SessionResponse::Opened& opened = *opened_->mutable_opened();
  opened.set_lease_id(lease_id);
  FillDuration(ttl, opened.mutable_ttl());
  opened.set_resumed(resumed);
}

void SessionOutbox::AddAlive(LeaseId lease_id, Revision revision) {
  alive_ = Empty(revision);
  alive_->mutable_alive()->set_lease_id(lease_id);
}

void SessionOutbox::AddInstance(SessionInstance instance) {
  SessionInstance& kept = instances_[instance.name];
  kept = std::move(instance);
}

void SessionOutbox::AddLeft(int fenced, Revision revision) {
  left_ = Empty(revision);
  left_->mutable_left()->set_fenced(fenced);
}

std::optional<std::string> SessionOutbox::Next() {
  if (opened_.has_value()) return std::exchange(opened_, std::nullopt)->SerializeAsString();
  if (alive_.has_value()) return std::exchange(alive_, std::nullopt)->SerializeAsString();
  if (!instances_.empty()) return NextInstances();
  if (left_.has_value()) return std::exchange(left_, std::nullopt)->SerializeAsString();
  return std::nullopt;
}

std::string SessionOutbox::NextInstances() {
  wire::SessionResponse response = Empty(0);
  size_t bytes = 0;
  Revision revision = 0;
  while (!instances_.empty() && bytes < kFrameBytes) {
    const auto first = instances_.begin();
    wire::SessionResponse::InstanceState& state = *response.mutable_instances()->add_states();
    FillState(first->second, &state);
    bytes += state.ByteSizeLong();
    revision = std::max(revision, first->second.revision);
    instances_.erase(first);
  }
  response.set_revision(revision);
  return response.SerializeAsString();
}

}  // namespace scoutlight::server
