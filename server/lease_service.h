#ifndef SCOUTLIGHT_SERVER_LEASE_SERVICE_H_
#define SCOUTLIGHT_SERVER_LEASE_SERVICE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "scoutlight/registry/v1/lease.grpc.pb.h"
#include "server/admission.h"
#include "server/keep_alive_calls.h"
#include "storage/store.h"

namespace scoutlight::server {

using RawLeaseService = registry::v1::LeaseService::WithRawCallbackMethod_Grant<
    registry::v1::LeaseService::WithRawCallbackMethod_Revoke<registry::v1::LeaseService::WithRawCallbackMethod_Renew<
        registry::v1::LeaseService::WithRawCallbackMethod_KeepAlive<registry::v1::LeaseService::WithRawCallbackMethod_GetLease<
            registry::v1::LeaseService::WithRawCallbackMethod_ListLeases<registry::v1::LeaseService::Service>>>>>>;

// scoutlight.registry.v1.LeaseService over a Store, as RegistryService. For authorization a lease is asked about as the root's key, as it
// belongs to none; with what hangs on it (Revoke, GetLease) as the root's subtree. Thread-safe.
class LeaseService final : public RawLeaseService {
 public:
  // `store` and `admission` outlive the service and every call of it. Each stream takes a place of `places`.
  LeaseService(storage::Store* store, const Admission* admission, std::shared_ptr<StreamPlaces> places);

  grpc::ServerUnaryReactor* Grant(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* Revoke(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* Renew(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* KeepAlive(grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* GetLease(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                     grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* ListLeases(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                       grpc::ByteBuffer* answer) override;

  // Ends the streams of KeepAlive, those that come later too. Does not block.
  void Drain() { keep_alives_.Drain(); }

 private:
  storage::Store& store_;
  const Admission& admission_;
  KeepAliveCalls keep_alives_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_LEASE_SERVICE_H_
