#include "server/discovery/discovery_service.h"

#include <grpcpp/support/slice.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/catalog.h"
#include "discovery/system_records.h"
#include "server/admit.h"
#include "server/discovery/discovery_conversion.h"
#include "server/discovery/instance_conversion.h"
#include "server/error_mapping.h"
#include "server/shared_slice.h"
#include "server/unary_call.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;

// Of an answer for everything but its instances.
constexpr size_t kAnswerSlackBytes = 64 * limits::kKiB;
// Of an override beside its texts: names, times.
constexpr size_t kOverrideFixedBytes = 3 * limits::kNameBytesMax + 128;

constexpr auto kAllInstances = [](const auto&) { return std::vector<KeyRange>{{discovery::InstanceRecordsTree(), Scope::kSubtree}}; };
constexpr auto kRangeOfService = [](const auto& spec) { return std::vector<KeyRange>{RangeOf(spec.service)}; };

// What a handler is to do with the catalog: fill `response`, or say why not.
template <typename Response>
using Fill = absl::AnyInvocable<absl::Status(discovery::Catalog& catalog, Response* response)>;

// Answers `call` with what `fill` makes of the catalog, once that has come to `min_revision`.
template <typename Response>
void AnswerFromCatalog(const UnaryCall& call, CatalogFeed* feed, const StoreId& store_id, Revision min_revision, Fill<Response> fill) {
  feed->WhenAt(min_revision, [call, feed, store_id, fill = std::move(fill)](absl::Status status) mutable {
    Response response;
    Revision revision = 0;
    if (status.ok()) {
      const std::shared_ptr<discovery::Catalog> catalog = feed->catalog();
      // Before it is read: a lower bound of what is shown.
      revision = catalog->revision();
      status = fill(*catalog, &response);
    }
    if (!status.ok()) {
      call.Fail(status, {revision, 0, store_id});
      return;
    }
    response.set_revision(revision);
    response.set_store_id(store_id);
    call.Answer(response);
  });
}

// A call of Watch. It lives until gRPC and the hub have let go of it.
class InstanceWatchCall final : public grpc::ServerWriteReactor<grpc::ByteBuffer>, public InstanceStream {
 public:
  explicit InstanceWatchCall(InstanceHub* hub) : hub_(*hub) {}

  // Until OnDone.
  void HoldFor(std::shared_ptr<InstanceWatchCall> self) { self_ = std::move(self); }
  // The hub does not have it.
  void Fail(const absl::Status& status) {
    known_to_hub_ = false;
    Finish(status);
  }

  void Write(std::shared_ptr<const std::string> frame) override {
    const grpc::Slice slice = SharedSlice(std::move(frame));
    written_ = grpc::ByteBuffer(&slice, 1);
    StartWrite(&written_);
  }
  void Finish(const absl::Status& status) override { grpc::ServerWriteReactor<grpc::ByteBuffer>::Finish(ToGrpcStatus(status, {})); }

  void OnWriteDone(bool ok) override {
    if (ok) {
      hub_.OnWritten(this);
    } else {
      hub_.OnCancelled(this);
    }
  }
  void OnCancel() override {
    if (known_to_hub_) hub_.OnCancelled(this);
  }
  void OnDone() override {
    if (known_to_hub_) hub_.OnClosed(this);
    self_.reset();
  }

 private:
  InstanceHub& hub_;
  grpc::ByteBuffer written_;  // Until OnWriteDone.
  bool known_to_hub_ = true;
  std::shared_ptr<InstanceWatchCall> self_;
};

}  // namespace

grpc::ServerUnaryReactor* DiscoveryService::ListClusters(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                         grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ListClustersRequest request;
  const auto spec = Admit(
      *parts_.admission, IdentityOf(*context), "DiscoveryService/ListClusters", *bytes, &request,
      [this](const wire::ListClustersRequest& wanted) { return NamesSpecOf(wanted, parts_.store->store_id()); }, kAllInstances);
  if (!spec.ok()) return call.Fail(spec.status(), {});
  AnswerFromCatalog<wire::ListClustersResponse>(
      call, parts_.feed, parts_.store->store_id(), spec->min_revision,
      [this, spec = *spec](discovery::Catalog& catalog, wire::ListClustersResponse* response) {
        for (std::string& name : catalog.Clusters(spec.after, spec.names_max)) response->add_clusters(std::move(name));
        if (response->clusters_size() == spec.names_max) {
          response->set_next_page_token(
              NextPageToken({*response->clusters().rbegin(), "-", "-"}, spec.query_hash, parts_.store->store_id(), catalog.revision()));
        }
        return absl::OkStatus();
      });
  return call.reactor();
}

