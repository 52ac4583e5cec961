#ifndef SCOUTLIGHT_TESTS_SUPPORT_CLIENT_H_
#define SCOUTLIGHT_TESTS_SUPPORT_CLIENT_H_

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "scoutlight/registry/v1/lease.grpc.pb.h"
#include "scoutlight/registry/v1/registry.grpc.pb.h"

namespace scoutlight::testing {

namespace wire = registry::v1;

// Every call ends within this.
inline constexpr absl::Duration kCallTimeout = absl::Seconds(20);

// What came of a call.
template <typename Message>
struct Answered {
  grpc::Status status;
  Message message;  // Empty unless the status is OK.

  bool ok() const { return status.ok(); }
  const Message* operator->() const { return &message; }
};

// A caller with a connection of its own. Calls block, at most for kCallTimeout, and are not repeated. Thread-safe.
class Client {
 public:
  explicit Client(const std::string& address, std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials());

  Answered<wire::GetResponse> Send(const wire::GetRequest& request);
  Answered<wire::ListResponse> Send(const wire::ListRequest& request);
  Answered<wire::PutResponse> Send(const wire::PutRequest& request);
  Answered<wire::DeleteResponse> Send(const wire::DeleteRequest& request);
  Answered<wire::TransactResponse> Send(const wire::TransactRequest& request);
  Answered<wire::GrantResponse> Send(const wire::GrantRequest& request);
  Answered<wire::RevokeResponse> Send(const wire::RevokeRequest& request);
  Answered<wire::RenewResponse> Send(const wire::RenewRequest& request);
  Answered<wire::GetLeaseResponse> Send(const wire::GetLeaseRequest& request);
  Answered<wire::ListLeasesResponse> Send(const wire::ListLeasesRequest& request);

  // Calls `method` of `service` with bytes that need not be a message, and gives the status alone.
  grpc::Status SendBytes(const std::string& method, const std::string& bytes,
                         const std::string& service = wire::RegistryService::service_full_name());

  Answered<wire::GetResponse> Get(const std::string& key, int64_t revision = 0);
  Answered<wire::ListResponse> List(const std::string& parent, wire::Scope scope = wire::SCOPE_UNSPECIFIED, int64_t revision = 0);
  Answered<wire::PutResponse> Put(const std::string& key, const std::string& text);
  Answered<wire::DeleteResponse> Delete(const std::string& key, wire::Scope scope = wire::SCOPE_UNSPECIFIED);

  Answered<wire::RevokeResponse> Revoke(int64_t lease_id);
  Answered<wire::RenewResponse> Renew(const std::vector<int64_t>& lease_ids);
  Answered<wire::GetLeaseResponse> GetLease(int64_t lease_id, bool include_keys = false);

  // The id of a new lease; fails the test when the call fails.
  int64_t NewLease(absl::Duration ttl);
  // Puts an entry that goes with a lease.
  Answered<wire::PutResponse> PutOnLease(const std::string& key, const std::string& text, int64_t lease_id);

  // All entries of a list, page by page; fails the test when a page fails.
  std::vector<wire::Entry> ListAll(wire::ListRequest request);

  // The text at a key; "(CODE)" when the call fails.
  std::string TextAt(const std::string& key, int64_t revision = 0);

  // The latest revision; fails the test when the call fails.
  int64_t Revision();

  // What the health service says of the whole server; UNKNOWN when the call fails.
  grpc::health::v1::HealthCheckResponse::ServingStatus Health();

  grpc::health::v1::Health::Stub& health() { return *health_; }
  wire::RegistryService::Stub& registry() { return *registry_; }
  wire::LeaseService::Stub& leases() { return *leases_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<wire::RegistryService::Stub> registry_;
  std::unique_ptr<wire::LeaseService::Stub> leases_;
  std::unique_ptr<grpc::health::v1::Health::Stub> health_;
};

// Requests, for tests that fill in further fields.
wire::PutRequest PutOf(const std::string& key, const std::string& text);
wire::ListRequest ListOf(const std::string& parent, wire::Scope scope = wire::SCOPE_UNSPECIFIED);
wire::GrantRequest GrantOf(absl::Duration ttl, int64_t lease_id = 0, const std::string& request_id = "");

// A duration as messages hold it, and back.
google::protobuf::Duration WireDuration(absl::Duration duration);
absl::Duration DurationOf(const google::protobuf::Duration& duration);

// The keys of entries, in their order.
template <typename Entries>
std::vector<std::string> KeysOf(const Entries& entries) {
  std::vector<std::string> keys;
  for (const wire::Entry& entry : entries) keys.push_back(entry.key());
  return keys;
}

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_SUPPORT_CLIENT_H_
