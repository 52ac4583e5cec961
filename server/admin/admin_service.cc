#include "server/admin/admin_service.h"

#include <utility>

#include "absl/status/status.h"
#include "base/deferred.h"
#include "base/limits.h"
#include "server/admin/status_report.h"
#include "server/identity.h"
#include "server/parse_request.h"
#include "server/unary_call.h"

namespace scoutlight::server {
namespace {

// More leases are not counted: it takes a look at each of them, under their lock.
constexpr int kLeasesCountedMax = limits::kPageEntriesMax;

// Everything.
absl::Status CheckAllowed(const Admission& admission, const Identity& identity) {
  return admission.asks() ? admission.CheckAllowed(identity, "AdminService/Status", {{Key(), Scope::kSubtree}}) : absl::OkStatus();
}

// What a Status has found out so far, on its way from one that is asked to the next.
using FactsPtr = std::unique_ptr<StatusFacts>;

void LookAtDiscovery(const UnaryCall& call, const AdminService::Parts& parts, FactsPtr facts) {
  parts.discovery->Look([call, facts = std::move(facts)](DiscoveryServer::Figures figures) {
    facts->discovery = std::move(figures);
    call.Answer(StatusResponseOf(*facts));
  });
}

void CountLeases(const UnaryCall& call, const AdminService::Parts& parts, FactsPtr facts) {
  parts.store->ListLeases(0, kLeasesCountedMax, [call, &parts, facts = std::move(facts)](const storage::LeaseList& list) mutable {
    if (list.status.ok()) facts->leases = {.counted = static_cast<int>(list.leases.size()), .more = list.more};
    LookAtDiscovery(call, parts, std::move(facts));
  });
}

void LookAtStore(const UnaryCall& call, const AdminService::Parts& parts, FactsPtr facts) {
  storage::Query root;
  root.bytes_max = 1;
  parts.store->Read(std::move(root), [call, &parts, facts = std::move(facts)](const storage::Page& page) mutable {
    facts->revision = page.revision;
    facts->oldest_revision = page.oldest_revision;
    CountLeases(call, parts, std::move(facts));
  });
}

}  // namespace

AdminService::AdminService(Parts parts) : parts_(std::move(parts)), started_at_(parts_.clock->Now()), started_(parts_.clock->SinceBoot()) {}

grpc::ServerUnaryReactor* AdminService::Status(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                               grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  admin::v1::StatusRequest request;
  if (const absl::Status malformed = ParseRequest(*bytes, &request); !malformed.ok()) return call.Fail(malformed, {});
  if (const absl::Status denied = CheckAllowed(*parts_.admission, IdentityOf(*context)); !denied.ok()) return call.Fail(denied, {});
  auto facts = std::make_unique<StatusFacts>();
  facts->started_at = started_at_;
  facts->uptime = parts_.clock->SinceBoot() - started_;
  facts->draining = !parts_.admission->CheckOpen().ok();
  facts->store_kind = parts_.store_kind;
  facts->store_id = parts_.store->store_id();
  facts->health = parts_.store->health();
  facts->streams = parts_.places->taken();
  facts->streams_max = parts_.streams_max;
  facts->watches = parts_.hub->counts();
  const DeferScope scope;
  LookAtStore(call, parts_, std::move(facts));
  return call.reactor();
}

}  // namespace scoutlight::server