grpc::ServerUnaryReactor* DiscoveryService::ListServices(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                         grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ListServicesRequest request;
  const auto spec = Admit(
      *parts_.admission, IdentityOf(*context), "DiscoveryService/ListServices", *bytes, &request,
      [this](const wire::ListServicesRequest& wanted) { return NamesSpecOf(wanted, parts_.store->store_id()); },
      [](const NamesSpec& wanted) {
        const Key cluster = RangeOf(discovery::ServiceName{wanted.cluster, "-"}).key.Parent();
        return std::vector<KeyRange>{{cluster, Scope::kSubtree}};
      });
  if (!spec.ok()) return call.Fail(spec.status(), {});
  AnswerFromCatalog<wire::ListServicesResponse>(
      call, parts_.feed, parts_.store->store_id(), spec->min_revision,
      [this, spec = *spec](discovery::Catalog& catalog, wire::ListServicesResponse* response) {
        for (discovery::Catalog::ServiceCount& count : catalog.Services(spec.cluster, spec.after, spec.names_max)) {
          wire::ListServicesResponse::Service* const service = response->add_services();
          service->set_name(std::move(count.service));
          service->set_instances(static_cast<int32_t>(count.instances));
          service->set_resolvable(static_cast<int32_t>(count.resolvable));
        }
        if (response->services_size() == spec.names_max) {
          response->set_next_page_token(NextPageToken({spec.cluster, response->services().rbegin()->name(), "-"}, spec.query_hash,
                                                      parts_.store->store_id(), catalog.revision()));
        }
        return absl::OkStatus();
      });
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
  const Revision min_revision = spec->min_revision;
  AnswerFromCatalog<wire::ListInstancesResponse>(
      call, parts_.feed, parts_.store->store_id(), min_revision,
      [this, spec = *std::move(spec)](discovery::Catalog& catalog, wire::ListInstancesResponse* response) {
        const discovery::SnapshotPtr snapshot = catalog.Find(spec.service.cluster, spec.service.service);
        if (snapshot == nullptr) return absl::OkStatus();
        const absl::Time now = parts_.clock->Now();
        size_t bytes_shown = kAnswerSlackBytes;
        discovery::InstancePtr last;
        snapshot->ForEachAfter(spec.after, [&](const discovery::InstancePtr& instance) {
          if (!spec.filter.Matches(*instance, now)) return true;
          bytes_shown += InstanceBytes(*instance);
          const bool full = response->instances_size() == spec.instances_max || bytes_shown > limits::kAnswerBytesMax;
          if (full && last != nullptr) {
            response->set_next_page_token(NextPageToken(last->name, spec.query_hash, parts_.store->store_id(), catalog.revision()));
            return false;
          }
          FillInstance(*instance, response->add_instances());
          last = instance;
          return true;
        });
        return absl::OkStatus();
      });
  return call.reactor();
}

grpc::ServerUnaryReactor* DiscoveryService::GetInstance(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                        grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::GetInstanceRequest request;
  const auto spec = Admit(*parts_.admission, IdentityOf(*context), "DiscoveryService/GetInstance", *bytes, &request, InstanceSpecOf,
                          [](const InstanceSpec& wanted) { return std::vector<KeyRange>{RangeOf(wanted.name)}; });
  if (!spec.ok()) return call.Fail(spec.status(), {});
  AnswerFromCatalog<wire::GetInstanceResponse>(call, parts_.feed, parts_.store->store_id(), spec->min_revision,
                                               [name = spec->name](discovery::Catalog& catalog, wire::GetInstanceResponse* response) {
                                                 const discovery::SnapshotPtr snapshot = catalog.Find(name.cluster, name.service);
                                                 const discovery::InstancePtr instance =
                                                     snapshot == nullptr ? nullptr : snapshot->Find(name.id);
                                                 if (instance == nullptr) return InstanceNotFound(name);
                                                 FillInstance(*instance, response->mutable_instance());
                                                 return absl::OkStatus();
                                               });
  return call.reactor();
}

