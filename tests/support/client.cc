#include "tests/support/client.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/channel_arguments.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/connect_errno.h"

namespace scoutlight::testing {
namespace {

void SetDeadline(grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(kCallTimeout));
}

template <typename Stub, typename Request, typename Response>
Answered<Response> Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request) {
  grpc::ClientContext context;
  SetDeadline(&context);
  Answered<Response> answered;
  answered.status = (stub.*method)(&context, request, &answered.message);
  return answered;
}

std::shared_ptr<grpc::Channel> NewChannel(const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  KeepErrnoOfConnect();
  grpc::ChannelArguments arguments;
  // Channels with equal arguments would share a connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

}  // namespace

using Stub = wire::RegistryService::Stub;
using LeaseStub = wire::LeaseService::Stub;

Client::Client(const std::string& address, std::shared_ptr<grpc::ChannelCredentials> credentials)
    : channel_(NewChannel(address, credentials)),
      registry_(wire::RegistryService::NewStub(channel_)),
      leases_(wire::LeaseService::NewStub(channel_)),
      health_(grpc::health::v1::Health::NewStub(channel_)) {}

Answered<wire::GetResponse> Client::Send(const wire::GetRequest& request) { return Call(*registry_, &Stub::Get, request); }
Answered<wire::ListResponse> Client::Send(const wire::ListRequest& request) { return Call(*registry_, &Stub::List, request); }
Answered<wire::PutResponse> Client::Send(const wire::PutRequest& request) { return Call(*registry_, &Stub::Put, request); }
Answered<wire::DeleteResponse> Client::Send(const wire::DeleteRequest& request) { return Call(*registry_, &Stub::Delete, request); }
Answered<wire::TransactResponse> Client::Send(const wire::TransactRequest& request) { return Call(*registry_, &Stub::Transact, request); }

Answered<wire::GrantResponse> Client::Send(const wire::GrantRequest& request) { return Call(*leases_, &LeaseStub::Grant, request); }
Answered<wire::RevokeResponse> Client::Send(const wire::RevokeRequest& request) { return Call(*leases_, &LeaseStub::Revoke, request); }
Answered<wire::RenewResponse> Client::Send(const wire::RenewRequest& request) { return Call(*leases_, &LeaseStub::Renew, request); }
Answered<wire::GetLeaseResponse> Client::Send(const wire::GetLeaseRequest& request) {
  return Call(*leases_, &LeaseStub::GetLease, request);
}
Answered<wire::ListLeasesResponse> Client::Send(const wire::ListLeasesRequest& request) {
  return Call(*leases_, &LeaseStub::ListLeases, request);
}

grpc::Status Client::SendBytes(const std::string& method, const std::string& bytes, const std::string& service) {
  grpc::GenericStub stub(channel_);
  grpc::ClientContext context;
  SetDeadline(&context);
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer answer;
  std::promise<grpc::Status> ended;
  stub.UnaryCall(&context, absl::StrCat("/", service, "/", method), grpc::StubOptions(), &request, &answer,
                 [&ended](grpc::Status status) { ended.set_value(std::move(status)); });
  return ended.get_future().get();
}

Answered<wire::GetResponse> Client::Get(const std::string& key, int64_t revision) {
  wire::GetRequest request;
  request.set_key(key);
  request.set_revision(revision);
  return Send(request);
}

Answered<wire::ListResponse> Client::List(const std::string& parent, wire::Scope scope, int64_t revision) {
  wire::ListRequest request = ListOf(parent, scope);
  request.set_revision(revision);
  return Send(request);
}

Answered<wire::PutResponse> Client::Put(const std::string& key, const std::string& text) { return Send(PutOf(key, text)); }

Answered<wire::DeleteResponse> Client::Delete(const std::string& key, wire::Scope scope) {
  wire::DeleteRequest request;
  request.set_key(key);
  request.set_scope(scope);
  return Send(request);
}

Answered<wire::RevokeResponse> Client::Revoke(int64_t lease_id) {
  wire::RevokeRequest request;
  request.set_lease_id(lease_id);
  return Send(request);
}

Answered<wire::RenewResponse> Client::Renew(const std::vector<int64_t>& lease_ids) {
  wire::RenewRequest request;
  request.mutable_lease_ids()->Add(lease_ids.begin(), lease_ids.end());
  return Send(request);
}

Answered<wire::GetLeaseResponse> Client::GetLease(int64_t lease_id, bool include_keys) {
  wire::GetLeaseRequest request;
  request.set_lease_id(lease_id);
  request.set_include_keys(include_keys);
  return Send(request);
}

int64_t Client::NewLease(absl::Duration ttl) {
  const auto granted = Send(GrantOf(ttl));
  EXPECT_TRUE(granted.ok()) << granted.status.error_message();
  return granted->lease().lease_id();
}

Answered<wire::PutResponse> Client::PutOnLease(const std::string& key, const std::string& text, int64_t lease_id) {
  wire::PutRequest request = PutOf(key, text);
  request.set_lease_id(lease_id);
  return Send(request);
}

std::vector<wire::Entry> Client::ListAll(wire::ListRequest request) {
  std::vector<wire::Entry> entries;
  while (true) {
    const auto page = Send(request);
    if (!page.ok()) {
      ADD_FAILURE() << "a page failed: " << page.status.error_message();
      return entries;
    }
    entries.insert(entries.end(), page->entries().begin(), page->entries().end());
    if (page->next_page_token().empty()) return entries;
    request.set_page_token(page->next_page_token());
  }
}

std::string Client::TextAt(const std::string& key, int64_t revision) {
  const auto got = Get(key, revision);
  return got.ok() ? got->entry().text() : absl::StrCat("(", got.status.error_code(), " ", got.status.error_message(), ")");
}

grpc::health::v1::HealthCheckResponse::ServingStatus Client::Health() {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status = health_->Check(&context, {}, &response);
  return status.ok() ? response.status() : grpc::health::v1::HealthCheckResponse::UNKNOWN;
}

int64_t Client::Revision() {
  const auto listed = Send([] {
    wire::ListRequest request = ListOf("/");
    request.set_page_size(1);
    return request;
  }());
  EXPECT_TRUE(listed.ok()) << listed.status.error_message();
  return listed->revision();
}

wire::PutRequest PutOf(const std::string& key, const std::string& text) {
  wire::PutRequest request;
  request.set_key(key);
  request.set_text(text);
  return request;
}

wire::ListRequest ListOf(const std::string& parent, wire::Scope scope) {
  wire::ListRequest request;
  request.set_parent(parent);
  request.set_scope(scope);
  return request;
}

wire::GrantRequest GrantOf(absl::Duration ttl, int64_t lease_id, const std::string& request_id) {
  wire::GrantRequest request;
  *request.mutable_ttl() = WireDuration(ttl);
  request.set_lease_id(lease_id);
  request.set_request_id(request_id);
  return request;
}

google::protobuf::Duration WireDuration(absl::Duration duration) {
  google::protobuf::Duration wired;
  wired.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  wired.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
  return wired;
}

absl::Duration DurationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace scoutlight::testing
