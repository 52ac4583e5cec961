#ifndef SCOUTLIGHT_SERVER_DISCOVERY_DRAIN_CALL_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_DRAIN_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "server/admission.h"
#include "server/discovery/drain_awaiter.h"
#include "server/discovery/registrar.h"

namespace scoutlight::server {

// A call of RegistrationService/Drain: makes the instance draining, waits until its subscribers have confirmed that, and frees its place
// when its caller goes. All outlive the call.
struct DrainParts {
  storage::Store* store = nullptr;
  const Admission* admission = nullptr;
  Registrar* registrar = nullptr;
  DrainAwaiter* drains = nullptr;
};
grpc::ServerUnaryReactor* StartDrain(const DrainParts& parts, const grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes,
                                     grpc::ByteBuffer* answer);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_DRAIN_CALL_H_
