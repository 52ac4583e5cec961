#include "bench/requests.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "compat/etcd/rpc.pb.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::bench {
namespace {

// 32 bytes, valid as a registry key and as an etcd key.
std::string KeyOf(int index) { return absl::StrFormat("/bench/instances/%015d", index); }

grpc::ByteBuffer Serialized(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer RegistryGet(const std::string& key) {
  registry::v1::GetRequest request;
  request.set_key(key);
  return Serialized(request);
}

grpc::ByteBuffer RegistryPut(const std::string& key, const std::string& value) {
  registry::v1::PutRequest request;
  request.set_key(key);
  request.set_text(value);
  return Serialized(request);
}

grpc::ByteBuffer EtcdGet(const std::string& key) {
  etcdserverpb::RangeRequest request;
  request.set_key(key);
  return Serialized(request);
}

grpc::ByteBuffer EtcdPut(const std::string& key, const std::string& value) {
  etcdserverpb::PutRequest request;
  request.set_key(key);
  request.set_value(value);
  return Serialized(request);
}

}  // namespace

absl::StatusOr<Api> ParseApi(absl::string_view name) {
  if (name == "registry") return Api::kRegistry;
  if (name == "etcd") return Api::kEtcd;
  if (name == "floor") return Api::kFloor;
  return absl::InvalidArgumentError(absl::StrCat("no such API: ", name));
}

absl::StatusOr<Operation> ParseOperation(absl::string_view name) {
  if (name == "get") return Operation::kGet;
  if (name == "put") return Operation::kPut;
  return absl::InvalidArgumentError(absl::StrCat("no such operation: ", name));
}

absl::string_view OperationName(Operation operation) { return operation == Operation::kGet ? "get" : "put"; }

Requests MakeRequests(Api api, Operation operation, const DataSet& data) {
  const bool get = operation == Operation::kGet;
  const std::string value(data.value_bytes, 'v');
  Requests requests;
  if (api == Api::kEtcd) {
    requests.method = get ? "/etcdserverpb.KV/Range" : "/etcdserverpb.KV/Put";
  } else {
    requests.method = get ? "/scoutlight.registry.v1.RegistryService/Get" : "/scoutlight.registry.v1.RegistryService/Put";
  }
  if (get && api != Api::kFloor) requests.response_bytes_min = data.value_bytes;
  requests.keys.reserve(static_cast<size_t>(data.keys));
  for (int index = 0; index < data.keys; ++index) {
    const std::string key = KeyOf(index);
    if (api == Api::kEtcd) {
      requests.keys.push_back(get ? EtcdGet(key) : EtcdPut(key, value));
    } else {
      requests.keys.push_back(get ? RegistryGet(key) : RegistryPut(key, value));
    }
  }
  return requests;
}

}  // namespace scoutlight::bench
