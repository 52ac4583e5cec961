#include "server/lease_service.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/deferred.h"
#include "server/admit.h"
#include "server/identity.h"
#include "server/lease_conversion.h"
#include "server/unary_call.h"

namespace scoutlight::server {
namespace {

namespace wire = registry::v1;

constexpr auto kLeaseAlone = [](const auto&) { return std::vector<KeyRange>{{Key(), Scope::kKey}}; };
constexpr auto kLeaseWithKeys = [](const auto&) { return std::vector<KeyRange>{{Key(), Scope::kSubtree}}; };

template <typename Result>
ShownState StateOf(const Result& result, const storage::Store& store) {
  return {result.revision, 0, store.store_id()};
}

}  // namespace

LeaseService::LeaseService(storage::Store* store, const Admission* admission, std::shared_ptr<StreamPlaces> places)
    : store_(*store), admission_(*admission), keep_alives_(store, admission, std::move(places)) {}

grpc::ServerUnaryReactor* LeaseService::Grant(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                              grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::GrantRequest request;
  auto grant = Admit(
      admission_, identity, "LeaseService/Grant", *bytes, &request,
      [this](const wire::GrantRequest& wanted) { return GrantOf(wanted, store_.traits()); }, kLeaseAlone);
  if (!grant.ok()) return call.Fail(grant.status(), {});
  grant->origin = OriginOf(identity, &request);
  const DeferScope scope;
  store_.GrantLease(*std::move(grant), [this, call](const storage::LeaseResult& result) {
    if (!result.status.ok()) {
      call.Fail(result.status, StateOf(result, store_));
    } else {
      call.Answer(GrantResponseOf(result, store_.store_id()));
    }
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* LeaseService::Revoke(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                               grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::RevokeRequest request;
  auto revoke = Admit(admission_, identity, "LeaseService/Revoke", *bytes, &request, RevokeOf, kLeaseWithKeys);
  if (!revoke.ok()) return call.Fail(revoke.status(), {});
  revoke->origin = OriginOf(identity, &request);
  const DeferScope scope;
  store_.RevokeLease(*std::move(revoke), [this, call](const storage::CommitResult& result) {
    if (!result.status.ok()) {
      call.Fail(result.status, StateOf(result, store_));
    } else {
      call.Answer(RevokeResponseOf(result, store_.store_id()));
    }
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* LeaseService::Renew(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                              grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::RenewRequest request;
  auto ids = Admit(
      admission_, identity, "LeaseService/Renew", *bytes, &request,
      [](const wire::RenewRequest& wanted) { return RenewedIdsOf(wanted.lease_ids()); }, kLeaseAlone);
  if (!ids.ok()) return call.Fail(ids.status(), {});
  const DeferScope scope;
  store_.RenewLeases(*std::move(ids), identity.connection,
                     [this, call](const storage::Renewals& renewals) { call.Answer(RenewResponseOf(renewals, store_.store_id())); });
  return call.reactor();
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* LeaseService::KeepAlive(grpc::CallbackServerContext* context) {
  return keep_alives_.Open(*context);
}

grpc::ServerUnaryReactor* LeaseService::GetLease(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                 grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::GetLeaseRequest request;
  const auto id = Admit(admission_, IdentityOf(*context), "LeaseService/GetLease", *bytes, &request, LeaseIdOf, kLeaseWithKeys);
  if (!id.ok()) return call.Fail(id.status(), {});
  const DeferScope scope;
  store_.GetLease(*id, [this, call, include_keys = request.include_keys()](const storage::LeaseResult& result) {
    if (!result.status.ok()) {
      call.Fail(result.status, StateOf(result, store_));
    } else {
      call.Answer(GetLeaseResponseOf(result, include_keys, store_.store_id()));
    }
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* LeaseService::ListLeases(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                   grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ListLeasesRequest request;
  const auto page = Admit(
      admission_, IdentityOf(*context), "LeaseService/ListLeases", *bytes, &request,
      [this](const wire::ListLeasesRequest& wanted) { return LeasePageOf(wanted, store_.store_id()); }, kLeaseAlone);
  if (!page.ok()) return call.Fail(page.status(), {});
  const DeferScope scope;
  store_.ListLeases(page->after, page->leases_max, [this, call](const storage::LeaseList& list) {
    if (!list.status.ok()) {
      call.Fail(list.status, StateOf(list, store_));
    } else {
      call.Answer(ListLeasesResponseOf(list, store_.store_id()));
    }
  });
  return call.reactor();
}

}  // namespace scoutlight::server
