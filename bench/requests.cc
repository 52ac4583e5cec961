#include "bench/requests.h"

#include <algorithm>

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

Requests DiscoveryRequests(Api api, Operation operation, const Fleet& fleet) {
  Requests requests;
  if (operation == Operation::kResolve) {
    requests.method = kResolveMethod;
    if (api != Api::kFloor) requests.response_bytes_min = AnswerBytesMin(1);
    for (int service = 0; service < fleet.services; ++service) requests.keys.push_back(ResolveBytes(ServiceOf(fleet, service)));
    return requests;
  }
  const int step = operation == Operation::kRegister ? 1 : kRegistrationsPerCall;
  requests.method = operation == Operation::kRegister ? kRegisterMethod : kRegisterAllMethod;
  // A call's last thousand may be fewer.
  requests.response_bytes_min = AnswerBytesMin(std::min(step, 1 + (fleet.instances() - 1) % step));
  for (int first = 0; first < fleet.instances(); first += step) {
    requests.keys.push_back(operation == Operation::kRegister ? RegisterBytes(fleet, first) : RegisterAllBytes(fleet, first));
  }
  return requests;
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
  if (name == "resolve") return Operation::kResolve;
  if (name == "register") return Operation::kRegister;
  if (name == "register-all") return Operation::kRegisterAll;
  return absl::InvalidArgumentError(absl::StrCat("no such operation: ", name));
}

absl::string_view OperationName(Operation operation) {
  switch (operation) {
    case Operation::kGet:
      return "get";
    case Operation::kPut:
      return "put";
    case Operation::kResolve:
      return "resolve";
    case Operation::kRegister:
      return "register";
    case Operation::kRegisterAll:
      return "register-all";
  }
  return "";
}

bool HasOperation(Api api, Operation operation) {
  const bool of_keys = operation == Operation::kGet || operation == Operation::kPut;
  return api == Api::kRegistry || of_keys || (api == Api::kFloor && operation == Operation::kResolve);
}

Requests MakeRequests(Api api, Operation operation, const DataSet& data) {
  if (operation != Operation::kGet && operation != Operation::kPut) return DiscoveryRequests(api, operation, data.fleet);
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
