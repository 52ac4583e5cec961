#include "bench/requests.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "compat/etcd/rpc.pb.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::bench {
namespace {

grpc::ByteBuffer Serialized(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

// Revision 0: the latest.
grpc::ByteBuffer RegistryGet(const std::string& key, int64_t revision) {
  registry::v1::GetRequest request;
  request.set_key(key);
  request.set_revision(revision);
  return Serialized(request);
}

grpc::ByteBuffer RegistryPut(const std::string& key, const std::string& value) {
  registry::v1::PutRequest request;
  request.set_key(key);
  request.set_text(value);
  return Serialized(request);
}

grpc::ByteBuffer EtcdGet(const std::string& key, int64_t revision) {
  etcdserverpb::RangeRequest request;
  request.set_key(key);
  request.set_revision(revision);
  return Serialized(request);
}

grpc::ByteBuffer EtcdPut(const std::string& key, const std::string& value) {
  etcdserverpb::PutRequest request;
  request.set_key(key);
  request.set_value(value);
  return Serialized(request);
}

grpc::ByteBuffer RegistryTransact(int first, const std::string& value) {
  registry::v1::TransactRequest request;
  for (int index = first; index < first + kPutsPerTransaction; ++index) {
    registry::v1::Operation::Put& put = *request.add_on_success()->mutable_put();
    put.set_key(KeyOf(index));
    put.set_text(value);
  }
  return Serialized(request);
}

grpc::ByteBuffer EtcdTransact(int first, const std::string& value) {
  etcdserverpb::TxnRequest request;
  for (int index = first; index < first + kPutsPerTransaction; ++index) {
    etcdserverpb::PutRequest& put = *request.add_success()->mutable_request_put();
    put.set_key(KeyOf(index));
    put.set_value(value);
  }
  return Serialized(request);
}

Requests TransactRequests(Api api, const DataSet& data) {
  const std::string value(data.value_bytes, 'v');
  Requests requests;
  requests.method = api == Api::kEtcd ? "/etcdserverpb.KV/Txn" : "/scoutlight.registry.v1.RegistryService/Transact";
  for (int first = 0; first + kPutsPerTransaction <= data.keys; first += kPutsPerTransaction) {
    requests.keys.push_back(api == Api::kEtcd ? EtcdTransact(first, value) : RegistryTransact(first, value));
  }
  return requests;
}

Requests GetRequests(Api api, const DataSet& data, int64_t revision) {
  Requests requests;
  requests.method = api == Api::kEtcd ? "/etcdserverpb.KV/Range" : "/scoutlight.registry.v1.RegistryService/Get";
  if (api != Api::kFloor) requests.response_bytes_min = data.value_bytes;
  for (int index = 0; index < data.keys; ++index) {
    const std::string key = KeyOf(index);
    requests.keys.push_back(api == Api::kEtcd ? EtcdGet(key, revision) : RegistryGet(key, revision));
  }
  return requests;
}

Requests PutRequests(Api api, const DataSet& data) {
  const std::string value(data.value_bytes, 'v');
  Requests requests;
  requests.method = api == Api::kEtcd ? "/etcdserverpb.KV/Put" : "/scoutlight.registry.v1.RegistryService/Put";
  for (int index = 0; index < data.keys; ++index) {
    const std::string key = KeyOf(index);
    requests.keys.push_back(api == Api::kEtcd ? EtcdPut(key, value) : RegistryPut(key, value));
  }
  return requests;
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

const char kKeysParent[] = "/bench/instances";

std::string KeyOf(int index) { return absl::StrFormat("%s/%015d", kKeysParent, index); }

absl::StatusOr<Api> ParseApi(absl::string_view name) {
  if (name == "registry") return Api::kRegistry;
  if (name == "etcd") return Api::kEtcd;
  if (name == "floor") return Api::kFloor;
  return absl::InvalidArgumentError(absl::StrCat("no such API: ", name));
}

absl::StatusOr<Operation> ParseOperation(absl::string_view name) {
  if (name == "get") return Operation::kGet;
  if (name == "put") return Operation::kPut;
  if (name == "get-past") return Operation::kGetPast;
  if (name == "transact") return Operation::kTransact;
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
    case Operation::kGetPast:
      return "get-past";
    case Operation::kTransact:
      return "transact";
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
  switch (operation) {
    case Operation::kGet:
    case Operation::kPut:
    case Operation::kGetPast:
      return true;
    case Operation::kTransact:
      return api != Api::kFloor;
    case Operation::kResolve:
      return api != Api::kEtcd;
    case Operation::kRegister:
    case Operation::kRegisterAll:
      return api == Api::kRegistry;
  }
  return false;
}

Requests MakeRequests(Api api, Operation operation, const DataSet& data) {
  switch (operation) {
    case Operation::kGet:
      return GetRequests(api, data, 0);
    case Operation::kPut:
      return PutRequests(api, data);
    case Operation::kGetPast:
      return GetRequests(api, data, data.past_revision);
    case Operation::kTransact:
      return TransactRequests(api, data);
    case Operation::kResolve:
    case Operation::kRegister:
    case Operation::kRegisterAll:
      return DiscoveryRequests(api, operation, data.fleet);
  }
  return {};
}

}  // namespace scoutlight::bench
