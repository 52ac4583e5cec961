#ifndef SCOUTLIGHT_SERVER_DISCOVERY_REGISTRATION_SERVICE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_REGISTRATION_SERVICE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "base/clock.h"
#include "base/entry.h"
#include "base/reader_pool.h"
#include "scoutlight/discovery/v1/registration.grpc.pb.h"
#include "server/admission.h"
#include "server/discovery/catalog_feed.h"
#include "server/discovery/drain_awaiter.h"
#include "server/discovery/override_editor.h"
#include "server/discovery/registrar.h"
#include "server/discovery/session_hub.h"
#include "server/identity.h"
#include "server/unary_call.h"
#include "storage/store.h"

namespace scoutlight::server {

using RawRegistrationService = discovery::v1::RegistrationService::WithRawCallbackMethod_Register<
    discovery::v1::RegistrationService::WithRawCallbackMethod_RegisterAll<discovery::v1::RegistrationService::WithRawCallbackMethod_Update<
        discovery::v1::RegistrationService::WithRawCallbackMethod_Deregister<
            discovery::v1::RegistrationService::WithRawCallbackMethod_PutOverride<
                discovery::v1::RegistrationService::WithRawCallbackMethod_DeleteOverride<
                    discovery::v1::RegistrationService::WithRawCallbackMethod_ConfirmLoss<
                        discovery::v1::RegistrationService::WithRawCallbackMethod_Session<
                            discovery::v1::RegistrationService::WithRawCallbackMethod_Drain<
                                discovery::v1::RegistrationService::Service>>>>>>>>>;

// scoutlight.discovery.v1.RegistrationService. Every handler parses, converts, authorizes and hands over to the registrar or the store;
// none waits, and a RegisterAll of over limits::kInlineEntriesMax does all that on a reader. Thread-safe.
class RegistrationService final : public RawRegistrationService {
 public:
  // All outlive the service and every call of it.
  struct Parts {
    storage::Store* store = nullptr;
    const Admission* admission = nullptr;
    CatalogFeed* feed = nullptr;
    Registrar* registrar = nullptr;
    ReaderPool* readers = nullptr;  // For what is too long for gRPC's threads.
    SessionHub* sessions = nullptr;
    DrainAwaiter* drains = nullptr;
    Clock* clock = nullptr;
  };

  explicit RegistrationService(Parts parts) : parts_(parts), overrides_(parts.store, parts.feed) {}

  grpc::ServerUnaryReactor* Register(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                     grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* RegisterAll(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                        grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* Update(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* Deregister(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                       grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* PutOverride(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                        grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* DeleteOverride(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                           grpc::ByteBuffer* answer) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Session(grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* ConfirmLoss(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                        grpc::ByteBuffer* answer) override;

 private:
  void AnswerConfirmed(const UnaryCall& call, int confirmed) const;
  // All of RegisterAll, on this thread.
  void RegisterEach(const UnaryCall& call, const Identity& identity, const grpc::ByteBuffer& bytes);

  const Parts parts_;
  OverrideEditor overrides_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_REGISTRATION_SERVICE_H_
