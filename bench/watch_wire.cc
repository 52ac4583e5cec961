#include "bench/watch_wire.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "bench/discovery_wire.h"
#include "compat/etcd/rpc.pb.h"
#include "grpcpp/support/slice.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::bench {
namespace {

constexpr size_t kStampBytes = 20;
constexpr int64_t kHeartbeatSeconds = 3600;

grpc::ByteBuffer Serialized(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

template <typename Message>
absl::Status Parse(const grpc::ByteBuffer& bytes, Message* message) {
  grpc::Slice slice;
  if (!bytes.DumpToSingleSlice(&slice).ok() || !message->ParseFromArray(slice.begin(), static_cast<int>(slice.size()))) {
    return absl::InternalError("a frame that is no message of its type");
  }
  return absl::OkStatus();
}

absl::Status AddStamp(absl::string_view value, WatchNews* news) {
  int64_t ns = 0;
  if (value.size() < kStampBytes || !absl::SimpleAtoi(value.substr(0, kStampBytes), &ns)) {
    return absl::InternalError("an event whose value has no time at its beginning");
  }
  news->puts_sent.push_back(absl::Nanoseconds(ns));
  return absl::OkStatus();
}

absl::StatusOr<WatchNews> RegistryNews(const registry::v1::WatchResponse& frame) {
  using Frame = registry::v1::WatchResponse;
  WatchNews news;
  switch (frame.kind()) {
    case Frame::KIND_STARTED:
      news.watches_started = 1;
      return news;
    case Frame::KIND_PROGRESS:
      return news;
    case Frame::KIND_CHANGES:
      for (const registry::v1::Event& event : frame.events()) {
        if (const absl::Status status = AddStamp(event.entry().text(), &news); !status.ok()) return status;
      }
      return news;
    default:
      return absl::InternalError(absl::StrCat("a frame of kind ", frame.kind(), ": ", frame.status().message()));
  }
}

absl::StatusOr<WatchNews> InstanceNews(const discovery::v1::WatchResponse& frame) {
  using Frame = discovery::v1::WatchResponse;
  WatchNews news;
  switch (frame.kind()) {
    case Frame::KIND_SNAPSHOT:
    case Frame::KIND_PROGRESS:
      return news;
    case Frame::KIND_SNAPSHOT_END:
      news.watches_started = 1;
      return news;
    case Frame::KIND_CHANGES:
      for (const discovery::v1::Instance& instance : frame.changed()) {
        const auto version = instance.properties().find("version");
        absl::StatusOr<absl::Duration> sent = StampOf(version == instance.properties().end() ? "" : version->second);
        if (!sent.ok()) return sent.status();
        news.puts_sent.push_back(*sent);
      }
      return news;
    default:
      return absl::InternalError(absl::StrCat("a frame of kind ", frame.kind()));
  }
}

absl::StatusOr<WatchNews> EtcdNews(const etcdserverpb::WatchResponse& frame) {
  if (frame.canceled()) return absl::InternalError(absl::StrCat("a watch was ended: ", frame.cancel_reason()));
  WatchNews news;
  if (frame.created()) news.watches_started = 1;
  for (const mvccpb::Event& event : frame.events()) {
    if (const absl::Status status = AddStamp(event.kv().value(), &news); !status.ok()) return status;
  }
  return news;
}

// The first key after all that begin with `prefix`; its last byte must not be 0xFF.
std::string PrefixEnd(std::string prefix) {
  prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

grpc::ByteBuffer EtcdWatch(const WatchTarget& target) {
  etcdserverpb::WatchRequest request;
  // The server chooses the id.
  etcdserverpb::WatchCreateRequest* create = request.mutable_create_request();
  create->set_key(target.key);
  if (target.extent == WatchTarget::Extent::kSubtree) {
    create->set_key(target.key + "/");
    create->set_range_end(PrefixEnd(target.key + "/"));
  }
  return Serialized(request);
}

registry::v1::WatchRequest RegistryWatch(const WatchTarget& target) {
  registry::v1::WatchRequest request;
  request.set_key(target.key);
  request.set_scope(target.extent == WatchTarget::Extent::kSubtree ? registry::v1::SCOPE_SUBTREE : registry::v1::SCOPE_KEY);
  request.mutable_heartbeat()->set_seconds(kHeartbeatSeconds);
  return request;
}

}  // namespace

std::string WatchMethod(Api api, WatchForm form) {
  if (api == Api::kEtcd) return "/etcdserverpb.Watch/Watch";
  switch (form) {
    case WatchForm::kStreamEach:
      return "/scoutlight.registry.v1.RegistryService/Watch";
    case WatchForm::kMultiplexed:
      return "/scoutlight.registry.v1.RegistryService/WatchMany";
    case WatchForm::kInstances:
      return kWatchInstancesMethod;
  }
  return "";
}

std::string PutMethod(Api api) { return api == Api::kEtcd ? "/etcdserverpb.KV/Put" : "/scoutlight.registry.v1.RegistryService/Put"; }

grpc::ByteBuffer WatchRequestBytes(Api api, WatchForm form, int64_t watch_id, const WatchTarget& target) {
  if (api == Api::kEtcd) return EtcdWatch(target);
  if (form == WatchForm::kInstances) return WatchInstancesBytes(target.key);
  if (form == WatchForm::kStreamEach) return Serialized(RegistryWatch(target));
  registry::v1::WatchManyRequest request;
  request.mutable_create()->set_watch_id(watch_id);
  *request.mutable_create()->mutable_watch() = RegistryWatch(target);
  return Serialized(request);
}

grpc::ByteBuffer StampedPutBytes(Api api, const std::string& key, size_t value_bytes, absl::Duration sent) {
  std::string value = absl::StrFormat("%020d", absl::ToInt64Nanoseconds(sent));
  value.resize(std::max(value_bytes, kStampBytes), 'v');
  if (api == Api::kEtcd) {
    etcdserverpb::PutRequest request;
    request.set_key(key);
    request.set_value(value);
    return Serialized(request);
  }
  registry::v1::PutRequest request;
  request.set_key(key);
  request.set_text(value);
  return Serialized(request);
}

absl::StatusOr<WatchNews> ParseWatchNews(Api api, WatchForm form, const grpc::ByteBuffer& frame) {
  if (api == Api::kEtcd) {
    etcdserverpb::WatchResponse response;
    if (const absl::Status status = Parse(frame, &response); !status.ok()) return status;
    return EtcdNews(response);
  }
  if (form == WatchForm::kStreamEach) {
    registry::v1::WatchResponse response;
    if (const absl::Status status = Parse(frame, &response); !status.ok()) return status;
    return RegistryNews(response);
  }
  if (form == WatchForm::kInstances) {
    discovery::v1::WatchResponse response;
    if (const absl::Status status = Parse(frame, &response); !status.ok()) return status;
    return InstanceNews(response);
  }
  registry::v1::WatchManyResponse response;
  if (const absl::Status status = Parse(frame, &response); !status.ok()) return status;
  return RegistryNews(response.frame());
}

}  // namespace scoutlight::bench
