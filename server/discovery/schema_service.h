#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_SERVICE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_SERVICE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "base/reader_pool.h"
#include "scoutlight/discovery/v1/schema.grpc.pb.h"
#include "server/admission.h"
#include "server/discovery/catalog_feed.h"
#include "server/discovery/schema_editor.h"
#include "storage/store.h"

namespace scoutlight::server {

using RawSchemaService =
    discovery::v1::SchemaService::WithRawCallbackMethod_PutSchema<discovery::v1::SchemaService::WithRawCallbackMethod_GetSchema<
        discovery::v1::SchemaService::WithRawCallbackMethod_ListSchemas<discovery::v1::SchemaService::WithRawCallbackMethod_DeleteSchema<
            discovery::v1::SchemaService::WithRawCallbackMethod_CheckSchema<discovery::v1::SchemaService::WithRawCallbackMethod_PutBinding<
                discovery::v1::SchemaService::WithRawCallbackMethod_ListBindings<discovery::v1::SchemaService::Service>>>>>>>;

// scoutlight.discovery.v1.SchemaService over a Store and the catalog's feed. Reads show what is in force. For authorization a schema or a
// binding stands where its record does; lists and CheckSchema ask about the whole tree. None of its handlers waits. Thread-safe.
class SchemaService final : public RawSchemaService {
 public:
  // All outlive the service and every call of it.
  struct Parts {
    storage::Store* store = nullptr;
    const Admission* admission = nullptr;
    CatalogFeed* feed = nullptr;
    ReaderPool* readers = nullptr;  // For what is too long for gRPC's threads.
  };

  explicit SchemaService(Parts parts) : parts_(parts), editor_(parts.store, parts.feed, parts.readers) {}

  grpc::ServerUnaryReactor* PutSchema(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                      grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* GetSchema(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                      grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* ListSchemas(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                        grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* DeleteSchema(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                         grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* CheckSchema(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                        grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* PutBinding(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                       grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* ListBindings(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                         grpc::ByteBuffer* answer) override;

 private:
  const Parts parts_;
  SchemaEditor editor_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_SERVICE_H_
