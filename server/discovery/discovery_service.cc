#include "server/discovery/discovery_service.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/limits.h"
#include "discovery/catalog.h"
#include "discovery/system_records.h"
#include "server/admit.h"
#include "server/discovery/discovery_conversion.h"
#include "server/discovery/instance_conversion.h"
#include "server/discovery/run_on_reader.h"
#include "server/discovery/subscribe_calls.h"
#include "server/error_mapping.h"
#include "server/hub_call.h"
#include "server/request_fields.h"
#include "server/unary_call.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;

constexpr auto kAllInstances = [](const auto&) { return std::vector<KeyRange>{{discovery::InstanceRecordsTree(), Scope::kSubtree}}; };
constexpr auto kRangeOfService = [](const auto& spec) { return std::vector<KeyRange>{RangeOf(spec.service)}; };

template <typename Message>
void Send(const UnaryCall& call, const Message& message) {
  call.Answer(message);
}
void Send(const UnaryCall& call, const ResolveAnswer& answer) { call.AnswerBytes(answer.Encode()); }

// A Resolve, and who asks.
struct ResolveCallSpec : ResolveSpec {
  Identity identity;
};

// Remembers who asks, if that counts. Before the read: a drain that does not count this caller yet has shown the instance as draining by
// then.
template <typename Spec>
void NoteCaller(const DiscoveryService::Parts& /*parts*/, const Spec& /*spec*/, discovery::Catalog* /*catalog*/) {}
void NoteCaller(const DiscoveryService::Parts& parts, const ResolveCallSpec& spec, discovery::Catalog* catalog) {
  if (parts.recent_resolvers == nullptr) return;
  const discovery::ServiceName& service = spec.pick.service;
  parts.recent_resolvers->Note(service, spec.identity, [&] {
    const auto found = catalog->FindIfRead(service.cluster, service.service, limits::kInlineEntriesMax);
    return !found.has_value() || *found != nullptr;
  });
}

void SetBehind(absl::Duration behind, ResolveAnswer* answer) { answer->set_behind(behind); }
template <typename Response>
void SetBehind(absl::Duration behind, Response* response) {
  FillDuration(behind, response->mutable_behind());
}

// Answers `call` with what is found in the catalog, if `effort` is enough for that.
template <typename Response, typename Spec>
bool TryAnswer(const UnaryCall& call, const DiscoveryService::Parts& parts, const Spec& spec, Effort effort) {
  const std::shared_ptr<discovery::Catalog> catalog = parts.feed->catalog();
  const StoreId store_id = parts.store->store_id();
  // Before it is read: a lower bound of what is shown.
  const Revision revision = catalog->revision();
  const absl::Duration behind = parts.store->behind();
  Response response;
  NoteCaller(parts, spec, catalog.get());
  const CatalogReader::Result result = parts.reader->Read(spec, effort, catalog.get(), &response);
  if (!result.has_value()) return false;
  if (!result->ok()) {
    call.Fail(*result, {revision, 0, store_id});
    return true;
  }
  response.set_revision(revision);
  response.set_store_id(store_id);
  if (behind > absl::ZeroDuration()) SetBehind(behind, &response);
  Send(call, response);
  return true;
}

// Whether it may be tried with little effort. What a list's regular expressions cost is known only from the texts that they look at.
template <typename Spec>
bool MayBeShort(const Spec& /*spec*/) {
  return true;
}
bool MayBeShort(const InstancesSpec& spec) { return spec.filter.regexes() == 0; }

// Answers `call` from the catalog once that has come to the revision asked for: at once if it is little work, else on a reader.
template <typename Response, typename Spec>
void AnswerFromCatalog(const UnaryCall& call, const DiscoveryService::Parts& parts, Spec spec) {
  const Revision min_revision = spec.min_revision;
  parts.feed->WhenAt(min_revision, [call, &parts, spec = std::move(spec)](const absl::Status& status) mutable {
    if (!status.ok()) {
      call.Fail(status, {0, 0, parts.store->store_id()});
      return;
    }
    if (MayBeShort(spec) && TryAnswer<Response>(call, parts, spec, Effort::kShort)) return;
    const absl::Status refused =
        RunOnReader(parts.readers, [call, &parts, spec = std::move(spec)] { TryAnswer<Response>(call, parts, spec, Effort::kAny); });
    if (!refused.ok()) call.Fail(refused, {0, 0, parts.store->store_id()});
  });
}

class InstanceWatchCall final : public HubCall<grpc::ServerWriteReactor<grpc::ByteBuffer>, InstanceStream, InstanceHub> {
 public:
  using HubCall::HubCall;

  void Write(std::shared_ptr<const std::string> frame) override { StartFrame(std::move(frame)); }
  void Finish(const absl::Status& status) override { grpc::ServerWriteReactor<grpc::ByteBuffer>::Finish(ToGrpcStatus(status, {})); }
};

}  // namespace

grpc::ServerUnaryReactor* DiscoveryService::ListClusters(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                         grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ListClustersRequest request;
  auto spec = Admit(
      *parts_.admission, IdentityOf(*context), "DiscoveryService/ListClusters", *bytes, &request,
      [this](const wire::ListClustersRequest& wanted) { return NamesSpecOf(wanted, parts_.store->store_id()); }, kAllInstances);
  if (!spec.ok()) return call.Fail(spec.status(), {});
  AnswerFromCatalog<wire::ListClustersResponse>(call, parts_, *std::move(spec));
  return call.reactor();
}

