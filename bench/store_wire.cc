#include "bench/store_wire.h"

#include <utility>

#include "absl/status/status.h"
#include "compat/etcd/rpc.pb.h"
#include "grpcpp/support/slice.h"
#include "scoutlight/admin/v1/admin.pb.h"
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

// The first key after all that begin with `prefix`, whose last byte is a slash.
std::string PrefixEnd(std::string prefix) {
  prefix.back() = '/' + 1;
  return prefix;
}

grpc::ByteBuffer EtcdList(const Listing& listing, const PagePlace& place) {
  const std::string prefix = listing.parent + "/";
  etcdserverpb::RangeRequest request;
  // The first key behind one is that and a zero byte.
  request.set_key(place.from_key.empty() ? prefix : place.from_key + '\0');
  request.set_range_end(PrefixEnd(prefix));
  request.set_revision(place.revision);
  if (listing.what == Listing::What::kChildren) {
    request.set_keys_only(true);
  } else {
    request.set_limit(listing.page_size);
  }
  return Serialized(request);
}

absl::StatusOr<ListedPage> EtcdPage(const grpc::ByteBuffer& answer, const PagePlace& place) {
  etcdserverpb::RangeResponse response;
  if (const absl::Status status = Parse(answer, &response); !status.ok()) return status;
  ListedPage page;
  page.more = response.more();
  page.next.revision = place.revision != 0 ? place.revision : response.header().revision();
  for (mvccpb::KeyValue& pair : *response.mutable_kvs())
    page.pairs.push_back({std::move(*pair.mutable_key()), std::move(*pair.mutable_value())});
  if (!page.pairs.empty()) page.next.from_key = page.pairs.back().key;
  return page;
}

}  // namespace

const char kEtcdDefragmentMethod[] = "/etcdserverpb.Maintenance/Defragment";

std::string TransactMethod(Api api) {
  return api == Api::kEtcd ? "/etcdserverpb.KV/Txn" : "/scoutlight.registry.v1.RegistryService/Transact";
}

std::string ListMethod(Api api) { return api == Api::kEtcd ? "/etcdserverpb.KV/Range" : "/scoutlight.registry.v1.RegistryService/List"; }

std::string GetMethod(Api api) { return api == Api::kEtcd ? "/etcdserverpb.KV/Range" : "/scoutlight.registry.v1.RegistryService/Get"; }

std::string CompactMethod(Api api) { return api == Api::kEtcd ? "/etcdserverpb.KV/Compact" : "/scoutlight.admin.v1.AdminService/Compact"; }

grpc::ByteBuffer PutAllBytes(Api api, const std::vector<KeyValue>& pairs) {
  if (api == Api::kEtcd) {
    etcdserverpb::TxnRequest request;
    for (const KeyValue& pair : pairs) {
      etcdserverpb::PutRequest& put = *request.add_success()->mutable_request_put();
      put.set_key(pair.key);
      put.set_value(pair.value);
    }
    return Serialized(request);
  }
  registry::v1::TransactRequest request;
  for (const KeyValue& pair : pairs) {
    registry::v1::Operation::Put& put = *request.add_on_success()->mutable_put();
    put.set_key(pair.key);
    put.set_text(pair.value);
  }
  return Serialized(request);
}

grpc::ByteBuffer ListBytes(Api api, const Listing& listing, const PagePlace& place) {
  if (api == Api::kEtcd) return EtcdList(listing, place);
  const bool children = listing.what == Listing::What::kChildren;
  registry::v1::ListRequest request;
  request.set_parent(listing.parent);
  request.set_scope(children ? registry::v1::SCOPE_CHILDREN : registry::v1::SCOPE_SUBTREE);
  request.set_keys_only(children);
  request.set_page_size(listing.page_size);
  request.set_page_token(place.token);
  return Serialized(request);
}

absl::StatusOr<ListedPage> ParseListedPage(Api api, const grpc::ByteBuffer& answer, const PagePlace& place) {
  if (api == Api::kEtcd) return EtcdPage(answer, place);
  registry::v1::ListResponse response;
  if (const absl::Status status = Parse(answer, &response); !status.ok()) return status;
  ListedPage page;
  page.next.token = std::move(*response.mutable_next_page_token());
  page.more = !page.next.token.empty();
  for (registry::v1::Entry& entry : *response.mutable_entries()) {
    page.pairs.push_back({std::move(*entry.mutable_key()), entry.has_data() ? entry.data() : entry.text()});
  }
  return page;
}

grpc::ByteBuffer GetBytes(Api api, const std::string& key) {
  if (api == Api::kEtcd) {
    etcdserverpb::RangeRequest request;
    request.set_key(key);
    return Serialized(request);
  }
  registry::v1::GetRequest request;
  request.set_key(key);
  return Serialized(request);
}

absl::StatusOr<int64_t> ParseGotRevision(Api api, const grpc::ByteBuffer& answer) {
  int64_t revision = 0;
  if (api == Api::kEtcd) {
    etcdserverpb::RangeResponse response;
    if (const absl::Status status = Parse(answer, &response); !status.ok()) return status;
    if (response.kvs_size() == 1) revision = response.header().revision();
  } else {
    registry::v1::GetResponse response;
    if (const absl::Status status = Parse(answer, &response); !status.ok()) return status;
    revision = response.revision();
  }
  if (revision <= 0) return absl::InternalError("an answer without an entry or a revision");
  return revision;
}

grpc::ByteBuffer CompactBytes(Api api, int64_t revision) {
  if (api == Api::kEtcd) {
    etcdserverpb::CompactionRequest request;
    request.set_revision(revision);
    request.set_physical(true);
    return Serialized(request);
  }
  admin::v1::CompactRequest request;
  request.set_revision(revision);
  return Serialized(request);
}

}  // namespace scoutlight::bench
