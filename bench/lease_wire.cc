#include "bench/lease_wire.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "compat/etcd/rpc.pb.h"
#include "grpcpp/support/slice.h"
#include "scoutlight/registry/v1/lease.pb.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::bench {
namespace {

grpc::ByteBuffer Serialized(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

template <typename Message>
absl::Status Parse(const grpc::ByteBuffer& bytes, Message* message) {
  grpc::Slice slice;
  if (!bytes.DumpToSingleSlice(&slice).ok() || !message->ParseFromArray(slice.begin(), static_cast<int>(slice.size()))) {
    return absl::InternalError("an answer that is no message of its type");
  }
  return absl::OkStatus();
}

// A RenewRequest or a KeepAliveRequest.
template <typename Request>
grpc::ByteBuffer RegistryRenewal(int64_t first, int count) {
  Request request;
  request.mutable_lease_ids()->Reserve(count);
  for (int64_t id = first; id < first + count; ++id) request.add_lease_ids(id);
  return Serialized(request);
}

// A RenewResponse or a KeepAliveResponse.
template <typename Response>
absl::StatusOr<int> RegistryRenewals(const grpc::ByteBuffer& answer) {
  Response response;
  if (const absl::Status status = Parse(answer, &response); !status.ok()) return status;
  for (const registry::v1::RenewResult& result : response.results()) {
    if (result.outcome() != registry::v1::RenewResult::OUTCOME_RENEWED) {
      return absl::InternalError(absl::StrCat("lease ", result.lease_id(), " is not renewed: ", result.outcome()));
    }
  }
  return response.results_size();
}

}  // namespace

std::string GrantMethod(Api api) {
  return api == Api::kEtcd ? "/etcdserverpb.Lease/LeaseGrant" : "/scoutlight.registry.v1.LeaseService/Grant";
}

std::string RenewMethod(Api api, RenewForm form) {
  if (api == Api::kEtcd) return "/etcdserverpb.Lease/LeaseKeepAlive";
  return form == RenewForm::kUnary ? "/scoutlight.registry.v1.LeaseService/Renew" : "/scoutlight.registry.v1.LeaseService/KeepAlive";
}

grpc::ByteBuffer GrantRequestBytes(Api api, int64_t lease_id, absl::Duration ttl) {
  if (api == Api::kEtcd) {
    etcdserverpb::LeaseGrantRequest request;
    request.set_id(lease_id);
    request.set_ttl(absl::ToInt64Seconds(ttl));
    return Serialized(request);
  }
  registry::v1::GrantRequest request;
  request.set_lease_id(lease_id);
  request.mutable_ttl()->set_seconds(absl::ToInt64Seconds(ttl));
  return Serialized(request);
}

grpc::ByteBuffer PutOnLeaseBytes(Api api, const std::string& key, size_t value_bytes, int64_t lease_id) {
  const std::string value(value_bytes, 'v');
  if (api == Api::kEtcd) {
    etcdserverpb::PutRequest request;
    request.set_key(key);
    request.set_value(value);
    request.set_lease(lease_id);
    return Serialized(request);
  }
  registry::v1::PutRequest request;
  request.set_key(key);
  request.set_text(value);
  request.set_lease_id(lease_id);
  return Serialized(request);
}

int LeasesPerMessageMax(Api api) { return api == Api::kEtcd ? 1 : 10'000; }

grpc::ByteBuffer RenewRequestBytes(Api api, RenewForm form, int64_t first, int count) {
  if (api == Api::kEtcd) {
    etcdserverpb::LeaseKeepAliveRequest request;
    request.set_id(first);
    return Serialized(request);
  }
  return form == RenewForm::kUnary ? RegistryRenewal<registry::v1::RenewRequest>(first, count)
                                   : RegistryRenewal<registry::v1::KeepAliveRequest>(first, count);
}

absl::StatusOr<int> ParseRenewals(Api api, RenewForm form, const grpc::ByteBuffer& answer) {
  if (api != Api::kEtcd) {
    return form == RenewForm::kUnary ? RegistryRenewals<registry::v1::RenewResponse>(answer)
                                     : RegistryRenewals<registry::v1::KeepAliveResponse>(answer);
  }
  etcdserverpb::LeaseKeepAliveResponse response;
  if (const absl::Status status = Parse(answer, &response); !status.ok()) return status;
  if (response.ttl() <= 0) return absl::InternalError(absl::StrCat("lease ", response.id(), " is not renewed"));
  return 1;
}

absl::StatusOr<int64_t> ParsePutRevision(Api api, const grpc::ByteBuffer& answer) {
  etcdserverpb::PutResponse etcd;
  registry::v1::PutResponse registry;
  const absl::Status status = api == Api::kEtcd ? Parse(answer, &etcd) : Parse(answer, &registry);
  if (!status.ok()) return status;
  const int64_t revision = api == Api::kEtcd ? etcd.header().revision() : registry.revision();
  if (revision <= 0) return absl::InternalError("a put without a revision");
  return revision;
}

}  // namespace scoutlight::bench
