#include "server/topology/topology_service.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/deferred.h"
#include "server/admit.h"
#include "server/error_mapping.h"
#include "server/identity.h"
#include "server/topology/topology_conversion.h"
#include "server/topology/topology_errors.h"
#include "server/topology/topology_reads.h"
#include "server/topology/topology_watch.h"
#include "server/unary_call.h"
#include "topology/topology_records.h"

namespace scoutlight::server {
namespace {

namespace wire = topology::v1;

// What a topology and its versions lie in.
constexpr auto kRangesOf = [](const auto& wanted) { return std::vector<KeyRange>{{topology::NewestKey(wanted.cluster), Scope::kSubtree}}; };

// What `request` asks to change, if its caller may. It has no request_id any more.
template <typename Request>
absl::StatusOr<TopologyRequest> AdmitChange(const Admission& admission, const grpc::CallbackServerContext& context,
                                            absl::string_view method, const grpc::ByteBuffer& bytes, Request* request) {
  const Identity identity = IdentityOf(context);
  const auto convert = [](const Request& wanted) { return TopologyRequestOf(wanted); };
  absl::StatusOr<TopologyRequest> change = Admit(admission, identity, method, bytes, request, convert, kRangesOf);
  if (!change.ok()) return change;
  change->applied_by = identity.Caller();
  change->origin = OriginOf(identity, request);
  // It is tried with one transaction after the other, so its request is remembered by what it changed.
  change->origin.memory = storage::Memory::kChange;
  return change;
}

// Answers with what came of a change. `fill` adds what Response has of its own.
template <typename Response, typename Fill>
void AnswerChange(const UnaryCall& call, const StoreId& store_id, const TopologyChange& change, Fill fill) {
  if (!change.status.ok()) return void(call.Fail(change.status, {change.revision, change.oldest_revision, store_id}));
  Response response;
  if (change.newest.has_value()) FillVersion(*change.newest, Documents::kLeftOut, response.mutable_topology());
  response.set_replayed(change.replayed);
  FillLinkChanges(change, response.mutable_link_changes());
  response.set_revision(change.revision);
  response.set_store_id(store_id);
  fill(&response);
  call.Answer(response);
}

constexpr auto kFillUnchanged = [](const TopologyChange& change) {
  return [&change](auto* response) { response->set_unchanged(change.unchanged); };
};

}  // namespace

grpc::ServerUnaryReactor* TopologyService::Apply(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                 grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ApplyRequest request;
  auto change = AdmitChange(*parts_.admission, *context, "TopologyService/Apply", *bytes, &request);
  if (!change.ok()) return call.Fail(change.status(), {});
  const DeferScope scope;
  editor_.Apply(*std::move(change), std::move(*request.mutable_document()),
                [call, store_id = parts_.store->store_id()](const TopologyChange& applied) {
                  AnswerChange<wire::ApplyResponse>(call, store_id, applied, kFillUnchanged(applied));
                });
  return call.reactor();
}

grpc::ServerUnaryReactor* TopologyService::Rollback(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                    grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::RollbackRequest request;
  auto change = AdmitChange(*parts_.admission, *context, "TopologyService/Rollback", *bytes, &request);
  if (!change.ok()) return call.Fail(change.status(), {});
  const DeferScope scope;
  editor_.Rollback(*std::move(change), request.version(), [call, store_id = parts_.store->store_id()](const TopologyChange& restored) {
    AnswerChange<wire::RollbackResponse>(call, store_id, restored, kFillUnchanged(restored));
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* TopologyService::Delete(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                  grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::DeleteRequest request;
  auto change = AdmitChange(*parts_.admission, *context, "TopologyService/Delete", *bytes, &request);
  if (!change.ok()) return call.Fail(change.status(), {});
  const DeferScope scope;
  editor_.Delete(*std::move(change), [call, store_id = parts_.store->store_id()](const TopologyChange& deleted) {
    AnswerChange<wire::DeleteResponse>(call, store_id, deleted,
                                       [&deleted](wire::DeleteResponse* response) { response->set_found(!deleted.unchanged); });
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* TopologyService::Get(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                               grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::GetRequest request;
  const auto convert = [](const wire::GetRequest& wanted) { return TopologySpecOf(wanted); };
  const auto spec = Admit(*parts_.admission, IdentityOf(*context), "TopologyService/Get", *bytes, &request, convert, kRangesOf);
  if (!spec.ok()) return call.Fail(spec.status(), {});
  const DeferScope scope;
  auto done = [call, spec = *spec, store_id = parts_.store->store_id()](const Found<std::optional<MadeVersion>>& found) {
    absl::Status status = found.status;
    const bool there = found.value.has_value() && (spec.version != 0 || !found.value->version.record.deleted);
    if (status.ok() && !there) {
      status = spec.version == 0 ? TopologyNotFound(spec.cluster) : TopologyVersionNotFound(spec.cluster, spec.version, 0);
    }
    if (!status.ok()) return void(call.Fail(status, {found.revision, found.oldest_revision, store_id}));
    wire::GetResponse response;
    FillVersion(*found.value, Documents::kShown, response.mutable_topology());
    response.set_revision(found.revision);
    response.set_store_id(store_id);
    call.Answer(response);
  };
  if (spec->version == 0) {
    ReadNewest(parts_.store, spec->cluster, 0, std::move(done));
  } else {
    ReadVersion(parts_.store, spec->cluster, spec->version, std::move(done));
  }
  return call.reactor();
}

grpc::ServerUnaryReactor* TopologyService::ListVersions(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                        grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ListVersionsRequest request;
  const auto convert = [](const wire::ListVersionsRequest& wanted) { return TopologySpecOf(wanted); };
  const auto spec = Admit(*parts_.admission, IdentityOf(*context), "TopologyService/ListVersions", *bytes, &request, convert, kRangesOf);
  if (!spec.ok()) return call.Fail(spec.status(), {});
  const DeferScope scope;
  ReadVersions(parts_.store, spec->cluster, [call, store_id = parts_.store->store_id()](const Found<std::vector<MadeVersion>>& found) {
    if (!found.status.ok()) return void(call.Fail(found.status, {found.revision, found.oldest_revision, store_id}));
    wire::ListVersionsResponse response;
    for (const MadeVersion& made : found.value) FillVersion(made, Documents::kLeftOut, response.add_versions());
    response.set_revision(found.revision);
    response.set_store_id(store_id);
    call.Answer(response);
  });
  return call.reactor();
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* TopologyService::Watch(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) {
  return StartTopologyWatch(*context, *bytes, *parts_.admission, parts_.hub, &frames_);
}

}  // namespace scoutlight::server
