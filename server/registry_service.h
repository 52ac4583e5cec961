#ifndef SCOUTLIGHT_SERVER_REGISTRY_SERVICE_H_
#define SCOUTLIGHT_SERVER_REGISTRY_SERVICE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "scoutlight/registry/v1/registry.grpc.pb.h"
#include "server/admission.h"
#include "server/error_mapping.h"
#include "server/watch/watch_hub.h"
#include "storage/store.h"

namespace scoutlight::server {

// Methods are raw, so that bytes that are no message get our answer and not gRPC's.
using RawRegistryService =
    registry::v1::RegistryService::WithRawCallbackMethod_Get<registry::v1::RegistryService::WithRawCallbackMethod_List<
        registry::v1::RegistryService::WithRawCallbackMethod_Put<registry::v1::RegistryService::WithRawCallbackMethod_Delete<
            registry::v1::RegistryService::WithRawCallbackMethod_Transact<registry::v1::RegistryService::WithRawCallbackMethod_Watch<
                registry::v1::RegistryService::WithRawCallbackMethod_WatchMany<registry::v1::RegistryService::Service>>>>>>>;

// scoutlight.registry.v1.RegistryService over a Store. Every handler does the same: parse, convert, authorize, hand to the store, and
// answer when the store does. None waits. Streams are the hub's. Thread-safe.
class RegistryService final : public RawRegistryService {
 public:
  // All outlive the service and every call of it.
  RegistryService(storage::Store* store, const Admission* admission, WatchHub* hub) : store_(*store), admission_(*admission), hub_(*hub) {}

  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* Put(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* Delete(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* Transact(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                     grpc::ByteBuffer* answer) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Watch(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* WatchMany(grpc::CallbackServerContext* context) override;

 private:
  ShownState StateOf(const storage::Page& page) const;
  ShownState StateOf(const storage::CommitResult& result) const;

  storage::Store& store_;
  const Admission& admission_;
  WatchHub& hub_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_REGISTRY_SERVICE_H_