grpc::ServerUnaryReactor* DiscoveryService::Resolve(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                    grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ResolveRequest request;
  auto spec = Admit(*parts_.admission, IdentityOf(*context), "DiscoveryService/Resolve", *bytes, &request, ResolveSpecOf,
                    [](const ResolveSpec& wanted) { return std::vector<KeyRange>{RangeOf(wanted.pick.service)}; });
  if (!spec.ok()) return call.Fail(spec.status(), {});
  const Revision min_revision = spec->min_revision;
  AnswerFromCatalog<wire::ResolveResponse>(
      call, parts_.feed, parts_.store->store_id(), min_revision,
      [this, spec = *std::move(spec)](discovery::Catalog& catalog, wire::ResolveResponse* response) mutable {
        const discovery::ServiceName& service = spec.pick.service;
        const discovery::SnapshotPtr snapshot = catalog.Find(service.cluster, service.service);
        if (snapshot == nullptr) return ServiceNotFound(service);
        if (spec.default_strategy) {
          const discovery::Schema* const schema = catalog.claims()->SchemaOf(service.cluster, service.service);
          if (schema != nullptr) spec.pick.strategy = discovery::ParseStrategyKind(schema->strategy).value_or(spec.pick.strategy);
        }
        const absl::StatusOr<std::vector<Pick>> picks = parts_.resolver->Resolve(spec.pick, snapshot, parts_.clock->Now());
        if (!picks.ok()) return picks.status();
        size_t bytes_shown = kAnswerSlackBytes;
        for (const Pick& pick : *picks) {
          bytes_shown += 2 * InstanceBytes(*pick.instance);
          if (response->picks_size() > 0 && bytes_shown > limits::kAnswerBytesMax) break;
          wire::ResolveResponse::Pick* const shown = response->add_picks();
          FillInstance(*pick.instance, shown->mutable_instance());
          if (pick.endpoint.has_value()) FillEndpoint(*pick.endpoint, shown->mutable_endpoint());
        }
        response->set_strategy(WireStrategy(spec.pick.strategy));
        return absl::OkStatus();
      });
  return call.reactor();
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* DiscoveryService::Watch(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) {
  const auto call = std::make_shared<InstanceWatchCall>(parts_.hub);
  call->HoldFor(call);
  wire::WatchRequest request;
  auto spec =
      Admit(*parts_.admission, IdentityOf(*context), "DiscoveryService/Watch", *bytes, &request, InstanceWatchSpecOf, kRangeOfService);
  if (!spec.ok()) {
    call->Fail(spec.status());
    return call.get();
  }
  if (absl::Status refused = parts_.hub->Open(call, *std::move(spec)); !refused.ok()) call->Fail(refused);
  return call.get();
}

grpc::ServerUnaryReactor* DiscoveryService::ListOverrides(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                          grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ListOverridesRequest request;
  const auto spec = Admit(
      *parts_.admission, IdentityOf(*context), "DiscoveryService/ListOverrides", *bytes, &request,
      [this](const wire::ListOverridesRequest& wanted) { return OverridesSpecOf(wanted, parts_.store->store_id()); },
      [](const auto&) {
        return std::vector<KeyRange>{{discovery::OverridesTree(), Scope::kSubtree}};
      });
  if (!spec.ok()) return call.Fail(spec.status(), {});
  AnswerFromCatalog<wire::ListOverridesResponse>(
      call, parts_.feed, parts_.store->store_id(), spec->min_revision,
      [this, spec = *spec](discovery::Catalog& catalog, wire::ListOverridesResponse* response) {
        const auto overrides = catalog.Overrides(spec.service.cluster, spec.service.service, spec.after, spec.overrides_max);
        size_t bytes_shown = kAnswerSlackBytes;
        bool more = static_cast<int>(overrides.size()) == spec.overrides_max;
        const discovery::InstanceName* last = nullptr;
        for (const discovery::Catalog::NamedOverride& one : overrides) {
          bytes_shown += one.override.reason.size() + one.override.author.size() + kOverrideFixedBytes;
          if (last != nullptr && bytes_shown > limits::kAnswerBytesMax) {
            more = true;
            break;
          }
          wire::ListOverridesResponse::Entry* const entry = response->add_overrides();
          entry->mutable_name()->set_cluster(one.name.cluster);
          entry->mutable_name()->set_service(one.name.service);
          entry->mutable_name()->set_id(one.name.id);
          FillOverride(one.override, entry->mutable_override());
          last = &one.name;
        }
        if (more) response->set_next_page_token(NextPageToken(*last, spec.query_hash, parts_.store->store_id(), catalog.revision()));
        return absl::OkStatus();
      });
  return call.reactor();
}

}  // namespace scoutlight::server
