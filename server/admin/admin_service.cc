#include "server/admin/admin_service.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "server/admin/status_call.h"
#include "server/admin/status_report.h"
#include "server/identity.h"
#include "server/parse_request.h"
#include "server/unary_call.h"

namespace scoutlight::server {
namespace {

// Everything.
absl::Status CheckAllowed(const Admission& admission, const Identity& identity) {
  return admission.asks() ? admission.CheckAllowed(identity, "AdminService/Status", {{Key(), Scope::kSubtree}}) : absl::OkStatus();
}

}  // namespace

AdminService::AdminService(Parts parts) : parts_(std::move(parts)), started_at_(parts_.clock->Now()), started_(parts_.clock->SinceBoot()) {}

grpc::ServerUnaryReactor* AdminService::Status(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                               grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  admin::v1::StatusRequest request;
  if (const absl::Status malformed = ParseRequest(*bytes, &request); !malformed.ok()) return call.Fail(malformed, {});
  if (const absl::Status denied = CheckAllowed(*parts_.admission, IdentityOf(*context)); !denied.ok()) return call.Fail(denied, {});
  StatusFacts facts;
  facts.started_at = started_at_;
  facts.uptime = parts_.clock->SinceBoot() - started_;
  facts.draining = !parts_.admission->CheckOpen().ok();
  facts.store_kind = parts_.store_kind;
  facts.store_id = parts_.store->store_id();
  facts.health = parts_.store->health();
  facts.leases = parts_.store->lease_count();
  facts.streams = parts_.places->taken();
  facts.streams_max = parts_.streams_max;
  facts.watches = parts_.hub->counts();
  facts.discovery = parts_.discovery->figures();
  facts.answer_within = parts_.answer_within;
  std::make_shared<StatusCall>(call, std::move(facts))->Start(parts_.store, parts_.discovery);
  return call.reactor();
}

}  // namespace scoutlight::server
