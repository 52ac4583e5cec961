#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SESSION_CALLS_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SESSION_CALLS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "base/reader_pool.h"
#include "server/admission.h"
#include "server/discovery/catalog_feed.h"
#include "server/discovery/session_hub.h"
#include "storage/store.h"

namespace scoutlight::server {

// What the calls of RegistrationService/Session need. All outlive every call; `readers` end before `hub`.
struct SessionCalls {
  const storage::Store* store = nullptr;
  const Admission* admission = nullptr;
  const CatalogFeed* feed = nullptr;
  ReaderPool* readers = nullptr;  // For messages that are too long for gRPC's threads.
  SessionHub* hub = nullptr;
};

// Takes a call. The next message of a client is read when the one before is taken in, so a client has one of them here. Thread-safe.
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StartSession(const grpc::CallbackServerContext& context,
                                                                          const SessionCalls& parts);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SESSION_CALLS_H_