grpc::ServerUnaryReactor* DiscoveryService::ListServices(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                         grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ListServicesRequest request;
  auto spec = Admit(
      *parts_.admission, IdentityOf(*context), "DiscoveryService/ListServices", *bytes, &request,
      [this](const wire::ListServicesRequest& wanted) { return NamesSpecOf(wanted, parts_.store->store_id()); },
      [](const NamesSpec& wanted) {
        const Key cluster = RangeOf(discovery::ServiceName{wanted.cluster, "-"}).key.Parent();
        return std::vector<KeyRange>{{cluster, Scope::kSubtree}};
      });
  if (!spec.ok()) return call.Fail(spec.status(), {});
  AnswerFromCatalog<wire::ListServicesResponse>(call, parts_, *std::move(spec));
  return call.reactor();
}

grpc::ServerUnaryReactor* DiscoveryService::ListInstances(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                          grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ListInstancesRequest request;
  auto spec = Admit(
      *parts_.admission, IdentityOf(*context), "DiscoveryService/ListInstances", *bytes, &request,
      [this](const wire::ListInstancesRequest& wanted) { return InstancesSpecOf(wanted, parts_.store->store_id()); }, kRangeOfService);
  if (!spec.ok()) return call.Fail(spec.status(), {});
  AnswerFromCatalog<wire::ListInstancesResponse>(call, parts_, *std::move(spec));
  return call.reactor();
}

grpc::ServerUnaryReactor* DiscoveryService::GetInstance(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                        grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::GetInstanceRequest request;
  auto spec = Admit(*parts_.admission, IdentityOf(*context), "DiscoveryService/GetInstance", *bytes, &request, InstanceSpecOf,
                    [](const InstanceSpec& wanted) { return std::vector<KeyRange>{RangeOf(wanted.name)}; });
  if (!spec.ok()) return call.Fail(spec.status(), {});
  AnswerFromCatalog<wire::GetInstanceResponse>(call, parts_, *std::move(spec));
  return call.reactor();
}

grpc::ServerUnaryReactor* DiscoveryService::Resolve(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                    grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  Identity identity = IdentityOf(*context);
  wire::ResolveRequest request;
  auto spec = Admit(
      *parts_.admission, identity, "DiscoveryService/Resolve", *bytes, &request,
      [&identity](const wire::ResolveRequest& wanted) { return ResolveSpecOf(wanted, identity); },
      [](const ResolveSpec& wanted) { return std::vector<KeyRange>{RangeOf(wanted.pick.service)}; });
  if (!spec.ok()) return call.Fail(spec.status(), {});
  AnswerFromCatalog<ResolveAnswer>(call, parts_, ResolveCallSpec{*std::move(spec), std::move(identity)});
  return call.reactor();
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* DiscoveryService::Watch(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) {
  const auto call = std::make_shared<InstanceWatchCall>(parts_.hub);
  call->HoldFor(call);
  wire::WatchRequest request;
  auto spec =
      Admit(*parts_.admission, IdentityOf(*context), "DiscoveryService/Watch", *bytes, &request, InstanceWatchSpecOf, kRangeOfService);
  if (!spec.ok()) {
    call->Fail(ToGrpcStatus(spec.status(), {}));
    return call.get();
  }
  if (absl::Status refused = parts_.hub->Open(call, *std::move(spec)); !refused.ok()) call->Fail(ToGrpcStatus(refused, {}));
  return call.get();
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* DiscoveryService::Subscribe(grpc::CallbackServerContext* context) {
  return StartSubscribe(*context, {.admission = parts_.admission, .readers = parts_.readers, .hub = parts_.subscribers});
}

grpc::ServerUnaryReactor* DiscoveryService::ListSubscribers(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                            grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ListSubscribersRequest request;
  auto spec = Admit(
      *parts_.admission, IdentityOf(*context), "DiscoveryService/ListSubscribers", *bytes, &request,
      [this](const wire::ListSubscribersRequest& wanted) { return SubscribersSpecOf(wanted, parts_.store->store_id()); }, kAllInstances);
  if (!spec.ok()) return call.Fail(spec.status(), {});
  parts_.subscribers->List(spec->query, [this, call, query_hash = spec->query_hash](const SubscribersPage& page) {
    wire::ListSubscribersResponse response;
    FillSubscribers(page, query_hash, parts_.store->store_id(), &response);
    call.Answer(response);
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* DiscoveryService::ListOverrides(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                          grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ListOverridesRequest request;
  auto spec = Admit(
      *parts_.admission, IdentityOf(*context), "DiscoveryService/ListOverrides", *bytes, &request,
      [this](const wire::ListOverridesRequest& wanted) { return OverridesSpecOf(wanted, parts_.store->store_id()); },
      [](const auto&) {
        return std::vector<KeyRange>{{discovery::OverridesTree(), Scope::kSubtree}};
      });
  if (!spec.ok()) return call.Fail(spec.status(), {});
  AnswerFromCatalog<wire::ListOverridesResponse>(call, parts_, *std::move(spec));
  return call.reactor();
}

}  // namespace scoutlight::server
